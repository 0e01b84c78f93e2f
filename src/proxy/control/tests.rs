#![allow(clippy::unwrap_used, clippy::panic)]

mod doubt;
mod limits;
mod news;

use super::*;
use crate::api::operator::{OperatorCommand, OperatorNote, OperatorState};
use crate::api::proxy::{FailbackCommand, FailoverCommand};
use crate::daemon::lifecycle::{Figures, LastReload, Persistence};
use crate::health::{Before, TargetHealth, Verdict};
use crate::proxy::latch::CommandError;
use crate::proxy::latch::Latch;
use crate::proxy::latch::latches::StoredLatches;
use crate::proxy::report::explain::{self, Visit};
use crate::proxy::report::metrics::page as metrics;
use crate::proxy::report::page::page;
use crate::proxy::report::status::{Live, status};
use crate::proxy::samples::{DOCUMENT, health, prepared, prepared_from};
use crate::proxy::snapshot::{LatchView, ServiceMode};

/// A state with a disk and a clock, both in the test's hand.
struct Machine {
    state: State,
    now: Now,
    disk_works: bool,
    written: Vec<Record>,
    operator_written: Vec<Value>,
    told: Option<Value>,
    published: Vec<u64>,
}

impl Machine {
    fn start(found: StoredLatches, cold: bool) -> Machine {
        let prepared = prepared();
        let health = health(&prepared, Verdict::Up);
        let remembered = if cold { HealthView::new() } else { health.clone() };
        let (operator, words) = Default::default();
        let health = health.into();
        let latches = Latches::restore(found);
        let acme = Default::default();
        let known =
            InitialState { health, operator, operator_lost: None, latches, damaged: None, remembered, acme, words };
        Machine::start_with(prepared, known)
    }

    fn start_with(prepared: Arc<Prepared>, known: InitialState) -> Machine {
        let now = Now { running: Duration::ZERO, unix_ms: 1_000_000 };
        let (state, effects) = State::new(prepared, known, 1, now);
        let (written, operator_written, published) = Default::default();
        let mut machine = Machine { state, now, disk_works: true, written, operator_written, told: None, published };
        machine.carry_out(effects);
        machine
    }

    /// Writes end after every effect has been carried out, as they do on a machine.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut ended = Vec::new();
        for effect in effects {
            match effect {
                Effect::Publish(snapshot) => self.published.push(snapshot.generation),
                Effect::WriteLatches { ticket, record } => {
                    let how =
                        if self.disk_works { WriteOutcome::Written } else { WriteOutcome::Failed("disk full".into()) };
                    self.written.extend(self.disk_works.then_some(record));
                    ended.push(Event::LatchesWritten { ticket, ended: how });
                }
                Effect::WriteOperator(value) => {
                    let how = if self.disk_works { Ok(()) } else { Err(std::io::Error::other("disk full")) };
                    self.operator_written.extend(self.disk_works.then_some(value));
                    ended.push(Event::OperatorWritten(how));
                }
                Effect::SendToPeers(value) => self.told = Some(value),
                Effect::Log(_) | Effect::Acme(_) => {}
            }
        }
        ended.into_iter().for_each(|event| self.take(event));
    }

    fn take(&mut self, event: Event) {
        let effects = self.state.on_event(event, self.now);
        self.carry_out(effects);
    }

    fn pass(&mut self, time: Duration) {
        self.now = Now { running: self.now.running + time, unix_ms: self.now.unix_ms + time.as_millis() as u64 };
        self.take(Event::Time);
    }

    /// What checks say of `SERVICE/BACKEND` from now on.
    fn set(&mut self, subject: &str, verdict: Verdict) {
        let (service, backend) = subject.split_once('/').unwrap();
        let service = self.state.prepared.service(service).unwrap();
        let target = service.backends.iter().find(|found| *found.name == *backend).unwrap().target.clone();
        let mut health = (*self.state.health).clone();
        health.get_mut(&target).unwrap().verdict = verdict;
        self.take(Event::Health(Arc::new(health)));
    }

    fn say(&mut self, subject: &str, state: OperatorState, force: bool) -> Result<String, CommandError> {
        let (subject, who) = (subject.to_string(), "alice".to_string());
        let command = OperatorCommand { subject, state, who, why: String::new(), for_ms: Some(5_000), force };
        let Accepted { words, effects, .. } = self.state.operator(&command, self.now)?;
        self.carry_out(effects);
        Ok(words)
    }

    fn service(&self, name: &str) -> &Service {
        self.state.snapshot.service(name).unwrap()
    }

    fn view(&self) -> LatchView {
        match self.service("shop").mode {
            ServiceMode::Latched { latch, .. } => latch,
            _ => panic!("shop is latched"),
        }
    }

    fn latch(&self) -> &Latch {
        self.state.latches.get("shop").unwrap().latch().unwrap()
    }

    fn alarms(&self) -> String {
        self.state.alarms(self.now).join("\n")
    }
}

