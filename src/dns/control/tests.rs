//! The nameserver's decisions, with no clock, socket or file.

mod catalogs;
mod certificates;
mod dnstap;
mod falling;
mod hours;
mod isolation;
mod secondaries;
mod sequences;
mod signing;

use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::json;

use tracing::Level;

use super::*;
use arc_swap::{ArcSwap, ArcSwapOption};

use crate::api::operator::{ForgetCommand, ForgetTarget, OperatorCommand, OperatorState};
use crate::config::dns::Checks;
use crate::dns::capacity::Limits;
use crate::dns::compiled::compile;
use crate::dns::locality::Locations;
use crate::dns::protection::Protection;
use crate::dns::report::status::RuntimeFigures;
use crate::dns::signing::Signers;
use crate::health::{Proof, TargetHealth, Verdict};

const POOL: &str = "www.example.net";

const ZONE: &str = "$TTL 300\n\
    @ SOA ns1 hostmaster 1 3600 600 86400 300\n\
    @ NS ns1\n\
    ns1 A 192.0.2.53\n";

/// A document with one pool of these members, each with one address.
fn document(members: &[(&str, &str)]) -> Arc<Prepared> {
    prepared(&text(members))
}

fn text(members: &[(&str, &str)]) -> Value {
    let members: serde_json::Map<String, Value> =
        members.iter().map(|(name, address)| ((*name).to_owned(), json!({ "addresses": [address] }))).collect();
    json!({
        "version": 1,
        "name": "ns-1",
        "listeners": ["127.0.0.1:53"],
        "admin": { "socket": "/run/polder-dns/admin.sock" },
        "state_dir": "/var/lib/polder-dns",
        "zones": { "example.net": { "file": "/zones/example.net.zone" } },
        "pools": { POOL: { "members": members, "check": { "port": 80 } } },
    })
}

fn prepared(text: &Value) -> Arc<Prepared> {
    prepared_with(text, ZONE)
}

/// With this text of its zone.
fn prepared_with(text: &Value, zone: &str) -> Arc<Prepared> {
    let config = crate::config::dns::parse(Path::new("dns.json"), &text.to_string()).expect("a valid document");
    let zone =
        crate::zone::parse("example.net", Path::new("example.net.zone"), zone, Checks::Strict).expect("a valid zone");
    let zones = compile(Path::new("dns.json"), &[zone], &config.pools).expect("zones that fit the pools");
    let protection = Protection::of(&config).expect("secrets made up");
    let tcp = Limits::of(&config.tcp);
    Arc::new(Prepared {
        renewed: ArcSwapOption::empty(),
        signers: Signers::default(),
        signed_at: 0,
        at_hand: ArcSwap::default(),
        transfers: Arc::default(),
        locations: Arc::new(Locations::new(&config.locations)),
        config,
        zones: Arc::new(zones),
        impaired: BTreeMap::new(),
        connectors: Vec::new(),
        tcp,
        encrypted: None,
        protection,
        identity: None,
        challenges_identity: None,
    })
}

const TWO: [(&str, &str); 2] = [("a", "192.0.2.1"), ("b", "192.0.2.2")];

fn at(ms: u64) -> Now {
    Now { running: Duration::from_millis(ms), unix_ms: 1_000_000 + ms }
}

fn health(document: &Prepared, verdict: impl Fn(&str) -> Verdict) -> Arc<HealthView> {
    health_with(document, verdict, |_| Proof::default())
}

fn health_with(
    document: &Prepared,
    verdict: impl Fn(&str) -> Verdict,
    proof: impl Fn(&str) -> Proof,
) -> Arc<HealthView> {
    let of = |users: &[String]| TargetHealth {
        verdict: verdict(users[0].split_once('/').map_or("", |(_, member)| member)),
        health: 0,
        reason: "a test".into(),
        since: UNIX_EPOCH,
        probed: None,
        changes: 0,
        hearsay: false,
        proof: proof(users[0].split_once('/').map_or("", |(_, member)| member)),
        before: None,
    };
    Arc::new(document.targets().into_iter().map(|(target, users)| (target, of(&users))).collect())
}

