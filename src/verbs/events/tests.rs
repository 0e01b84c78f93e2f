use super::*;
use crate::api::events::{Events, Level, Read};

fn event(at: u64) -> Event {
    Event { at, level: Level::Info, kind: Kind::Peer, subjects: Vec::new(), words: format!("at {at}") }
}

fn source() -> Source {
    Source::new(Endpoint::at(std::path::Path::new("/run/px.sock")), Query { since: Some(1), ..Query::default() })
}

fn answer(now: u64, count: u64, at: &[u64]) -> Result<EventsOf, String> {
    let events = at.iter().map(|at| event(*at)).collect();
    let events = Events { now, read: Read { life: 7, count }, oldest: Some(5), left_out: 0, events };
    Ok(EventsOf { daemon: "px-1".to_owned(), events })
}

#[test]
fn a_daemon_is_asked_for_what_is_new_since_its_own_last_answer() {
    let mut source = source();
    source.take(answer(100, 2, &[5, 99_999]));
    let new: Vec<_> = source.take_new().into_iter().map(|(daemon, event)| (daemon, event.at)).collect();
    assert_eq!(new, [("px-1".to_owned(), 5), ("px-1".to_owned(), 99_999)]);
    // An event from the future moves nothing: the place counts, and after a restart the daemon's own clock.
    assert_eq!((source.query.since, source.query.after), (Some(100), Some(Read { life: 7, count: 2 })));

    source.take(answer(200, 3, &[150]));
    assert_eq!(source.take_new().len(), 1);
}

#[test]
fn a_daemon_that_does_not_answer_is_named_and_asked_again_from_where_it_was() {
    let mut source = source();
    source.take(answer(100, 2, &[]));
    source.take(Err("refused".to_owned()));
    assert_eq!(source.query.after, Some(Read { life: 7, count: 2 }));
    assert_eq!(silent(&[source]), BTreeMap::from([("px-1", "refused")]));
}

#[test]
fn where_histories_begin_is_said_once_for_those_that_begin_together() {
    let told = |daemon: &str, oldest| {
        let mut source = source();
        let mut answer = answer(100_000, 2, &[]).unwrap_or_else(|why| panic!("{why}"));
        (answer.daemon, answer.events.oldest) = (daemon.to_owned(), oldest);
        source.take(Ok(answer));
        source
    };
    let sources =
        [told("px-1", Some(5_100)), told("px-2", Some(90_000)), told("px-3", Some(5_900)), told("px-4", None)];
    let words = "nothing older is known: the histories begin, of px-1, px-3 by 1970-01-01 00:00:05Z; of px-2 by 1970-01-01 00:01:30Z";
    assert_eq!(beginnings(&sources).as_deref(), Some(words));
    assert_eq!(beginnings(&sources[3..]), None);
}

#[test]
fn a_kind_with_a_slip_is_answered_with_the_near_one() {
    assert!(parse_kind("chek").unwrap_err().ends_with("; did you mean check?"));
    assert!(!parse_kind("weather").unwrap_err().contains("did you mean"));
}
