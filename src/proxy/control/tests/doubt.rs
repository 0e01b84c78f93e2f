//! A start at which peers may know a latch that this proxy does not.

use super::*;
use crate::proxy::control::peer_state::PeerMessage;

const PEERS: [&str; 3] = ["px2", "px3", "px4"];

fn with_peers(count: usize) -> Arc<Prepared> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let members: BTreeMap<&str, Value> = PEERS[..count]
        .iter()
        .zip(2..)
        .map(|(name, host)| (*name, json!({ "address": format!("127.0.0.{host}:8405"), "keys": [] })))
        .collect();
    document["peers"] = json!({ "listen": "127.0.0.1:8405", "key_file": "/nowhere", "members": members });
    prepared_from(&document.to_string())
}

/// A start that is no takeover.
fn start(found: StoredLatches, damaged: bool, peers: usize) -> Machine {
    let prepared = if peers == 0 { prepared() } else { with_peers(peers) };
    let health = health(&prepared, Verdict::Up);
    let mut latches = Latches::restore(found);
    if prepared.document.peers.is_some() {
        latches.doubt(&prepared, damaged);
    }
    Machine::start_with(prepared, known(health, HealthView::new(), latches))
}

fn whole(epoch: u64, active: &str) -> StoredLatches {
    let latch = Latch { epoch, by: "px1".into(), ..Latch::first(active) };
    StoredLatches::Whole(Record { latches: [("shop".into(), latch)].into(), ..Record::default() })
}

fn told(peer: &str, value: Value) -> Event {
    Event::PeerMessage(PeerEvent { peer: peer.into(), value: value.into(), is_news: true, ahead_ms: 0 })
}

/// What a proxy of this fleet sends that was started with `found` and has heard nobody.
fn message_of(found: StoredLatches, damaged: bool) -> Value {
    let machine = start(found, damaged, 2);
    json!(machine.state.for_peers(machine.now))
}

fn assert_undecided(machine: &Machine) {
    assert_eq!(machine.view(), LatchView::Undecided);
    assert!(!machine.state.snapshot.ready, "no daemon is ready that does not know its latch");
    assert!(machine.alarms().contains("`polder failover shop --to BACKEND` decides"), "{}", machine.alarms());
    assert_eq!(
        json!(machine.state.for_peers(machine.now))["latches"],
        json!({}),
        "peers are not told as decided what is in doubt"
    );
    assert_eq!(machine.state.to_hand_over()["latches"], json!({}));
    let explanation = explain(&machine.state, "shop.example.net", "/", "").because.join("; ");
    assert!(explanation.contains("undecided") && explanation.contains("503"), "{explanation}");
    let told = status(&machine.state, &Live::default(), machine.now);
    assert!(
        !told.daemon.ready && told.services.iter().any(|one| one.latch.as_ref().is_some_and(|l| l.active.is_none()))
    );
}

fn assert_on(machine: &Machine, active: &str, epoch: u64) {
    assert_eq!((&*machine.latch().active, machine.latch().epoch), (active, epoch));
    assert!(matches!(machine.view(), LatchView::Active(_)) && machine.state.snapshot.ready);
    assert_eq!(machine.written.last().unwrap().undecided.len(), 0, "on disk it is decided too");
}

#[test]
fn without_a_peer_heard_a_proxy_whose_latches_are_missing_damaged_or_lost_serves_nobody_and_is_not_ready() {
    for (found, damaged) in
        [(StoredLatches::Missing, false), (whole(3, "web3"), true), (StoredLatches::Broken("both".into()), false)]
    {
        let machine = start(found.clone(), damaged, 1);
        assert_undecided(&machine);
        // Both slots are whole by now: the doubt must outlive another start.
        let again = start(StoredLatches::Whole(machine.written.last().unwrap().clone()), false, 1);
        assert_undecided(&again);
        assert_eq!(again.state.for_peers(again.now), machine.state.for_peers(machine.now), "{found:?}");
    }
}