fn peer_message(value: Value) -> Event {
    Event::PeerMessage(PeerEvent { peer: "px2".into(), value: value.into(), is_news: true, ahead_ms: 0 })
}

fn peer(latches: Value) -> Event {
    peer_message(json!({ "version": VERSION, "latches": latches, "operator": {} }))
}

fn latch_value(epoch: u64, active: &str) -> Value {
    json!({ "shop": { "epoch": epoch, "by": "px2", "at": 0, "active": active, "spent": ["web2"], "reason": "told" } })
}

#[test]
fn a_failover_is_on_disk_before_a_request_is_answered_by_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.set("shop/web2", Verdict::Down);
    assert_eq!(machine.view(), LatchView::Active(1));
    assert_eq!(machine.written.last().unwrap().latches["shop"].active, "web3");
    assert_eq!(machine.published, [1, 2, 3], "the first, the one that holds requests, the one that moves them");
    assert_eq!(machine.told.as_ref().unwrap()["latches"]["shop"]["active"], "web3");
    assert_eq!(machine.alarms(), "");
}

#[test]
fn a_full_disk_does_not_stop_a_failover_but_raises_an_alarm_until_it_is_written() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.disk_works = false;
    machine.set("shop/web2", Verdict::Down);
    assert_eq!(machine.view(), LatchView::Active(1));
    assert!(machine.alarms().contains("disk full") && !machine.state.latches.is_stored("shop"));
    machine.disk_works = true;
    machine.pass(Duration::from_secs(1));
    assert!(machine.state.is_unwritten(), "the next try is later");
    machine.pass(Duration::from_secs(2));
    assert!(!machine.state.is_unwritten() && machine.state.latches.is_stored("shop"));
    assert_eq!(machine.alarms(), "");
}

/// A failover of the shop to web3, up to the write that its answer waits for: the change, and that write.
fn failed_over(machine: &mut Machine) -> (Change, u64) {
    let command =
        FailoverCommand { service: "shop".into(), to: Some("web3".into()), who: "alice".into(), why: String::new() };
    let Accepted { change, effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    let write = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::WriteLatches { ticket, .. } => Some(*ticket),
            _ => None,
        })
    };
    let ticket = write(&effects).or_else(|| write(&machine.state.on_event(Event::Time, machine.now)));
    assert_eq!(machine.state.persistence(&change, machine.now), Persistence::Pending, "it is not on disk");
    (change, ticket.unwrap())
}

#[test]
fn an_operators_failover_is_answered_when_it_is_on_disk_and_a_failed_or_late_write_is_an_error() {
    let ends = |how: &str| [WriteOutcome::Written, WriteOutcome::Failed(how.into()), WriteOutcome::Late(how.into())];
    for ended in ends("the disk is gone") {
        let mut machine = Machine::start(StoredLatches::Missing, false);
        let (change, ticket) = failed_over(&mut machine);
        machine.state.on_event(Event::LatchesWritten { ticket, ended: ended.clone() }, machine.now);
        assert_eq!(machine.latch().active, "web3", "{ended:?}");
        match (machine.state.persistence(&change, machine.now), ended) {
            (Persistence::OnDisk, WriteOutcome::Written) => {}
            (Persistence::Failed(why), WriteOutcome::Failed(_) | WriteOutcome::Late(_)) => {
                assert!(why.contains("shop is on web3, but that is not on disk (the disk is gone)"), "{why}");
            }
            (kept, ended) => panic!("{ended:?} was answered with {kept:?}"),
        }
    }
}

#[test]
fn an_operators_failover_that_something_else_overtook_is_answered_with_what_is_so() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let (change, ticket) = failed_over(&mut machine);
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Written });
    machine.take(peer(latch_value(9, "web2")));
    let kept = machine.state.persistence(&change, machine.now);
    assert!(matches!(&kept, Persistence::Withdrawn(why) if why.contains("shop is on web2")), "{kept:?}");
}

