//! A zone from other nameservers over its life, by a clock that is driven.

use super::*;
use crate::config::dns::Denial;
use crate::dns::answer::{Client, Transport, answer};
use crate::dns::secondary::made;
use crate::dns::secondary::timers::Times;
use crate::dns::signing::fixture::presigned_text;
use crate::zone::number::rcode;

fn state() -> State {
    let mut text = text(&TWO);
    text["zones"]["example.com"] = json!({ "primaries": [{ "address": "192.0.2.54" }, { "address": "192.0.2.55" }] });
    let config = crate::config::dns::parse(Path::new("dns.json"), &text.to_string()).unwrap();
    let base = document(&TWO);
    let files = vec![Arc::clone(base.zones.get(b"\x07example\x03net\x00").unwrap())];
    let zones = Arc::new(Zones::new(files, vec![(*b"\x07example\x03com\x00").into()]));
    let prepared = Arc::into_inner(base).unwrap();
    let mut state = State::new(Arc::new(Prepared { config, zones, ..prepared }), Saved::default());
    let effects = state.begin_secondaries(at(0));
    assert!(matches!(&effects[..], [Effect::Secondary(SecondaryTask::Read(apex, _))] if apex == "example.com"));
    assert_eq!(state.unread_secondaries(), 1);
    state.on_event(Event::Secondary(SecondaryNews::Read("example.com".into(), None)), at(0));
    state
}

/// With refresh 100, retry 10 and expire 1000, in seconds.
fn zone(serial: u32) -> (Arc<crate::dns::compiled::Zone>, Times) {
    received(&unsigned(serial))
}

fn unsigned(serial: u32) -> String {
    format!("$TTL 300\n@ SOA ns host {serial} 100 10 1000 300\n@ NS ns\nns A 192.0.2.53\n")
}

/// What becomes of such a zone when it comes from a primary.
fn received(text: &str) -> (Arc<crate::dns::compiled::Zone>, Times) {
    let file = crate::zone::parse("example.com", Path::new("z"), text, Checks::Lenient).unwrap();
    let mut records = Vec::new();
    for record in file.records.iter() {
        crate::dns::history::put(&mut records, record.owner, record.rtype, record.ttl, record.rdata);
    }
    let made = made::zone("example.com", &records, Checks::Lenient).unwrap();
    (Arc::new(made.zone), made.times)
}

/// Which primaries are asked, each with the number of the question.
fn asked(effects: &[Effect]) -> Vec<(String, u64)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Secondary(SecondaryTask::Ask(question)) => {
            Some((question.primary.address.to_string(), question.number))
        }
        _ => None,
    });
    asked.collect()
}

/// What a query for the zone's SOA is answered with.
fn code(state: &State) -> u16 {
    let query = b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x06\x00\x01";
    let mut buffer = [0; 1232];
    let client = Client::without_cookies(Transport::Udp);
    answer(query, &state.snapshot(), &client, 0, &mut buffer).unwrap().rcode
}

fn answered(state: &mut State, number: u64, answered: Result<Answered, String>, now: Now) -> Vec<Effect> {
    state.on_event(Event::Secondary(SecondaryNews::Asked("example.com".into(), number, answered)), now)
}

