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