#[test]
fn a_disk_that_does_not_answer_holds_a_failover_back_for_its_time_only() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let mut health = (*machine.state.health).clone();
    health.iter_mut().filter(|(target, _)| target.address.port() == 8080).for_each(|(target, health)| {
        health.verdict = if target.address.ip().to_string() == "192.0.2.2" { Verdict::Down } else { Verdict::Up };
    });
    let effects = machine.state.on_event(Event::Health(Arc::new(health)), machine.now);
    assert_eq!(machine.view(), LatchView::Hold);
    let ticket = effects.iter().find_map(|effect| match effect {
        Effect::WriteLatches { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.unwrap();
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Late("no answer".into()) });
    assert_eq!(machine.view(), LatchView::Active(1));
    assert!(machine.alarms().contains("no answer"));
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Written });
    assert!(machine.state.latches.is_stored("shop"));
    assert_eq!(machine.alarms(), "");
}

#[test]
fn a_restart_while_the_primary_still_starts_leaves_it_its_grace_though_the_backup_was_known_to_be_up() {
    let prepared = prepared();
    let shop = prepared.service("shop").unwrap();
    let (primary, backup) = (shop.backends[0].target.clone(), shop.backends[1].target.clone());
    let mut now_known = health(&prepared, Verdict::Up);
    now_known.get_mut(&primary).unwrap().verdict = Verdict::Down;
    let known = |remembered: HealthView| InitialState {
        health: now_known.clone().into(),
        operator: OperatorStates::default(),
        operator_lost: None,
        latches: Latches::restore(StoredLatches::Missing),
        damaged: None,
        acme: Default::default(),
        remembered,
        words: Vec::new(),
    };
    let mut only_backup = health(&prepared, Verdict::Up);
    only_backup.retain(|target, _| *target == *backup);
    let record = Record { latches: [("shop".into(), Latch::first("web2"))].into(), ..Record::default() };
    let latches = || Latches::restore(StoredLatches::Whole(record.clone()));
    let start = |remembered: HealthView| {
        Machine::start_with(prepared.clone(), InitialState { latches: latches(), ..known(remembered) })
    };
    assert_eq!(start(only_backup).view(), LatchView::Hold);
    let mut saved = health(&prepared, Verdict::Up);
    saved.values_mut().for_each(|known| known.hearsay = true);
    assert_eq!(start(saved).view(), LatchView::Hold, "what a process that ended saw shortens no grace");
    let mut by_hearsay = health(&prepared, Verdict::Up);
    by_hearsay.values_mut().for_each(|known| known.hearsay = true);
    let known = InitialState { health: by_hearsay.clone().into(), ..known(by_hearsay) };
    let mut again = Machine::start_with(prepared.clone(), InitialState { latches: latches(), ..known });
    assert_eq!(again.view(), LatchView::Active(0), "it serves by that");
    again.set("shop/web2", Verdict::Down);
    assert_eq!(again.view(), LatchView::Hold, "and has its grace");
    let was_up = start(health(&prepared, Verdict::Up));
    assert_eq!((was_up.latch().epoch, was_up.view()), (1, LatchView::Active(1)), "it died a moment ago");
}

#[test]
fn a_proxy_that_comes_back_with_an_old_latch_hears_its_peers_before_it_decides() {
    let prepared = prepared();
    let remembered = health(&prepared, Verdict::Up);
    let mut now_known = remembered.clone();
    now_known.get_mut(&prepared.service("shop").unwrap().backends[1].target).unwrap().verdict = Verdict::Down;
    let ours = Latch {
        epoch: 4,
        by: "px1".into(),
        active: "web3".into(),
        failed_from: vec!["web2".into()],
        ..Latch::first("")
    };
    let theirs = Latch { epoch: 5, by: "px0".into(), ..Latch::first("web2") };
    let found = StoredLatches::Whole(Record { latches: [("shop".into(), ours)].into(), ..Record::default() });
    let known = InitialState {
        health: now_known.into(),
        operator: OperatorStates::default(),
        operator_lost: None,
        latches: Latches::restore(found),
        damaged: None,
        acme: Default::default(),
        remembered,
        words: vec![peer(json!({ "shop": theirs }))],
    };
    assert!(Machine::start_with(prepared, known).latch().is_same_move(&theirs), "it would win with (5, px1)");
}

#[test]
fn a_step_under_way_is_handed_over_as_if_it_had_ended() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.service("shop").backends[0].counters[0].running.store(1, std::sync::atomic::Ordering::Relaxed);
    let command = FailoverCommand { service: "shop".into(), to: None, who: "alice".into(), why: String::new() };
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_eq!(json!(machine.state.for_peers())["latches"]["shop"]["active"], "web2");
    let mut next = Machine::start(StoredLatches::Missing, false);
    next.take(Event::Inherited(machine.state.to_hand_over()));
    assert_eq!((next.view(), next.latch().epoch), (LatchView::Active(1), 1));
}

