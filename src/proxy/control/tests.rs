#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod documents;
mod doubt;
mod isolation;
mod limits;
mod news;
mod report;
mod storage;

use super::*;
use crate::api::operator::{OperatorCommand, OperatorNote, OperatorState};
use crate::api::proxy::{FailbackCommand, FailoverCommand};
use crate::config::proxy::Protocol;
use crate::daemon::lifecycle::{Figures, LastReload, Persistence};
use crate::daemon::metrics::Scrape;
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
    asked: Vec<crate::proxy::agreement::Effect>,
    /// How many effects follow from one another at present.
    following: usize,
}

impl Machine {
    fn start(found: StoredLatches, cold: bool) -> Machine {
        let prepared = prepared();
        let health = health(&prepared, Verdict::Up);
        let remembered = if cold { HealthView::new() } else { health.clone() };
        let known = known(health, remembered, Latches::restore(found));
        Machine::start_with(prepared, known)
    }

    fn start_with(prepared: Arc<Prepared>, known: InitialState) -> Machine {
        let now = Now { running: Duration::ZERO, unix_ms: 1_000_000 };
        let (state, effects) = State::new(prepared, known, 1, now);
        let (written, operator_written, published, asked, following) = Default::default();
        let mut machine = Machine {
            state,
            now,
            disk_works: true,
            written,
            operator_written,
            told: None,
            published,
            asked,
            following,
        };
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
                Effect::Agreement(effect) => self.asked.push(effect),
                Effect::Log(_) | Effect::Acme(_) => {}
            }
        }
        self.following += 1;
        assert!(
            self.following < 30,
            "one write follows another without end: {:#?}",
            &self.written[self.written.len() - 3..]
        );
        ended.into_iter().for_each(|event| self.take(event));
        self.following -= 1;
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
        let command =
            OperatorCommand { subject, state, who, why: String::new(), for_ms: Some(5_000), force, dry_run: false };
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

/// What is known at a start by checks, by what was known before, and by the disk; and nothing else.
fn known(health: HealthView, remembered: HealthView, latches: Latches) -> InitialState {
    let (operator, acme, words) = Default::default();
    InitialState {
        health: Arc::new(health),
        operator,
        operator_lost: None,
        latches,
        damaged: None,
        remembered,
        acme,
        predecessor: None,
        words,
    }
}

/// Alice wants a service elsewhere.
fn failover_command(service: &str, to: Option<&str>) -> FailoverCommand {
    let (service, to, who, why) = (service.into(), to.map(str::to_owned), "alice".into(), String::new());
    FailoverCommand { service, to, who, why, dry_run: false, without_agreement: false }
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

fn explain(state: &State, host: &str, path: &str, cookie: &str) -> crate::api::proxy::Explanation {
    let (protocol, port) = (Protocol::Http, None);
    explain::explain(state, Visit { protocol, host, port, path, query: "", cookie, from: None }, 1_000_000)
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
        predecessor: None,
        words: vec![peer(json!({ "shop": theirs }))],
    };
    assert!(Machine::start_with(prepared, known).latch().is_same_move(&theirs), "it would win with (5, px1)");
}

#[test]
fn a_step_under_way_is_handed_over_as_if_it_had_ended() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.service("shop").backends[0].counters[0].running.store(1, std::sync::atomic::Ordering::Relaxed);
    let command = failover_command("shop", None);
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_eq!(json!(machine.state.for_peers(machine.now))["latches"]["shop"]["active"], "web2");
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
    let silent = machine.alarms();
    assert!(
        silent.contains("peer px2 had web2 active (epoch 1) when it was heard last, this proxy has web3 (epoch 2)")
    );
    machine.take(peer(latch_value(1, "web2")));
    assert!(machine.alarms().contains("peer px2 has web2 active (epoch 1), this proxy has web3 (epoch 2)"));
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
fn what_takes_the_active_backend_out_is_refused_and_names_what_moves_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    for state in [OperatorState::Drain, OperatorState::Maint] {
        let refused = machine.say("shop/web2", state, false);
        let Err(CommandError::Conflict(words)) = refused else { panic!("{refused:?}") };
        assert!(words.contains("`polder failover shop` moves them to web3 first"), "{words}");
    }
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Active(0)));
    let drained = machine.say("shop/web2", OperatorState::Drain, true);
    assert!(matches!(drained, Err(CommandError::Conflict(_))), "it would go on with all its visitors: {drained:?}");
}

