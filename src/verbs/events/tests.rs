use super::*;
use crate::api::events::Level;

fn answer(at: &[u64]) -> Events {
    let event = |at: &u64| Event {
        at: *at,
        level: Level::Info,
        kind: Kind::Peer,
        subjects: Vec::new(),
        words: format!("at {at}"),
    };
    Events { oldest: at.first().copied(), left_out: 0, events: at.iter().map(event).collect() }
}

#[test]
fn an_event_is_shown_once_however_often_it_is_asked_for() {
    let mut feed = Feed::default();
    let first = vec![("px-1".to_owned(), Ok(answer(&[1, 5]))), ("px-2".to_owned(), Ok(answer(&[3])))];
    assert_eq!(feed.take_new(&first).len(), 3);
    // The one that is behind has perhaps not told all yet.
    assert_eq!(feed.latest(), Some(3));

    let second = vec![("px-1".to_owned(), Ok(answer(&[5]))), ("px-2".to_owned(), Ok(answer(&[3, 4])))];
    let new = feed.take_new(&second);

    assert_eq!(new.iter().map(|(daemon, event)| (&**daemon, event.at)).collect::<Vec<_>>(), [("px-2", 4)]);
}

#[test]
fn daemons_that_do_not_answer_are_named() {
    let answers = vec![("px-1".to_owned(), Ok(answer(&[]))), ("px-2".to_owned(), Err("refused".to_owned()))];
    assert_eq!(silent(&answers), BTreeMap::from([("px-2", "refused")]));
}