#[test]
fn after_a_handover_requests_go_by_what_the_new_daemon_says_and_nothing_is_written() {
    let (mut old, mut new) =
        (Machine::start(StoredLatches::Missing, false), Machine::start(StoredLatches::Missing, false));
    let follow = |old: &mut Machine, new: &Machine| {
        let said = status(&new.state, &Live::default(), new.now);
        let effects = old.state.follow(&said, old.now);
        assert!(effects.iter().all(|effect| matches!(effect, Effect::Publish(_))), "{effects:?}");
        old.carry_out(effects);
    };
    let written = old.written.len();
    follow(&mut old, &new);
    assert_eq!(old.published, [1], "nothing has changed");
    new.disk_works = false;
    new.set("www/web1", Verdict::Down);
    new.set("shop/web2", Verdict::Down);
    new.say("www/web2", OperatorState::Drain, true).unwrap();
    follow(&mut old, &new);
    assert!(old.view() == LatchView::Active(1) && old.latch().is_same_move(new.latch()), "{:?}", old.latch());
    let www = &old.service("www").backends;
    assert_eq!((www[0].verdict, www[1].operator), (Verdict::Down, OperatorState::Drain));
    new.set("shop/web3", Verdict::Down);
    follow(&mut old, &new);
    assert_eq!(old.view(), LatchView::Hold, "the daemon may move it in a moment");
    assert_eq!(old.written.len(), written);
}

#[test]
fn a_backend_that_only_a_peers_document_has_has_not_left_ours_after_a_restart_either() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.take(peer(latch_value(5, "web9")));
    assert_eq!((machine.latch().epoch, machine.view()), (5, LatchView::Active(0)));
    let stored = machine.written.last().unwrap().clone();
    let again = Machine::start(StoredLatches::Whole(stored), false);
    assert_eq!((again.latch(), again.view()), (machine.latch(), LatchView::Active(0)));
    assert!(again.alarms().contains("web9"), "{}", again.alarms());
}

#[test]
fn what_was_stored_counts_after_a_start() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.set("shop/web2", Verdict::Down);
    let stored = machine.written.pop().unwrap();
    let again = Machine::start(StoredLatches::Whole(stored), true);
    assert_eq!((again.latch().epoch, again.view()), (1, LatchView::Active(1)));
    assert!(again.written.is_empty(), "nothing new to write");
}

#[test]
fn lost_latches_serve_nobody_until_a_peer_tells_and_stay_lost_over_a_restart() {
    let mut machine = Machine::start(StoredLatches::Broken("both slots".into()), false);
    assert_eq!(machine.view(), LatchView::Undecided);
    assert!(machine.alarms().contains("polder failover shop --to BACKEND"));
    assert!(
        !machine.state.snapshot.ready,
        "a proxy that does not know its latch is not ready, whatever else it can serve"
    );
    let stored = machine.written.pop().unwrap_or_default();
    assert_eq!(stored.undecided.len(), 1);
    let again = Machine::start(StoredLatches::Whole(stored), false);
    assert_eq!(again.view(), LatchView::Undecided);
    machine.take(peer(latch_value(3, "web3")));
    assert_eq!((machine.latch().epoch, machine.view()), (3, LatchView::Active(1)));
}

#[test]
fn peers_latches_and_words_are_taken_over_and_a_difference_that_lasts_is_an_alarm() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.take(peer(latch_value(2, "web3")));
    assert_eq!(machine.view(), LatchView::Active(1));
    machine.take(peer(latch_value(1, "web2")));
    assert_eq!((machine.view(), machine.alarms()), (LatchView::Active(1), String::new()));
    machine.pass(Duration::from_secs(4));
    assert!(machine.alarms().contains("peer px2 has web2 active (epoch 1), this proxy web3 (epoch 2)"));
    machine.take(peer(latch_value(2, "web3")));
    assert_eq!(machine.alarms(), "");
    let word = json!({ "state": "drain", "who": "bob", "when": 5, "by": "px2", "why": "", "until": null });
    let value = json!({ "version": VERSION, "latches": {}, "operator": { "www/web1": word } });
    machine.take(peer_message(value));
    assert_eq!(machine.service("www").backends[0].operator, OperatorState::Drain);
    assert_eq!(machine.operator_written.len(), 1);
    machine.take(peer_message(json!({ "version": 9 })));
    assert!(machine.alarms().contains("version 9"));
}

