//! Messages of peers that have nothing new.

use super::*;

fn said(value: &Value, is_news: bool) -> Event {
    Event::PeerMessage(PeerEvent { peer: "px2".into(), value: value.clone().into(), is_news, ahead_ms: 0 })
}

fn drain(when: u64) -> Value {
    json!({ "state": "drain", "who": "bob", "when": when, "by": "px2", "why": "", "until": null })
}

#[test]
fn nothing_follows_from_a_message_without_news_until_our_document_changes() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let value = json!({ "version": VERSION, "latches": latch_value(2, "web3"), "operator": { "www/web9": drain(5) } });
    machine.take(said(&value, true));
    assert_eq!((machine.view(), machine.latch().epoch), (LatchView::Active(1), 2));
    for _ in 0..3 {
        let effects = machine.state.on_event(said(&value, false), machine.now);
        assert!(effects.is_empty(), "{effects:?}");
    }
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["services"]["www"]["backends"][0]["name"] = json!("web9");
    machine.take(Event::Reloaded(prepared_from(&document.to_string())));
    machine.take(said(&value, false));
    assert_eq!(machine.service("www").backends[0].operator, OperatorState::Drain, "what it said is read again");
}

#[test]
fn a_message_of_another_form_is_refused_without_a_word_of_what_stands_in_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let value = json!({ "version": VERSION, "acme_certificates": { "shop": "-----BEGIN PRIVATE KEY-----" } });
    let inherited = machine.state.on_event(Event::Inherited(value.clone()), machine.now);
    let told = machine.state.on_event(said(&value, true), machine.now);
    let expected = "it has another form than this program reads, under \"acme_certificates\"";
    for effects in [inherited, told] {
        let lines = format!("{effects:?}").replace("\\\"", "\"");
        assert!(lines.contains(expected) && !lines.contains("PRIVATE"), "{lines}");
    }
    assert!(machine.alarms().contains(expected) && !machine.alarms().contains("PRIVATE"), "{}", machine.alarms());
}

#[test]
fn challenges_of_a_peer_that_the_document_does_not_have_are_not_answered_any_more() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let answer = format!("token.{}", "d".repeat(43));
    let value = json!({ "version": VERSION, "acme": { "ready": true }, "acme_challenges": { "token": answer } });
    machine.take(said(&value, true));
    let answers = |machine: &Machine| {
        machine.state.orders.challenges(machine.now).answer(b"/.well-known/acme-challenge/token").is_some()
    };
    assert!(answers(&machine));
    // It has no peers.
    machine.take(Event::Reloaded(prepared_from(DOCUMENT)));
    assert!(!answers(&machine));
}

#[test]
fn a_peers_latch_that_was_put_off_is_taken_though_the_peer_has_nothing_new() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.service("shop").backends[0].counters[0].running.store(1, std::sync::atomic::Ordering::Relaxed);
    let command = failover_command("shop", None);
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    // The peer has made the same step already, and ours is withdrawn: its backend fails here.
    let value = json!({ "version": VERSION, "latches": { "shop": { "epoch": 1, "by": "px0", "at": 0, "active": "web3",
        "spent": ["web2"], "reason": "failover", "by_operator": true } } });
    machine.take(said(&value, true));
    machine.set("shop/web3", Verdict::Down);
    assert_eq!(machine.latch().epoch, 0);
    machine.take(said(&value, false));
    machine.service("shop").backends[0].counters[0].running.store(0, std::sync::atomic::Ordering::Relaxed);
    machine.pass(HANDING_OVER);
    assert_eq!((machine.latch().epoch, &*machine.latch().active), (1, "web3"));
}

#[test]
fn a_value_that_was_refused_is_looked_at_again_with_every_message() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let hours = |count: u64| Duration::from_secs(count * 3600);
    let when = machine.now.unix_ms + hours(49).as_millis() as u64;
    let value = json!({ "version": VERSION, "latches": {}, "operator": { "www/web1": drain(when) } });
    machine.take(said(&value, true));
    assert!(machine.alarms().contains("more than 48 h in the future"), "{}", machine.alarms());
    machine.pass(hours(2));
    machine.take(said(&value, false));
    assert_eq!((machine.service("www").backends[0].operator, machine.alarms()), (OperatorState::Drain, String::new()));
}
