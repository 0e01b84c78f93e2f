use super::*;
use crate::verbs;

fn said(arguments: &[&str]) -> String {
    let mut command = verbs::command();
    let error = command.try_get_matches_from_mut([&["polder"], arguments].concat()).unwrap_err();
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    with_better_words(error, &command, &arguments).render().to_string()
}

#[test]
fn words_of_other_programs_lead_to_the_verb() {
    for (word, verb) in
        [("undrain", "ready"), ("enable", "ready"), ("disable", "maint"), ("deploy", "push"), ("diff", "plan")]
    {
        assert!(said(&[word, "web1"]).contains(&format!("did you mean {verb}?")), "{}", said(&[word, "web1"]));
    }
}

#[test]
fn a_slip_of_the_finger_leads_to_the_verb_and_another_word_to_the_list() {
    assert!(said(&["statsu"]).contains("did you mean status?"));
    assert!(!said(&["frobnicate"]).contains("did you mean"), "{}", said(&["frobnicate"]));
    assert!(said(&["keys", "rotat", "cookies"]).contains("did you mean rotate?"), "{}", said(&["keys", "rotat"]));
}

#[test]
fn force_is_never_suggested_not_in_the_usage_either() {
    for slip in ["--fro", "--fore", "--forec", "--forse", "-force"] {
        let said = said(&["drain", "web1", slip]);
        assert!(!said.replace(slip, "").contains("--force"), "{said}");
    }
    assert!(!said(&["ready", "web1", "--force"]).replace("'--force'", "").contains("--force"));
}

#[test]
fn a_bare_word_is_never_told_to_stand_behind_two_dashes() {
    for line in [&["ready", "web1", "--for", "5m"][..], &["push", "--frobnicate"], &["drain", "web1", "-f"]] {
        assert!(!said(line).contains("-- -"), "{}", said(line));
    }
}

#[test]
fn every_verb_that_is_suggested_is_one() {
    let command = verbs::command();
    let verbs: Vec<&str> = command.get_subcommands().map(|verb| verb.get_name()).collect();
    let is_verb = |word: &str| verbs.contains(&word);
    for (verb, words) in MEANT {
        assert!(is_verb(verb), "{verb}");
        assert!(words.iter().all(|word| !is_verb(word)), "{words:?}");
    }
    assert!(NO_VERB.iter().flat_map(|(words, _)| *words).all(|word| !is_verb(word)));
    for (verb, option) in BARE_WORD {
        let verb = command.find_subcommand(verb).unwrap();
        assert!(options(verb).any(|known| option.strip_prefix("--") == Some(known)), "{verb} {option}");
    }
}