#[test]
fn the_operators_word_is_vetted_persisted_and_ends_by_itself() {
    use OperatorState::{Drain, Maint, Ready};
    let mut machine = Machine::start(StoredLatches::Missing, false);
    assert!(matches!(machine.say("www/web9", Drain, false), Err(CommandError::NotFound(_))));
    let refused = machine.say("shop/web2", Drain, true).unwrap_err();
    assert!(matches!(refused, CommandError::Conflict(words) if words.contains("polder failover shop")));
    machine.say("www/web1", Drain, false).unwrap();
    assert_eq!(machine.operator_written.len(), 1);
    assert!(
        matches!(machine.say("www/web2", Maint, false), Err(CommandError::Conflict(words)) if words.contains("last usable"))
    );
    machine.say("www/web2", Maint, true).unwrap();
    assert!(machine.alarms().contains("www: no backend is usable"));
    let wakes = machine.state.wakes(machine.now).unwrap();
    assert!(wakes <= Duration::from_millis(5_001));
    machine.pass(wakes);
    assert!(machine.service("www").backends.iter().all(|backend| backend.operator == Ready));
}

#[test]
fn maint_of_the_active_backend_moves_the_latch() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.say("shop/web2", OperatorState::Maint, false).unwrap();
    assert_eq!((machine.latch().epoch, machine.view()), (1, LatchView::Active(1)));
    let refused = machine.say("shop/web3", OperatorState::Maint, false);
    assert!(matches!(refused, Err(CommandError::Conflict(_))), "web2 is in maint: nobody could follow");
}

#[test]
fn a_failover_waits_for_running_requests_and_is_looked_at_often() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let running = &machine.service("shop").backends[0].counters[0].running;
    running.store(1, std::sync::atomic::Ordering::Relaxed);
    let command = FailoverCommand { service: "shop".into(), to: None, who: "alice".into(), why: "update".into() };
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_eq!(machine.view(), LatchView::Hold);
    assert!(machine.state.snapshot.ready, "a short hold is no reason to send visitors elsewhere");
    assert!(machine.state.wakes(machine.now).unwrap() <= machine.now.running + HANDING_OVER);
    machine.service("shop").backends[0].counters[0].running.store(0, std::sync::atomic::Ordering::Relaxed);
    machine.pass(HANDING_OVER);
    assert_eq!((machine.view(), &*machine.latch().reason), (LatchView::Active(1), "failover by alice: update"));
    let stateless = FailoverCommand { service: "www".into(), to: None, who: "alice".into(), why: String::new() };
    assert!(matches!(machine.state.failover(&stateless, machine.now), Err(CommandError::Conflict(_))));
    let unknown = FailbackCommand { service: "ww".into(), who: "alice".into(), why: String::new() };
    assert!(matches!(machine.state.failback(&unknown, machine.now), Err(CommandError::NotFound(_))));
}

#[test]
fn a_reload_keeps_counters_where_service_backend_and_address_stay_and_moves_a_latch_that_lost_its_backend() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let before: Vec<_> = machine.service("www").backends.iter().map(|backend| backend.counters.clone()).collect();
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["services"]["www"]["backends"][0]["address"] = "192.0.2.9:80".into();
    document["services"]["shop"]["backends"] = json!([
        { "name": "web3", "address": "192.0.2.3:8080" },
        { "name": "web4", "address": "192.0.2.4:8080", "backup": true },
    ]);
    let prepared = prepared_from(&document.to_string());
    machine.take(Event::Health(Arc::new(health(&prepared, Verdict::Up))));
    machine.take(Event::Reloaded(prepared));
    let after = &machine.service("www").backends;
    assert!(!Arc::ptr_eq(&before[0], &after[0].counters), "another address begins anew");
    assert!(Arc::ptr_eq(&before[1], &after[1].counters));
    assert_eq!((&*machine.latch().active, &*machine.latch().reason), ("web3", "web2 left the document"));
}

#[test]
fn nothing_is_published_when_nothing_changes_for_a_request() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.take(peer(json!({})));
    machine.pass(Duration::from_secs(60));
    assert_eq!(machine.published, [1]);
    machine.take(Event::Draining(true));
    assert_eq!(machine.published, [1, 2]);
    assert!(!machine.state.snapshot.ready && machine.state.snapshot.draining);
    assert_eq!(machine.state.summary(), "2 services, 4 of 4 backends up, shop on web2 (epoch 0); generation 2");
}

