//! The certificate of encrypted transports: what the CA is to find is answered before it is asked to look.

use super::*;
use crate::acme::steps::{Challenge, Event as AcmeEvent, Known, TxtRecord};
use crate::daemon::peers::PeerEvent;

const VALUE: &str = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";

/// Answers queries, and orders a certificate; `peers` as the document has them.
fn ordering(peers: &Value) -> State {
    let mut text = text(&TWO);
    text["encrypted"] =
        json!({ "tls": ["127.0.0.1:853"], "acme": { "terms_of_service_agreed": true, "names": ["dns.example.net"] } });
    if !peers.is_null() {
        text["peers"] = peers.clone();
    }
    let document = prepared(&text);
    let mut state = State::new(document.clone(), Saved::default());
    state.begin_orders(Known::default(), at(0));
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), at(0));
    state
}

fn ticket(effects: &[Effect]) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        Effect::Acme(steps::Effect::Order(request)) => Some(request.ticket),
        _ => None,
    })
}

fn record() -> TxtRecord {
    TxtRecord::of("dns.example.net", VALUE.to_owned()).expect("a record")
}

fn is_answered(state: &State) -> bool {
    state.snapshot().challenges.is_some()
}

fn peers() -> Value {
    let member = |address: &str, key: &str| json!({ "address": address, "keys": [key] });
    let own = member("192.0.2.1:8454", "Tk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk4=");
    let other = member("192.0.2.2:8454", "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA=");
    json!({ "listen": "192.0.2.1:8454", "key_file": "/k", "members": { "ns-1": own, "ns-2": other } })
}

fn heard(value: Value) -> Event {
    Event::Peer(PeerEvent { peer: "ns-2".into(), value: value.into(), is_news: true, ahead_ms: 0 })
}

#[test]
fn a_lone_nameserver_orders_once_it_is_ready_and_answers_the_ca_before_that_is_asked_to_look() {
    let mut state = ordering(&Value::Null);
    assert_eq!(ticket(&state.on_event(Event::Time, at(1))), None, "no query is answered yet");
    let ticket = ticket(&state.on_event(Event::Ready, at(2))).expect("an order");
    let effects = state.on_event(Event::Acme(AcmeEvent::Challenged(ticket, vec![Challenge::Dns(record())])), at(3));
    let place = |is_it: fn(&Effect) -> bool| effects.iter().position(is_it).expect("it is among the effects");
    let published = place(|effect| matches!(effect, Effect::Publish(_)));
    let asked = place(|effect| matches!(effect, Effect::Acme(steps::Effect::GoOn(_))));
    assert!(published < asked && is_answered(&state));
    let held: Vec<_> = state.challenges_held(at(3)).map(|held| (held.name, held.proxy, held.values)).collect();
    assert_eq!(held, [("_acme-challenge.dns.example.net".to_owned(), "ns-1".to_owned(), 1)]);

    state.on_event(Event::Draining, at(4));
    assert!(state.orders.records(at(4)).is_empty(), "the order ends with the process");
}

#[test]
fn nameservers_that_start_at_once_ask_each_other_once_more_before_one_of_them_orders() {
    let said = |is_ready: bool| {
        let wants = ordering(&peers()).orders.message(is_ready).part.expect("it orders").wants;
        heard(json!({ "version": 1, "operator": {}, "acme": { "ready": is_ready, "wants": wants } }))
    };
    // The peer's name is higher, so this one orders; but not before it knows.
    let mut state = ordering(&peers());
    state.on_event(said(false), at(1));
    assert_eq!(ticket(&state.on_event(Event::Ready, at(2))), None);
    assert_eq!(ticket(&state.on_event(Event::PeersAsked(at(1).running), at(3))), None, "that was before it was ready");
    assert!(ticket(&state.on_event(Event::PeersAsked(at(3).running), at(4))).is_some());

    // Another one has begun meanwhile.
    let mut state = ordering(&peers());
    state.on_event(said(false), at(1));
    state.on_event(Event::Ready, at(2));
    let wants = state.orders.message(true).part.expect("it orders").wants;
    let part = json!({ "ready": true, "orders": "dns.example.net", "wants": wants });
    state.on_event(heard(json!({ "version": 1, "operator": {}, "acme": part })), at(3));
    assert_eq!(ticket(&state.on_event(Event::PeersAsked(at(3).running), at(4))), None);
}

#[test]
fn what_a_peer_orders_is_answered_before_it_is_told_so_and_for_as_long_as_it_says() {
    let mut state = ordering(&peers());
    state.on_event(Event::Ready, at(0));
    let effects = state.on_event(
        heard(json!({ "version": 1, "operator": {}, "acme_records": { "_acme-challenge.dns.example.net": [VALUE] } })),
        at(1),
    );
    let published = effects.iter().position(|effect| matches!(effect, Effect::Publish(_))).expect("another snapshot");
    let told = effects.iter().position(|effect| match effect {
        Effect::TellPeers(value) => value["acme_answers"][VALUE] == true && value.get("acme_refused").is_none(),
        _ => false,
    });
    assert!(Some(published) < told && is_answered(&state), "{effects:?}");

    // One that is no zone's here is refused, and the peer is told why.
    let elsewhere =
        json!({ "version": 1, "operator": {}, "acme_records": { "_acme-challenge.dns.example.org": [VALUE] } });
    let effects = state.on_event(heard(elsewhere), at(2));
    let refused = effects.iter().find_map(|effect| match effect {
        Effect::TellPeers(value) => value["acme_refused"]["_acme-challenge.dns.example.org"].as_str(),
        _ => None,
    });
    assert_eq!(refused, Some("is in none of this nameserver's zones"));
    assert!(!is_answered(&state), "what it says no more is gone");
}

#[test]
fn a_message_that_cannot_be_read_is_logged_without_what_stands_in_it() {
    let mut state = ordering(&peers());
    state.on_event(Event::Ready, at(0));
    let value = json!({ "version": 1, "operator": {}, "acme_certificates": { "dns.example.net": "-----BEGIN PRIVATE KEY-----" } });
    let effects = state.on_event(heard(value), at(1));
    let said = format!("{effects:?}");
    assert!(said.contains("it has another form than this program reads") && !said.contains("BEGIN"), "{said}");
    let handed = json!({ "version": 1, "acme": { "acme_accounts": { "https://ca.test/dir": "secret" } } });
    let why = Saved::read_handover(handed, at(0).system_time()).expect_err("another form").to_string();
    assert!(!why.contains("secret"), "{why}");
}

#[test]
fn a_successor_goes_on_with_what_failed_before_and_does_not_ask_the_ca_at_once() {
    let mut before = ordering(&Value::Null);
    let ticket_of = ticket(&before.on_event(Event::Ready, at(0))).expect("an order");
    let failure =
        crate::acme::steps::OrderFailure::without_retry_after(crate::acme::schedule::Cause::Refused, "the CA says: no");
    before.on_event(Event::Acme(AcmeEvent::Ended(ticket_of, Err(failure))), at(1));
    let handed = Saved::read_handover(before.to_hand_over(at(2)), at(2).system_time()).expect("its own form");
    let mut state = ordering(&Value::Null);
    state.on_event(Event::Inherited(Box::new(handed)), at(3));
    assert_eq!(ticket(&state.on_event(Event::Ready, at(4))), None);
    assert!(state.orders.alarms(at(4))[0].contains("the CA says: no"));
}