#[test]
fn a_zone_is_servfail_until_it_has_come_served_until_it_expires_and_again_when_a_primary_is_back() {
    let mut state = state();
    let effects = state.on_event(Event::Ready, at(0));
    assert_eq!(asked(&effects), [("192.0.2.54:53".to_owned(), 1)]);
    assert_eq!(code(&state), rcode::SERVFAIL);
    assert!(state.secondary_alarms(at(0))[0].contains("it has not come yet"));
    let effects = answered(&mut state, 1, Err("it cannot be reached".into()), at(10));
    assert_eq!(asked(&effects), [("192.0.2.55:53".to_owned(), 2)], "the next one");
    let (first, times) = zone(1);
    answered(&mut state, 2, Ok(Answered::Newer(first, times, "the whole zone".into())), at(20));
    assert_eq!((code(&state), state.zones().iter().count()), (rcode::NOERROR, 2));
    assert!(state.secondary_alarms(at(20)).is_empty());

    // From now on nobody answers.
    let (mut now, mut expired) = (at(20), None);
    while expired.is_none() {
        now = at(state.wakes(now).unwrap().as_millis() as u64 + 1);
        let mut effects = state.on_event(Event::Time, now);
        while let Some((_, number)) = asked(&effects).pop() {
            effects = answered(&mut state, number, Err("it cannot be reached".into()), now);
        }
        expired = (code(&state) == rcode::SERVFAIL).then_some(now.running);
        if expired.is_none() && now.running > Duration::from_secs(800) {
            assert!(state.secondary_alarms(now)[0].contains("expires in"), "{now:?}");
        }
    }
    let expired = expired.unwrap().as_millis();
    assert!((1_000_020..1_000_100).contains(&expired), "{expired}");
    assert!(state.secondary_alarms(now)[0].contains("has expired and is answered SERVFAIL"));
    assert!(state.is_unserved("example.com"));

    // What was served, a primary still has.
    now = at(state.wakes(now).unwrap().as_millis() as u64 + 1);
    let effects = state.on_event(Event::Time, now);
    let (_, number) = asked(&effects).pop().unwrap();
    answered(&mut state, number, Ok(Answered::Same), now);
    assert_eq!(code(&state), rcode::NOERROR);
}

#[test]
fn a_zone_that_validators_refuse_is_served_with_an_alarm_and_a_line_of_log_until_it_is_mended() {
    let mut state = state();
    state.on_event(Event::Ready, at(0));
    let signed = |serial: u32| {
        let now = at(0).unix_ms / 1000;
        presigned_text("example.com", &unsigned(serial), now, Denial::Nsec)
    };
    // Somebody has changed it without its key.
    let text = signed(1);
    let changed = |serial: u32| {
        let other = text.replace("host.example.com. 1 ", &format!("host.example.com. {serial} "));
        assert_ne!(text, other);
        other
    };
    let mut number = 1;
    let mut take = |state: &mut State, text: String| {
        let (zone, times) = received(&text);
        let moment = at(number * 200_000);
        let effects = answered(state, number, Ok(Answered::Newer(zone, times, "the whole zone".into())), moment);
        assert_eq!(code(state), rcode::NOERROR);
        number += 1;
        state.on_event(Event::Time, at(number * 200_000 - 1));
        let logged = effects.into_iter().filter_map(|effect| match effect {
            Effect::Log(line) if line.words.contains("resolvers that validate") => Some(line.words),
            _ => None,
        });
        let alarms = state.status(&RuntimeFigures::default(), moment).daemon.alarms;
        let alarms = alarms.into_iter().filter(|alarm| alarm.contains("resolvers that validate refuse it"));
        (logged.collect::<Vec<String>>(), alarms.collect::<Vec<String>>())
    };
    assert_eq!(take(&mut state, signed(1)), (vec![], vec![]));
    let (logged, alarms) = take(&mut state, changed(2));
    let why = "example.com. RRSIG (of SOA) is none that key ";
    assert!(logged.len() == 1 && logged[0].contains("refuse serial 2, ") && logged[0].contains(why), "{logged:?}");
    assert!(alarms.len() == 1 && alarms[0].starts_with("zone example.com ") && alarms[0].contains(why), "{alarms:?}");
    assert!(alarms[0].contains("(192.0.2.54:53, 192.0.2.55:53)") && alarms[0].contains("have serial 2 signed anew"));
    let (logged, alarms) = take(&mut state, changed(3));
    assert!(logged.is_empty() && alarms.len() == 1, "the same reason is no news: {logged:?}");
    let status = state.status(&RuntimeFigures::default(), at(0));
    let dnssec = status.zones.iter().find_map(|zone| zone.dnssec.as_ref()).unwrap();
    assert!(dnssec.bogus.as_ref().is_some_and(|why_bogus| why_bogus.starts_with(why)));
    let (logged, alarms) = take(&mut state, signed(4));
    assert!(logged.len() == 1 && logged[0].contains("serial 4 is signed as"), "{logged:?}");
    assert!(alarms.is_empty(), "{alarms:?}");
    let (logged, _) = take(&mut state, unsigned(5));
    assert!(logged.len() == 1 && logged[0].contains("serial 5 is not signed any more"), "{logged:?}");
}

