use std::collections::BTreeSet;

use clap::{CommandFactory, Parser};

use super::*;
use crate::verbs::{self, Cli};

/// The words of a command line, as a shell takes them: quotes, and what is redirected is not the program's.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            '>' if !quoted => break,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Every verb that is shown, with its words after `polder`.
fn verbs(command: &Command) -> Vec<(String, &Command)> {
    let shown = |command: &'_ Command| command.get_subcommands().filter(|verb| !verb.is_hide_set()).count() > 0;
    let mut all = Vec::new();
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let inner = verbs(verb);
        all.extend(inner.into_iter().map(|(words, inner)| (format!("{} {words}", verb.get_name()), inner)));
        if !shown(verb) {
            all.push((verb.get_name().to_owned(), verb));
        }
    }
    all
}

#[test]
fn every_verb_stands_in_one_group() {
    let command = Cli::command();
    let shown: BTreeSet<&str> =
        command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(Command::get_name).collect();
    let grouped: Vec<&str> =
        GROUPS.iter().flat_map(|(_, names)| *names).copied().filter(|name| *name != "help").collect();
    assert_eq!(grouped.len(), shown.len(), "none twice");
    assert_eq!(grouped.into_iter().collect::<BTreeSet<_>>(), shown);
}

#[test]
fn every_verb_has_examples_and_every_example_is_understood() {
    let command = Cli::command();
    for (words_of_verb, _) in verbs(&command) {
        assert!(!examples::of(&words_of_verb).is_empty(), "{words_of_verb} has no example");
    }
    for (verb, examples) in examples::EXAMPLES {
        for (line, shows) in *examples {
            assert!(line.starts_with(&format!("polder {verb}")), "{line} is under {verb}");
            assert!(!shows.is_empty());
            if let Err(error) = Cli::try_parse_from(words(line)) {
                panic!("{line}: {error}");
            }
        }
    }
}

#[test]
fn help_fits_80_columns_and_breaks_no_line_in_two() {
    let mut command = verbs::command().term_width(80);
    command.build();
    let mut helps = vec![("polder".to_owned(), command.render_long_help().to_string())];
    for (words, verb) in verbs(&command) {
        let mut verb = verb.clone().term_width(80);
        helps.push((words.clone(), verb.render_help().to_string()));
        helps.push((words, verb.render_long_help().to_string()));
    }
    for (verb, help) in helps {
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{verb}: {line}");
        }
        // What is written in lines comes as it is written.
        for line in help.lines().filter(|line| line.starts_with("  polder ")) {
            assert!(help.contains("Examples:"), "{verb}: {line}");
        }
    }
}

#[test]
fn options_for_daemons_are_those_of_verbs_that_speak_to_them() {
    let command = verbs::command();
    for (words, verb) in verbs(&command) {
        let has = |name: &str| verb.get_arguments().any(|argument| argument.get_long() == Some(name));
        let asks = [
            "status",
            "top",
            "events",
            "explain",
            "why",
            "drain",
            "ready",
            "maint",
            "failover",
            "failback",
            "forget",
            "reload",
            "dnstap",
            "dnssec status",
            "dnssec roll-ksk",
            "dnssec roll-algorithm",
        ];
        for option in ["socket", "timeout", "demo"] {
            assert_eq!(has(option), asks.contains(&&*words), "{words} --{option}");
        }
    }
}
