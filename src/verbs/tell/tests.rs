use super::*;

fn told(outcome: Outcome) -> Told {
    Told { daemon: String::new(), subject: String::new(), outcome, words: String::new(), cached_until: None }
}

#[test]
fn the_exit_code_says_whether_every_daemon_did_it() {
    assert_eq!(verdict(&[told(Outcome::Done), told(Outcome::Done)]), Exit::Done);
    assert_eq!(verdict(&[told(Outcome::Done), told(Outcome::Missed)]), Exit::No);
    assert_eq!(verdict(&[told(Outcome::Done), told(Outcome::Refused)]), Exit::No);
    assert_eq!(verdict(&[told(Outcome::Missed)]), Exit::CouldNot);
}
