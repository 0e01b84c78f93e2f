//! The command line of `polder` as `--help`, its man pages and its completions show it: verbs in groups, each with examples.

use clap::Command;

pub mod examples;

/// The verbs, in the order and under the headings in which `polder --help` lists them. A test holds that none is missing.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Look", &["status", "top", "events", "explain", "why", "dnstap"]),
    ("Traffic", &["drain", "ready", "maint", "failover", "failback", "forget", "reload"]),
    ("Deploy", &["check", "plan", "push", "rollback", "log", "lock", "unlock", "reconcile", "bootstrap"]),
    ("Files and keys", &["zone", "serial", "dnssec", "keys", "agreement", "import"]),
    ("Try", &["demo", "drill"]),
    ("More", &["generate", "help"]),
];

/// The command line with its verbs in groups.
pub fn plain(command: Command) -> Command {
    let template = template(&command);
    command.help_template(template)
}

/// What clap cannot do: a list of subcommands under several headings.
fn template(command: &Command) -> String {
    let mut verbs = String::new();
    for (heading, names) in GROUPS {
        verbs.push_str(&format!("{heading}:\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string);
            let about = about.unwrap_or_else(|| "Show this, or the help of a verb: polder help drain".to_owned());
            verbs.push_str(&format!("  {name:<9}  {about}\n"));
        }
        verbs.push('\n');
    }
    format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{verbs}Options:\n{{options}}{{after-help}}"
    )
}

/// The same with examples before what else stands below the options. `words` are those after `polder`, of a verb.
pub fn with_examples(command: Command, words: &str) -> Command {
    let inner: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let command = inner.iter().fold(command, |command, name| {
        let words = format!("{words} {name}").trim_start().to_owned();
        command.mut_subcommand(name, |verb| with_examples(verb, &words))
    });
    let shown = examples::of(words);
    if shown.is_empty() {
        return command;
    }
    let rest = command.get_after_help().map(|text| format!("\n\n{text}")).unwrap_or_default();
    let text = format!("Examples:\n{}{rest}", examples::listed(shown));
    command.after_help(text)
}

#[cfg(test)]
mod tests;