/// A nameserver that answers, with every member up.
fn ready(members: &[(&str, &str)]) -> State {
    let document = document(members);
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), at(0));
    state.on_event(Event::Ready, at(0));
    state
}

fn answers(state: &State) -> Vec<String> {
    state.choices[POOL].addresses().map(ToString::to_string).collect()
}

fn published(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Publish(_))).count()
}

fn written(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::WriteOperator(_))).count()
}

fn command(member: &str, state: OperatorState, force: bool) -> OperatorCommand {
    let subject = format!("{POOL}/{member}");
    OperatorCommand { subject, state, who: "a test".into(), why: String::new(), for_ms: None, force, dry_run: false }
}

#[test]
fn nothing_is_published_before_every_member_has_been_checked() {
    let document = document(&TWO);
    let mut state = State::new(document.clone(), Saved::default());
    assert_eq!(state.unchecked(), (2, 2));
    let one = health(&document, |member| if member == "a" { Verdict::Up } else { Verdict::Unchecked });
    assert_eq!(published(&state.on_event(Event::Health(one), at(0))), 0);
    assert_eq!(state.unchecked(), (1, 2));
    let all = health(&document, |_| Verdict::Up);
    assert_eq!(published(&state.on_event(Event::Health(all), at(1))), 0);
    assert_eq!((state.unchecked(), published(&state.on_event(Event::Ready, at(1)))), ((0, 2), 1));
    assert_eq!(answers(&state), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_snapshot_is_published_only_when_an_answer_changed() {
    let mut state = ready(&TWO);
    let same = health(&state.document, |_| Verdict::Up);
    assert_eq!(published(&state.on_event(Event::Health(same), at(1))), 0);
    let before = state.generation();
    let down = health(&state.document, |member| if member == "a" { Verdict::Down } else { Verdict::Up });
    let effects = state.on_event(Event::Health(down), at(2));
    assert_eq!((published(&effects), state.generation(), answers(&state)), (1, before + 1, vec!["192.0.2.2".into()]));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Log(line) if line.level == Level::INFO && line.subjects == [POOL]))
    );
}

#[test]
fn the_generation_goes_on_where_an_earlier_process_ended() {
    let saved = Saved { health: SavedHealth { generation: 7, ..SavedHealth::default() }, ..Saved::default() };
    let mut state = State::new(document(&TWO), saved);
    state.on_event(Event::Ready, at(0));
    assert_eq!(state.generation(), 8);
}

#[test]
fn what_an_operator_sets_is_answered_written_and_sent_to_peers_at_once() {
    let mut state = ready(&TWO);
    let told = state.operator(&command("a", OperatorState::Drain, false), at(1)).expect("obeyed");
    let Accepted { done, change, effects } = told;
    assert_eq!(done.done, format!("{POOL}/a is set to drain"));
    assert_eq!(done.cached_until, Some(at(1).unix_ms + 300_000));
    assert_eq!((published(&effects), written(&effects)), (1, 1));
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::TellPeers(value) if value.to_string().contains("drain")))
    );
    assert_eq!(state.persistence(change, at(1)), Persistence::Pending);
    state.on_event(Event::OperatorWritten(Ok(())), at(2));
    assert_eq!(state.persistence(change, at(2)), Persistence::OnDisk);
}

#[test]
fn a_state_that_cannot_be_written_counts_and_is_written_again_when_it_is_due() {
    let mut state = ready(&TWO);
    state.operator(&command("a", OperatorState::Maint, false), at(0)).expect("obeyed");
    state.on_event(Event::OperatorWritten(Err(std::io::Error::other("no room"))), at(10));
    assert_eq!(answers(&state), ["192.0.2.2"]);
    let due = state.wakes(at(10)).expect("a next try");
    assert_eq!(written(&state.on_event(Event::Time, at(11))), 0);
    assert_eq!(written(&state.on_event(Event::Time, at(due.as_millis() as u64))), 1);
}

