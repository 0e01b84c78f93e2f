#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn every_command_reads_as_it_is_written() {
    for command in [
        Command::Behave(Behaviour::Well),
        Command::Behave(Behaviour::Failing),
        Command::Behave(Behaviour::Slow(Duration::from_millis(400))),
        Command::Close(8091),
        Command::Open(8091),
    ] {
        assert_eq!(serde_json::from_str::<Command>(&serde_json::to_string(&command).unwrap()).unwrap(), command);
    }
    for wrong in ["", "slow", r#"{"behave":"slow"}"#, r#"{"close":70000}"#, r#""kill""#] {
        assert!(serde_json::from_str::<Command>(wrong).is_err(), "{wrong:?} was taken");
    }
}

#[test]
fn a_visit_is_found_among_other_cookies() {
    assert_eq!(visit_name("a=b; visit=17; polder-shop=x"), Some("17"));
    assert_eq!(visit_name("revisit=17"), None);
    assert_eq!(visit_name("visit="), None);
}