#[test]
fn metrics_are_named_as_prometheus_wants_them() {
    let machine = Machine::start(StoredLatches::Missing, false);
    let page = metrics(&machine.state, &Live::default(), machine.now);
    let mut family = ("", "");
    for line in page.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["#", "HELP", name, ..] => {
                assert!(line.ends_with('.'), "{line}");
                family = (name, "");
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, family.0, "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                assert!(!name.contains("bytes") || name.ends_with("_bytes_total"), "{line}");
                family.1 = kind;
            }
            _ => assert!(line.starts_with(family.0) && !family.1.is_empty(), "{line}"),
        }
    }
    let documented = include_str!("../../../docs/metrics.md");
    let names = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_whitespace().next());
    for name in names {
        assert!(documented.contains(&format!("| `{name}` |")), "{name} is not in docs/metrics.md");
    }
    assert!(page.contains("polder_requests_waiting{daemon=\"proxy\",service=\"shop\"} 0\n"), "{page}");
}

/// Explains a request of nobody in particular.
fn explain(state: &State, host: &str, path: &str, cookie: &str) -> crate::api::proxy::Explanation {
    explain::explain(state, Visit { host, path, cookie, from: None })
}

#[test]
fn explain_tells_the_same_as_the_snapshot_decides() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let told = explain(&machine.state, "shop.example.net:80", "/", "polder-shop=192.0.2.3:8080");
    assert_eq!((told.service.as_deref(), told.backend.as_deref()), (Some("shop"), Some("web2")));
    assert!(told.because.contains(&"the cookie polder-shop names web3".to_string()), "{told:?}");
    assert_eq!(told.because.last().unwrap(), "web2: the latch decides; the response sets the cookie");
    let told = explain(&machine.state, "a.www.example.net", "/app/x", "");
    assert_eq!(told.route, "host *.www.example.net and path /app");
    machine.set("www/web1", Verdict::Down);
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert_eq!(told.because, ["web1 is down by its checks", "web2: it is the only usable primary"]);
    machine.set("www/web2", Verdict::Down);
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert_eq!((told.backend, told.because.last().unwrap().contains("503")), (None, true));
    let told = explain(&machine.state, "example.org", "/", "");
    assert_eq!((told.service, told.because.len()), (None, 1));
}

#[test]
fn status_page_and_metrics_show_the_same_moment() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.set("shop/web2", Verdict::Down);
    machine.say("www/web1", OperatorState::Drain, false).unwrap();
    let live = Live {
        workers: vec![Arc::default()],
        connections: 7,
        listeners: vec!["127.0.0.1:80".into()],
        log_lines_dropped: 0,
        nameservers: Default::default(),
        shell: Figures {
            last_reload: Some(LastReload {
                when: 0,
                words: "the last reload was refused: <why>".into(),
                refused: true,
            }),
            ..Figures::default()
        },
    };
    let status = status(&machine.state, &live, machine.now);
    let shop = &status.services[0];
    assert_eq!((shop.name.as_str(), shop.mode.as_str(), shop.usable), ("shop", "latched", true));
    let latch = shop.latch.as_ref().unwrap();
    assert_eq!((latch.active.as_deref(), latch.epoch, latch.stored), (Some("web3"), 1, true));
    let web1 = &status.services[1].backends[0];
    assert_eq!((web1.operator, web1.note.as_ref().unwrap().who.as_str()), (OperatorState::Drain, "alice"));
    assert_eq!((status.daemon.ready, status.connections, status.daemon.alarms.len()), (true, 7, 1));

    let page = page(&status);
    assert!(page.contains("<b>web3</b>") && page.contains("refused: &lt;why&gt;"), "{page}");

    let text = metrics(&machine.state, &live, machine.now);
    for line in [
        "polder_ready{daemon=\"proxy\"} 1",
        "polder_connections{daemon=\"proxy\"} 7",
        "polder_check_up{daemon=\"proxy\",service=\"shop\",backend=\"web2\"} 0",
        "polder_operator_state{daemon=\"proxy\",service=\"www\",backend=\"web1\",state=\"drain\"} 1",
        "polder_latch_epoch{daemon=\"proxy\",service=\"shop\"} 1",
        "polder_latch_active{daemon=\"proxy\",service=\"shop\",backend=\"web3\"} 1",
        "polder_state_unwritten{daemon=\"proxy\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn a_check_on_another_port_probes_that_port_and_shares_one_target() {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["services"]["www"]["check"]["port"] = 9000.into();
    document["services"]["shop"]["check"]["port"] = 9000.into();
    let prepared = prepared_from(&document.to_string());
    let targets = prepared.targets();
    assert!(targets.keys().all(|target| target.address.port() == 9000), "{targets:?}");
    let shared = targets.iter().find(|(target, _)| target.address.ip().to_string() == "192.0.2.2").unwrap();
    assert_eq!(shared.1, &["shop/web2", "www/web2"]);
    assert_eq!(targets.len(), 3);
}