#[test]
fn a_state_with_an_end_ends_when_the_clock_says_so() {
    let mut state = ready(&TWO);
    let until_later = OperatorCommand { for_ms: Some(5_000), ..command("a", OperatorState::Drain, false) };
    state.operator(&until_later, at(0)).expect("obeyed");
    state.on_event(Event::OperatorWritten(Ok(())), at(1));
    let due = state.wakes(at(1)).expect("its end").as_millis() as u64;
    assert_eq!(published(&state.on_event(Event::Time, at(due - 2))), 0);
    assert_eq!(published(&state.on_event(Event::Time, at(due))), 1);
    assert_eq!(answers(&state), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn the_last_usable_member_is_taken_away_only_by_force() {
    let mut state = ready(&TWO);
    state.operator(&command("a", OperatorState::Drain, false), at(0)).expect("obeyed");
    let refused = state.operator(&command("b", OperatorState::Drain, false), at(1));
    assert!(matches!(refused, Err(CommandError::Refused(_))));
    state.operator(&command("b", OperatorState::Drain, true), at(2)).expect("forced");
    assert!(answers(&state).is_empty(), "a drained member is never resurrected");
}

#[test]
fn unknown_subjects_and_latches_are_not_taken_for_refusals() {
    let mut state = ready(&TWO);
    let unknown = OperatorCommand { subject: "nobody/a".into(), ..command("a", OperatorState::Drain, false) };
    assert!(matches!(state.operator(&unknown, at(0)), Err(CommandError::Unknown(_))));
    let forget = |what| ForgetCommand { what, who: "a test".into(), why: String::new() };
    let latch = state.forget(&forget(ForgetTarget::Latch("shop".into())), at(0));
    assert!(matches!(latch, Err(CommandError::Unknown(_))));
    let never_said = state.forget(&forget(ForgetTarget::Subject("gone/a".into())), at(0));
    assert!(matches!(never_said, Err(CommandError::Unknown(_))));
}

#[test]
fn a_peers_newer_state_counts_and_what_is_beyond_the_bounds_is_left_out_with_a_warning() {
    let mut state = ready(&TWO);
    let word =
        |when: u64| json!({ "state": "drain", "who": "alice", "when": when, "by": "ns-2", "why": "", "until": null });
    let value = json!({ "version": 1, "operator": {
        format!("{POOL}/a"): word(at(0).unix_ms),
        format!("{POOL}/b"): word(u64::MAX / 2),
        "another/c": word(at(0).unix_ms),
    } });
    let effects = state.on_event(
        Event::Peer(PeerEvent { peer: "ns-2".into(), value: value.into(), is_news: true, ahead_ms: 0 }),
        at(1),
    );
    assert_eq!((answers(&state), written(&effects)), (vec!["192.0.2.2".to_owned()], 1));
    assert!(
        effects.iter().any(
            |effect| matches!(effect, Effect::Log(line) if line.level == Level::WARN && line.subjects == ["ns-2"])
        )
    );
    assert!(!state.to_tell().to_string().contains("another/c"));
}

#[test]
fn the_alarm_of_a_peer_that_a_reload_removes_goes_with_it() {
    let mut state = ready(&TWO);
    let beyond =
        json!({ "state": "drain", "who": "alice", "when": u64::MAX / 2, "by": "ns-2", "why": "", "until": null });
    let value = json!({ "version": 1, "operator": { format!("{POOL}/b"): beyond } });
    state.on_event(
        Event::Peer(PeerEvent { peer: "ns-2".into(), value: value.into(), is_news: true, ahead_ms: 0 }),
        at(1),
    );
    let alarms = |state: &State| state.status(&RuntimeFigures::default(), at(2)).daemon.alarms.join("; ");
    assert!(alarms(&state).contains("ns-2"), "{}", alarms(&state));
    state.on_event(Event::Reloaded(document(&TWO)), at(2));
    assert!(!alarms(&state).contains("ns-2"), "{}", alarms(&state));
}

#[test]
fn that_no_proxy_can_tell_its_challenges_is_an_alarm() {
    let why = "cannot listen on 192.0.2.53:8455 for the proxies' challenges";
    let figures = RuntimeFigures { challenges_unheard: Some(why.to_owned()), ..RuntimeFigures::default() };
    assert!(ready(&TWO).status(&figures, at(1)).daemon.alarms.iter().any(|alarm| alarm == why));
}

#[test]
fn a_nameserver_that_drains_is_not_ready() {
    let mut state = ready(&TWO);
    let is_ready = |state: &State| state.status(&RuntimeFigures::default(), at(1)).daemon.ready;
    assert!(is_ready(&state));
    state.on_event(Event::Draining, at(1));
    assert!(!is_ready(&state));
}

#[test]
fn a_message_of_another_form_changes_nothing() {
    let mut state = ready(&TWO);
    let value = json!({ "version": 9, "operator": {} });
    let effects = state.on_event(
        Event::Peer(PeerEvent { peer: "ns-2".into(), value: value.into(), is_news: true, ahead_ms: 0 }),
        at(1),
    );
    assert!(
        matches!(&effects[..], [Effect::Log(line)] if line.level == Level::WARN && line.words.contains("version 9"))
    );
}

#[test]
fn a_reload_publishes_the_new_zones_and_pools_whole() {
    let mut state = ready(&TWO);
    let next = document(&[("c", "192.0.2.3")]);
    state.on_event(Event::Health(health(&next, |_| Verdict::Up)), at(1));
    assert_eq!(published(&state.on_event(Event::Reloaded(next.clone()), at(2))), 1);
    assert_eq!(answers(&state), ["192.0.2.3"]);
    assert!(Arc::ptr_eq(&state.snapshot.zones, &next.zones));
}

#[test]
fn what_was_handed_over_counts_and_is_written_by_the_new_process() {
    let mut before = ready(&TWO);
    before.operator(&command("a", OperatorState::Maint, false), at(0)).expect("obeyed");
    let handed = Saved::read_handover(before.to_hand_over(at(1)), at(1).system_time()).expect("its own form");
    let mut state = State::new(document(&TWO), handed.clone());
    let effects = state.on_event(Event::Inherited(Box::new(handed)), at(0));
    assert_eq!(written(&effects), 1);
    state.on_event(Event::Health(health(&state.document.clone(), |_| Verdict::Up)), at(0));
    state.on_event(Event::Ready, at(0));
    assert_eq!(answers(&state), ["192.0.2.2"]);
    assert!(state.generation() > before.generation());
}

#[test]
fn a_command_that_is_only_asked_about_changes_nothing_and_says_what_would_come_of_it() {
    let mut state = ready(&TWO);
    let asked = |member, to| OperatorCommand { dry_run: true, ..command(member, to, false) };
    let Accepted { done, change, effects } =
        state.operator(&asked("a", OperatorState::Drain), at(1)).expect("answered");
    assert_eq!(done.done, "no answer has a, and resolvers keep an old one for 300 s at most; left: b");
    assert!(effects.is_empty() && !done.unchanged, "{effects:?}");
    assert_eq!(state.persistence(change, at(1)), Persistence::OnDisk);
    assert_eq!(answers(&state), ["192.0.2.1", "192.0.2.2"]);

    state.operator(&command("a", OperatorState::Drain, false), at(2)).expect("obeyed");
    assert!(matches!(state.operator(&asked("b", OperatorState::Drain), at(3)), Err(CommandError::Refused(_))));
    let again = state.operator(&asked("a", OperatorState::Drain), at(3)).expect("answered").done;
    assert_eq!(again.done, format!("{POOL}/a is in drain already (by a test); nothing changed"));
    assert!(again.unchanged);
    for later in [9_000, 20_000] {
        let repeated = state.operator(&command("a", OperatorState::Drain, false), at(later)).expect("obeyed");
        let is_event = repeated.effects.iter().any(|effect| matches!(effect, Effect::Log(_)));
        let last_answer = Some(at(2).unix_ms + 300_000);
        assert!(repeated.done.cached_until == last_answer && !is_event, "it is as old as before: {repeated:?}");
    }
}
