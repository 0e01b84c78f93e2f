use clap::CommandFactory;

use super::*;
use crate::verbs::Cli;

fn said(arguments: &[&str]) -> String {
    let mut command = Cli::command();
    let error = command.try_get_matches_from_mut([&["polder"], arguments].concat()).unwrap_err();
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    with_better_words(error, &verbs.iter().map(String::as_str).collect::<Vec<_>>()).render().to_string()
}

#[test]
fn words_of_other_programs_lead_to_the_verb() {
    for (word, verb) in
        [("undrain", "ready"), ("enable", "ready"), ("disable", "maint"), ("deploy", "push"), ("diff", "plan")]
    {
        assert!(said(&[word, "web1"]).contains(&format!("'{verb}'")), "{}", said(&[word, "web1"]));
    }
}

#[test]
fn a_slip_of_the_finger_leads_to_the_verb_and_another_word_to_none() {
    assert!(said(&["statsu"]).contains("'status'"));
    assert!(!said(&["frobnicate"]).contains("similar"), "{}", said(&["frobnicate"]));
}

#[test]
fn force_is_never_suggested() {
    let said = said(&["drain", "web1", "--fro", "10m"]);
    assert!(said.contains("--fro") && !said.contains("--force'"), "{said}");
}

#[test]
fn every_verb_that_is_suggested_is_one() {
    let command = Cli::command();
    let verbs: Vec<&str> = command.get_subcommands().map(|verb| verb.get_name()).collect();
    for (verb, words) in MEANT {
        assert!(verbs.contains(&verb), "{verb}");
        assert!(words.iter().all(|word| !verbs.contains(word)), "{words:?}");
    }
}