#[test]
fn a_state_of_the_most_that_a_document_allows_fits() {
    use crate::api::bounds::{MAX_REASON, MAX_UNKNOWN_SPENT, MAX_WHO, MAX_WHY};
    use crate::config::MOST_SUBJECTS;
    use crate::daemon::operator::proposals::MOST;
    use crate::daemon::peers::MAX_STATE;

    /// More than any fleet of proxies has.
    const PEERS: usize = 16;

    // The worst that JSON makes of text without control characters: two bytes of one.
    let text = |length: usize| "\"".repeat(length);
    let name = |number: usize| format!("{number:064}");
    let word = OperatorNote {
        state: OperatorState::Ready,
        who: text(MAX_WHO),
        when: u64::MAX,
        by: name(0),
        why: text(MAX_WHY),
        until: Some(u64::MAX),
    };
    word.vet(u64::MAX).unwrap();
    // A pool's name is the longest that a subject begins with.
    let subject = |number: usize| format!("{number:0253}/{}", name(number));
    let operator = OperatorStates((0..MOST_SUBJECTS).map(|number| (subject(number), word.clone())).collect());
    // A latched service has a primary and a backup at least.
    let spent = (0..MAX_UNKNOWN_SPENT + 1).map(name).collect();
    let latch = Latch {
        epoch: u64::MAX,
        by: name(0),
        at: u64::MAX,
        active: name(0),
        failed_from: spent,
        reason: text(MAX_REASON),
        by_operator: false,
        addresses: (0..MAX_UNKNOWN_SPENT + 1)
            .map(|at| (name(at), (std::net::Ipv6Addr::from([0xffff; 8]), 65_535).into()))
            .collect(),
    };
    latch.vet(u64::MAX, |known| known == name(1)).unwrap();
    let latches: BTreeMap<String, Latch> = (0..MOST_SUBJECTS / 2).map(|number| (name(number), latch.clone())).collect();
    let proposed: BTreeMap<String, OperatorNote> = (0..MOST).map(|number| (subject(number), word.clone())).collect();
    let dates: BTreeMap<String, u64> = (0..MOST).map(|number| (subject(number), u64::MAX)).collect();
    let seen: BTreeMap<String, _> = (0..PEERS).map(|number| (name(number), dates.clone())).collect();
    // Line ends of PEM are two bytes of JSON, one line in 65.
    let pem = "x".repeat(crate::proxy::acme::material::MOST_BYTES + crate::proxy::acme::material::MOST_BYTES / 65);
    let told = json!({ "directory": "", "obtained": u64::MAX, "pem": pem });
    let ordered: BTreeMap<String, _> = (0..crate::config::proxy::MOST_ORDERED).map(|at| (name(at), &told)).collect();
    let value = json!({
        "version": VERSION, "latches": latches, "operator": operator, "proposed": proposed, "seen": seen,
        "acme_certificates": ordered,
    });
    let state = value.to_string();
    assert!(state.len() <= MAX_STATE, "{} bytes, more than {MAX_STATE}", state.len());
    PeerState::read(&value, None).unwrap();
}

#[test]
fn a_latch_that_a_peer_told_before_our_document_had_its_service_counts_from_our_reload_on() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let at = json!({ "epoch": 3, "by": "px-2", "at": 5, "active": "web2", "spent": ["web1"], "reason": "r" });
    let without: String = DOCUMENT.replace("\"shop\"", "\"before\"").replace("shop.", "before.");
    machine.take(Event::Reloaded(prepared_from(&without)));
    machine.take(peer(json!({ "shop": at })));
    let told = machine.told.clone().unwrap();
    assert_eq!(told["latches"].get("shop").map(|shop| &shop["epoch"]), None, "not passed on: {told}");
    machine.take(Event::Reloaded(prepared()));
    assert_eq!((machine.latch().epoch, &*machine.latch().active), (3, "web2"));
}

/// The health of a document's targets, `changed` by the subject of who uses them.
fn health_where(prepared: &Prepared, changed: impl Fn(&str, &mut TargetHealth)) -> Event {
    let mut view = health(prepared, Verdict::Up);
    for (target, users) in prepared.targets() {
        users.iter().for_each(|user| changed(user, view.get_mut(&target).unwrap()));
    }
    Event::Health(Arc::new(view))
}