#[test]
fn a_clean_restart_serves_at_once_though_no_peer_is_heard_and_a_proxy_without_peers_decides_alone() {
    let restarted = start(whole(3, "web3"), false, 2);
    assert_eq!((restarted.view(), restarted.state.snapshot.ready), (LatchView::Active(1), true));
    let alone = start(StoredLatches::Missing, false, 0);
    assert_eq!((alone.view(), alone.state.snapshot.ready), (LatchView::Active(0), true));
    let damaged = start(whole(3, "web3"), true, 0);
    assert_eq!(damaged.view(), LatchView::Active(1), "nobody else could know more");
}

#[test]
fn the_first_peer_that_knows_the_latch_decides_and_the_later_of_both_counts() {
    for (ours, (epoch, active)) in [(1, (2, "web3")), (5, (5, "web2"))] {
        let mut machine = start(whole(ours, "web2"), true, 2);
        machine.take(peer(latch_value(2, "web3")));
        assert_on(&machine, active, epoch);
    }
    let mut missing = start(StoredLatches::Missing, false, 2);
    missing.take(peer(latch_value(2, "web3")));
    assert_on(&missing, "web3", 2);
}

#[test]
fn proxies_that_start_for_the_first_time_decide_together_for_the_primary() {
    let mut one = start(StoredLatches::Missing, false, 1);
    let mut two = start(StoredLatches::Missing, false, 1);
    one.take(told("px2", json!(two.state.for_peers(two.now))));
    two.take(told("px2", json!(one.state.for_peers(one.now))));
    assert_on(&one, "web2", 0);
    assert_on(&two, "web2", 0);
    assert!(one.latch().is_same_move(two.latch()));
}

#[test]
fn where_none_that_is_heard_knows_the_latch_most_of_the_fleet_must_be_heard_and_their_latest_counts() {
    let mut machine = start(StoredLatches::Missing, false, 3);
    machine.take(told("px2", message_of(StoredLatches::Missing, false)));
    assert_undecided(&machine);
    machine.take(told("px9", message_of(StoredLatches::Missing, false)));
    assert_undecided(&machine);
    machine.take(told("px3", message_of(whole(4, "web3"), true)));
    assert_on(&machine, "web3", 4);
}

#[test]
fn a_peer_that_has_lost_the_latch_leaves_the_decision_to_one_that_knows_or_to_the_operator() {
    let mut machine = start(StoredLatches::Missing, false, 1);
    machine.take(told("px2", message_of(StoredLatches::Broken("both".into()), false)));
    assert_undecided(&machine);
    let command = failover_command("shop", Some("web3"));
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_on(&machine, "web3", 1);
}

#[test]
fn what_the_operator_decides_counts_for_more_than_the_latch_that_was_in_doubt() {
    let mut machine = start(whole(7, "web3"), true, 1);
    let command = failover_command("shop", Some("web2"));
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_on(&machine, "web2", 8);
}

#[test]
fn a_peers_doubtful_latch_beyond_the_bounds_decides_nothing() {
    let mut machine = start(StoredLatches::Missing, false, 1);
    let mut value = message_of(whole(1, "web3"), true);
    value["undecided"]["shop"]["epoch"] = json!(u64::MAX);
    machine.take(told("px2", value));
    assert_undecided(&machine);
}

#[test]
fn a_successor_takes_over_the_latches_and_the_doubts() {
    let doubting = start(whole(3, "web3"), true, 1);
    let mut successor = Machine::start(StoredLatches::Missing, false);
    successor.state.prepared = doubting.state.prepared.clone();
    successor.take(Event::Inherited(doubting.state.to_hand_over()));
    assert_undecided(&successor);
    let knowing = start(whole(3, "web3"), false, 1);
    successor.take(Event::Inherited(knowing.state.to_hand_over()));
    assert_on(&successor, "web3", 3);
}

#[test]
fn peers_are_told_of_doubts_from_the_first_exchange_on() {
    let prepared = with_peers(1);
    let mut latches = Latches::restore(whole(3, "web3"));
    latches.doubt(&prepared, true);
    let told = json!(PeerMessage::new(&prepared, &latches, &OperatorStates::default(), Default::default()));
    assert_eq!((&told["latches"], &told["undecided"]["shop"]["epoch"]), (&json!({}), &json!(3)));
}
