use super::*;

fn ended(outcome: Outcome) -> CommandResult {
    CommandResult {
        daemon: String::new(),
        subject: String::new(),
        outcome,
        words: String::new(),
        cached_until: None,
        unchanged: false,
    }
}

#[test]
fn the_exit_code_says_whether_every_daemon_did_it() {
    assert_eq!(verdict(&[ended(Outcome::Done), ended(Outcome::Done)]), Exit::Done);
    assert_eq!(verdict(&[ended(Outcome::Done), ended(Outcome::Missed)]), Exit::No);
    assert_eq!(verdict(&[ended(Outcome::Done), ended(Outcome::Refused)]), Exit::No);
    assert_eq!(verdict(&[ended(Outcome::Missed)]), Exit::CouldNot);
}

#[test]
fn daemons_that_say_the_same_are_one_row_and_what_it_is_about_is_said_once() {
    let said = |daemon: &str, words: &str| CommandResult {
        daemon: daemon.to_owned(),
        subject: "www/web2".to_owned(),
        words: words.to_owned(),
        ..ended(Outcome::Done)
    };
    let results =
        [said("px-2", "www/web2 is set to drain"), said("px-1", "www/web2 is set to drain"), said("px-3", "other")];
    let shown = anstream::adapter::strip_str(&table(&results)).to_string();
    let expected = "DAEMON      SUBJECT   RESULT  MESSAGE\npx-1, px-2  www/web2  done    is set to drain\npx-3        www/web2  done    other\n";
    assert_eq!(shown, expected);
    assert_eq!(without_subject("www/web22 is another", "www/web2"), "www/web22 is another");
}