#[test]
fn a_command_that_is_only_asked_about_changes_nothing_and_says_what_would_come_of_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let before = (machine.state.operator.clone(), machine.latch().clone(), machine.published.len());
    let ask = |machine: &mut Machine, subject: &str, state, force| {
        let command = OperatorCommand {
            subject: subject.into(),
            state,
            who: "alice".into(),
            why: String::new(),
            for_ms: None,
            force,
            dry_run: true,
        };
        let Accepted { words, unchanged, change, effects } = machine.state.operator(&command, machine.now)?;
        assert!(effects.is_empty(), "{effects:?}");
        assert_eq!(machine.state.persistence(&change, machine.now), Persistence::OnDisk);
        Ok::<_, CommandError>((words, unchanged))
    };
    let (words, unchanged) = ask(&mut machine, "www/web2", OperatorState::Maint, false).unwrap();
    assert!(words.contains("web1 goes on alone") && !unchanged, "{words}");
    assert!(ask(&mut machine, "shop/web2", OperatorState::Maint, false).is_err());
    assert!(ask(&mut machine, "shop/web2", OperatorState::Maint, true).unwrap().0.contains("moves to another backend"));
    let (words, unchanged) = ask(&mut machine, "www/web2", OperatorState::Ready, false).unwrap();
    assert_eq!((&*words, unchanged), ("www/web2 is ready already; nothing changed", true));
    let failover = FailoverCommand { dry_run: true, ..failover_command("shop", None) };
    let Accepted { words, effects, .. } = machine.state.failover(&failover, machine.now).unwrap();
    assert!(words.starts_with("shop: from web2 to web3") && effects.is_empty(), "{words}: {effects:?}");
    let failback = FailbackCommand { service: "shop".into(), who: "alice".into(), why: String::new(), dry_run: true };
    let Accepted { words, effects, .. } = machine.state.failback(&failback, machine.now).unwrap();
    assert!(words == "shop is on web2 already" && effects.is_empty(), "{words}: {effects:?}");
    machine.pass(Duration::from_secs(60));
    assert_eq!(before, (machine.state.operator.clone(), machine.latch().clone(), machine.published.len()));
}

#[test]
fn a_command_that_repeats_what_is_so_says_that_nothing_changed() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let mut say = |for_ms, why: &str| {
        let command = OperatorCommand {
            subject: "www/web2".into(),
            state: OperatorState::Drain,
            who: "alice".into(),
            why: why.into(),
            for_ms,
            force: false,
            dry_run: false,
        };
        let accepted = machine.state.operator(&command, machine.now).unwrap();
        machine.pass(Duration::from_secs(60));
        let began = machine.state.operator.0["www/web2"].began();
        (accepted.words, began, accepted.effects.iter().any(|effect| matches!(effect, Effect::Log(_))))
    };
    let (words, began, is_event) = say(None, "new disk");
    assert!(words == "www/web2 is set to drain" && is_event, "{words}");
    for _ in 0..2 {
        let words = "www/web2 is in drain already (by alice: new disk); nothing changed".to_owned();
        assert_eq!(say(None, ""), (words, began, false));
    }
    let mut say = |for_ms, why: &str| say(for_ms, why).0;
    assert_eq!(say(None, "new machine"), "www/web2 is set to drain", "another reason is a change");
    assert_eq!(say(Some(60_000), ""), "www/web2 is set to drain for 1m", "an end is a change");
}

#[test]
fn forced_maint_of_the_active_backend_moves_the_latch() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.say("shop/web2", OperatorState::Maint, true).unwrap();
    assert_eq!((machine.latch().epoch, machine.view()), (1, LatchView::Active(1)));
    let refused = machine.say("shop/web3", OperatorState::Maint, false);
    assert!(matches!(refused, Err(CommandError::Conflict(_))), "web2 is in maint: nobody could follow");
}

#[test]
fn a_failover_waits_for_running_requests_and_is_looked_at_often() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let running = &machine.service("shop").backends[0].counters[0].running;
    running.store(1, std::sync::atomic::Ordering::Relaxed);
    let command = FailoverCommand { why: "update".into(), ..failover_command("shop", None) };
    let Accepted { effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    machine.carry_out(effects);
    assert_eq!(machine.view(), LatchView::Hold);
    assert!(machine.state.snapshot.ready, "a short hold is no reason to send visitors elsewhere");
    assert!(machine.state.wakes(machine.now).unwrap() <= machine.now.running + HANDING_OVER);
    machine.service("shop").backends[0].counters[0].running.store(0, std::sync::atomic::Ordering::Relaxed);
    machine.pass(HANDING_OVER);
    assert_eq!((machine.view(), &*machine.latch().reason), (LatchView::Active(1), "failover by alice: update"));
    let stateless = failover_command("www", None);
    assert!(matches!(machine.state.failover(&stateless, machine.now), Err(CommandError::Conflict(_))));
    let unknown = FailbackCommand { service: "ww".into(), who: "alice".into(), why: String::new(), dry_run: false };
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
        since: None,
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
        without_agreement: false,
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
    let pem = "x".repeat(crate::acme::material::MOST_BYTES + crate::acme::material::MOST_BYTES / 65);
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