#[test]
fn who_tells_is_asked_first_and_an_answer_that_comes_too_late_counts_for_nothing() {
    let mut state = state();
    state.on_event(Event::Ready, at(0));
    let (first, times) = zone(1);
    answered(&mut state, 1, Ok(Answered::Newer(first, times, String::new())), at(10));
    let generation = state.generation();
    let told = |state: &mut State, from: &str, ms| {
        let apex = (*b"\x07example\x03com\x00").into();
        state.on_event(Event::Secondary(SecondaryNews::Told([(apex, from.parse().unwrap())].into())), at(ms))
    };
    assert_eq!(asked(&told(&mut state, "192.0.2.99", 315)), [], "no primary");
    assert_eq!(asked(&told(&mut state, "192.0.2.55", 320)), [("192.0.2.55:53".to_owned(), 2)]);
    let (second, times) = zone(2);
    answered(&mut state, 1, Ok(Answered::Newer(second, times, String::new())), at(330));
    assert_eq!(
        state.zones().get(b"\x07example\x03com\x00").unwrap().serial,
        1,
        "the first question is answered already"
    );
    answered(&mut state, 2, Ok(Answered::Same), at(340));
    assert_eq!(state.generation(), generation, "nothing is published that is not new");
}

/// The document with other primaries for the zone.
fn with_primaries(state: &State, primaries: &[&str]) -> Arc<Prepared> {
    let mut text = text(&TWO);
    if !primaries.is_empty() {
        let primaries: Vec<_> = primaries.iter().map(|address| json!({ "address": address })).collect();
        text["zones"]["example.com"] = json!({ "primaries": primaries });
    }
    let config = crate::config::dns::parse(Path::new("dns.json"), &text.to_string()).unwrap();
    let prepared = Arc::into_inner(document(&TWO)).unwrap();
    Arc::new(Prepared { config, zones: Arc::clone(&state.document.zones), ..prepared })
}

fn cancelled(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Secondary(SecondaryTask::Cancel(_)))).count()
}

#[test]
fn a_question_to_primaries_that_the_document_has_no_more_is_let_go_and_what_they_answer_counts_for_nothing() {
    let mut state = state();
    assert_eq!(asked(&state.on_event(Event::Ready, at(0))).len(), 1);
    let others = with_primaries(&state, &["192.0.2.77"]);
    let effects = state.on_event(Event::Reloaded(others), at(10));
    assert_eq!((cancelled(&effects), asked(&effects)), (1, vec![("192.0.2.77:53".to_owned(), 2)]));

    // Without the zone, and with it again: the numbers of questions do not begin anew.
    let none = with_primaries(&state, &[]);
    assert_eq!(cancelled(&state.on_event(Event::Reloaded(none), at(20))), 1);
    let again = with_primaries(&state, &["192.0.2.77"]);
    state.on_event(Event::Reloaded(again), at(30));
    let read = state.on_event(Event::Secondary(SecondaryNews::Read("example.com".into(), None)), at(40));
    assert_eq!(asked(&read), [("192.0.2.77:53".to_owned(), 3)]);
    for number in 1..=2 {
        let (late, times) = zone(9);
        answered(&mut state, number, Ok(Answered::Newer(late, times, String::new())), at(50));
        assert_eq!(code(&state), rcode::SERVFAIL, "the answer to question {number} comes too late");
    }
    let (zone, times) = zone(1);
    answered(&mut state, 3, Ok(Answered::Newer(zone, times, String::new())), at(60));
    assert_eq!(code(&state), rcode::NOERROR);
}