/// The document with one thing changed in its stateful service.
fn with_shop(change: impl Fn(&mut Value)) -> Arc<Prepared> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    change(&mut document["services"]["shop"]);
    prepared_from(&document.to_string())
}

#[test]
fn a_changed_check_moves_no_latch_while_the_check_before_passes() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let before = machine.state.prepared.service("shop").unwrap().backends[0].target.clone();
    let old = machine.state.health[&*before].clone();
    let changed = with_shop(|shop| shop["check"] = json!({ "path": "/moved", "fall": 1 }));
    let wrong = |says: Verdict| {
        let (target, health) = ((*before).clone(), TargetHealth { verdict: says, ..old.clone() });
        let before = Arc::new(Before { target, health });
        health_where(&changed, move |user, health| {
            if user == "shop/web2" {
                (health.verdict, health.hearsay) = (Verdict::Down, true);
                health.before = Some(before.clone());
            }
        })
    };
    machine.take(wrong(Verdict::Up));
    machine.take(Event::Reloaded(changed.clone()));
    machine.pass(Duration::from_secs(3600));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Active(0)), "the document alone moves nothing");
    assert!(machine.alarms().contains("shop: web2 fails its changed check"), "{}", machine.alarms());
    let mut dead = Machine::start(StoredLatches::Missing, false);
    dead.take(wrong(Verdict::Up));
    dead.take(Event::Reloaded(changed.clone()));
    dead.take(wrong(Verdict::Down));
    assert_eq!((dead.latch().epoch, dead.view()), (1, LatchView::Active(1)), "it fails both");
    machine.take(Event::Health(Arc::new(health(&prepared(), Verdict::Up))));
    machine.take(Event::Reloaded(prepared()));
    assert_eq!((machine.latch().epoch, machine.alarms()), (0, String::new()), "taken back, all is as before");
}

#[test]
fn a_new_target_of_a_running_service_gets_the_start_grace_however_often_documents_change() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let at = |address: &str| {
        let address = address.to_owned();
        with_shop(move |shop| shop["backends"][0]["address"] = json!(address))
    };
    let down = |prepared: &Prepared| {
        health_where(prepared, |user, health| {
            if user == "shop/web2" {
                health.verdict = Verdict::Down;
            }
        })
    };
    let new = at("192.0.2.7:8080");
    machine.take(down(&new));
    machine.take(Event::Reloaded(new.clone()));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold), "it may be starting");
    machine.pass(Duration::from_secs(9));
    // The same document again, or one where something else changed, neither ends the grace nor begins it anew.
    machine.take(Event::Reloaded(new));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold));
    let mut waits = machine;
    waits.pass(Duration::from_secs(1));
    assert_eq!((waits.latch().epoch, waits.view()), (1, LatchView::Active(1)), "it had its time");

    let mut machine = Machine::start(StoredLatches::Missing, false);
    for address in ["192.0.2.7:8080", "192.0.2.8:8080", "192.0.2.7:8080"] {
        let next = at(address);
        machine.take(down(&next));
        machine.take(Event::Reloaded(next));
        machine.pass(Duration::from_secs(9));
        assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold), "{address}");
    }
}

#[test]
fn renaming_the_active_backend_and_taking_that_back_moves_no_latch_over_a_restart_either() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let renamed = with_shop(|shop| shop["backends"][0]["name"] = json!("alpha"));
    machine.take(Event::Reloaded(renamed.clone()));
    assert_eq!((&*machine.latch().active, machine.latch().epoch, machine.view()), ("alpha", 0, LatchView::Active(0)));
    let stored = machine.written.pop().unwrap();
    let found = StoredLatches::Whole(serde_json::from_value(serde_json::to_value(stored).unwrap()).unwrap());
    let mut again = Machine::start(found, false);
    assert_eq!((&*again.latch().active, again.latch().epoch, again.view()), ("web2", 0, LatchView::Active(0)));
    again.set("shop/web2", Verdict::Down);
    again.take(Event::Health(Arc::new(health(&renamed, Verdict::Up))));
    again.take(Event::Reloaded(renamed));
    assert_eq!(again.latch().failed_from, ["alpha"], "the failed primary stays failed by its new name");
    assert_eq!(again.view(), LatchView::Active(1));
}

#[test]
fn a_damaged_slot_is_an_alarm_that_names_the_command() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.state.damaged = Some("latches.b: its checksum does not match its content".into());
    let alarms = machine.alarms();
    assert!(
        alarms.contains("latches.b: its checksum") && alarms.contains("polder failover SERVICE --to BACKEND"),
        "{alarms}"
    );
}
