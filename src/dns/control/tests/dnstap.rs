//! The operator's switch of dnstap beside what documents say.

use super::*;
use crate::api::dns::DnstapCommand;

/// A document with this of dnstap.
fn with(dnstap: Value) -> Arc<Prepared> {
    let mut text = text(&TWO);
    text["dnstap"] = dnstap;
    prepared(&text)
}

fn say(state: &mut State, on: bool) -> Result<Accepted, CommandError> {
    state.switch_dnstap(&DnstapCommand { on, who: "a test".to_owned(), why: "to see".to_owned() }, at(1))
}

fn is_on(state: &State) -> bool {
    state.recorded(&state.document.config).is_some()
}

#[test]
fn an_operators_word_holds_whatever_documents_say_until_one_has_no_receiver() {
    let mut state = State::new(with(json!({ "socket": "/d", "on": false, "sample": 7 })), Saved::default());
    assert!(!is_on(&state));
    let Accepted { done, effects, change } = say(&mut state, true).unwrap();
    assert_eq!(done.done, "dnstap is on: messages go to the receiver at /d");
    assert!(matches!(&effects[..], [Effect::Log(_), Effect::Record]), "{effects:?}");
    assert_eq!((done.unchanged, state.persistence(change, at(1))), (false, Persistence::OnDisk));
    let wanted = state.recorded(&state.document.config).unwrap();
    assert_eq!((wanted.terms.sample, &*wanted.terms.identity), (7, "ns-1"));
    let again = say(&mut state, true).unwrap();
    assert!(again.done.unchanged && again.effects.is_empty(), "{again:?}");

    state.on_event(Event::Reloaded(with(json!({ "socket": "/e", "on": false, "messages": ["AUTH_QUERY"] }))), at(2));
    let wanted = state.recorded(&state.document.config).unwrap();
    assert_eq!((wanted.socket, wanted.terms.queries, wanted.terms.responses), ("/e".into(), true, false));

    let handed = Saved::read_handover(state.to_hand_over(at(3)), at(3).system_time()).unwrap();
    let mut heir = State::new(with(json!({ "socket": "/e", "on": false })), Saved::default());
    heir.on_event(Event::Inherited(Box::new(handed)), at(3));
    assert!(is_on(&heir));

    state.on_event(Event::Reloaded(document(&TWO)), at(4));
    assert!(matches!(say(&mut state, true), Err(CommandError::Refused(why)) if why.contains("name its socket there")));
    state.on_event(Event::Reloaded(with(json!({ "socket": "/e", "on": false }))), at(5));
    assert!(!is_on(&state), "what was said of another receiver");
}

#[test]
fn a_word_that_is_too_long_is_refused() {
    let mut state = State::new(with(json!({ "socket": "/d" })), Saved::default());
    let command = DnstapCommand { on: false, who: "a test".to_owned(), why: "x".repeat(501) };
    assert!(matches!(state.switch_dnstap(&command, at(1)), Err(CommandError::OutOfBounds(_))));
    assert!(is_on(&state));
}
