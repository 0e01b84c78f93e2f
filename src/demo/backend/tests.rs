#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn every_command_reads_as_it_is_written() {
    for command in [
        Command::Behave(Behaviour::Well),
        Command::Behave(Behaviour::Failing),
        Command::Behave(Behaviour::Slow(Duration::from_millis(400))),
        Command::CheckPort(CheckPort::Close(8091)),
        Command::CheckPort(CheckPort::Open(8091)),
    ] {
        assert_eq!(command.to_string().parse(), Ok(command));
    }
    for wrong in ["", "slow", "slow x", "close 70000", "kill"] {
        assert!(wrong.parse::<Command>().is_err(), "{wrong:?} was taken");
    }
}

#[test]
fn a_visit_is_found_among_other_cookies() {
    assert_eq!(visit_name("a=b; visit=17; polder-shop=x"), Some("17"));
    assert_eq!(visit_name("revisit=17"), None);
    assert_eq!(visit_name("visit="), None);
}
