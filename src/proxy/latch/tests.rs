#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use super::*;
use crate::api::operator::OperatorState;
use crate::config::proxy::{LatchConfig, WithoutAgreement};
use crate::health::Verdict;
use crate::proxy::snapshot::LatchView;

const NAMES: [&str; 3] = ["web1", "web2", "web3"];
const RULES: LatchConfig = LatchConfig {
    start_grace: Duration::from_secs(10),
    last_resort: true,
    failover_drain: Duration::from_secs(5),
    without_agreement: WithoutAgreement::Stop,
};
const ALICE: Operator<'static> = Operator { who: "alice", why: "" };

/// One proxy with its view of the three backends: web1 is the primary.
#[derive(Clone)]
struct Proxy {
    own: String,
    rules: LatchConfig,
    keeper: Keeper,
    backends: Vec<(&'static str, Verdict, OperatorState)>,
    running: u64,
    now: Now,
    /// The names, addresses and backups of a later document.
    called: Option<Vec<(&'static str, std::net::SocketAddr, bool)>>,
}

impl Proxy {
    fn new(own: &str) -> Proxy {
        let backends = NAMES.iter().map(|name| (*name, Verdict::Up, OperatorState::Ready)).collect();
        let keeper = Keeper::new(Latch::first("web1"));
        Proxy { own: own.into(), rules: RULES, keeper, backends, running: 0, now: Now::default(), called: None }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Keeper, Now, &Situation<'_>) -> T) -> T {
        let mut backends = backend_states(&self.backends);
        for (backend, called) in backends.iter_mut().zip(self.called.iter().flatten()) {
            (backend.name, backend.address, backend.backup) = *called;
        }
        let situation = Situation {
            own: &self.own,
            service: "shop",
            backends: &backends,
            rules: &self.rules,
            running: self.running,
            isolated: false,
            agreed: false,
        };
        act(&mut self.keeper, self.now, &situation)
    }

    fn look<T>(&self, look: impl FnOnce(&Keeper, Now, &Situation<'_>) -> T) -> T {
        self.clone().with(|keeper, now, situation| look(keeper, now, situation))
    }

    /// Steps, and stores at once what was proposed, until nothing more follows.
    fn settle(&mut self) -> Option<String> {
        let words = self.with(|keeper, now, situation| keeper.step(now, situation));
        if let Some(next) = self.keeper.proposed().cloned() {
            self.keeper.commit(&next);
            self.with(|keeper, now, situation| keeper.step(now, situation));
        }
        words
    }

    fn set(&mut self, name: &str, verdict: Verdict) {
        self.backends.iter_mut().filter(|backend| backend.0 == name).for_each(|backend| backend.1 = verdict);
        self.settle();
    }

    fn say(&mut self, name: &str, state: OperatorState) {
        self.backends.iter_mut().filter(|backend| backend.0 == name).for_each(|backend| backend.2 = state);
        self.settle();
    }

    fn pass(&mut self, time: Duration) {
        self.now = Now { running: self.now.running + time, unix_ms: self.now.unix_ms + time.as_millis() as u64 };
        self.settle();
    }

    fn failover(&mut self, to: Option<&str>) -> Result<String, CommandError> {
        let told = self.with(|keeper, now, situation| keeper.failover(to, &ALICE, now, situation));
        self.settle();
        told
    }

    fn failback(&mut self) -> Result<String, CommandError> {
        let told = self.with(|keeper, now, situation| keeper.failback(&ALICE, now, situation));
        self.settle();
        told
    }

    fn view(&self) -> LatchView {
        self.look(|keeper, now, situation| keeper.view(now, situation))
    }

    fn alarm(&self) -> Option<String> {
        self.look(|keeper, _, situation| keeper.alarm(situation))
    }

    fn latch(&self) -> &Latch {
        self.keeper.latch().unwrap()
    }

    /// The latch as proxies compare it, whatever it knows of addresses.
    fn moved(&self) -> Latch {
        Latch { addresses: Default::default(), ..self.latch().clone() }
    }

    fn active(&self) -> &str {
        &self.latch().active
    }
}

fn backend_states(backends: &[(&'static str, Verdict, OperatorState)]) -> Vec<BackendState<'static>> {
    let standing = |(name, verdict, operator): &(&'static str, Verdict, OperatorState)| BackendState {
        name,
        address: (
            std::net::Ipv4Addr::LOCALHOST,
            NAMES.iter().position(|known| known == name).map_or(9, |at| at as u16 + 1),
        )
            .into(),
        backup: *name != "web1",
        verdict: *verdict,
        hearsay: false,
        reason: "connection refused",
        operator: *operator,
        contradicted: false,
    };
    backends.iter().map(standing).collect()
}

#[test]
fn the_latch_moves_when_the_active_backend_goes_down_and_stays_when_it_returns() {
    let mut proxy = Proxy::new("px");
    proxy.set("web1", Verdict::Down);
    assert_eq!(proxy.view(), LatchView::Active(1));
    let latch = proxy.latch();
    assert_eq!((latch.epoch, &*latch.by, &latch.failed_from[..]), (1, "px", &["web1".to_string()][..]));
    assert_eq!(latch.reason, "web1 is down (connection refused)");
    proxy.set("web1", Verdict::Up);
    assert_eq!((proxy.active(), proxy.latch().epoch), ("web2", 1));
}

#[test]
fn it_moves_when_the_active_backend_is_put_in_maint_or_leaves_the_document_but_not_when_it_drains() {
    let mut proxy = Proxy::new("px");
    proxy.say("web1", OperatorState::Drain);
    assert_eq!(proxy.active(), "web1");
    proxy.say("web1", OperatorState::Maint);
    assert_eq!(proxy.active(), "web2");
    proxy.backends.remove(1);
    proxy.settle();
    assert_eq!(proxy.active(), "web3");
    assert_eq!(proxy.latch().reason, "web2 left the document");
}

#[test]
fn what_is_proposed_counts_only_when_it_is_stored_and_requests_wait_until_then() {
    let mut proxy = Proxy::new("px");
    proxy.backends[0].1 = Verdict::Down;
    proxy.with(|keeper, now, situation| keeper.step(now, situation));
    assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Hold));
    let next = proxy.keeper.proposed().unwrap().clone();
    assert!(proxy.keeper.commit(&Latch { epoch: 9, ..next.clone() }).is_none(), "another latch was stored");
    assert_eq!(proxy.keeper.commit(&next).unwrap().unwrap().active, "web1");
    assert_eq!(proxy.view(), LatchView::Active(1));
}

#[test]
fn after_a_cold_start_the_active_backend_has_its_grace_whoever_comes_up_first() {
    let mut proxy = Proxy::new("px");
    proxy.with(|keeper, now, situation| keeper.begin_grace(now, situation.rules));
    proxy.set("web1", Verdict::Down);
    assert_eq!(proxy.view(), LatchView::Hold);
    proxy.pass(Duration::from_secs(9));
    assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Hold));
    assert_eq!(proxy.keeper.wakes(proxy.now), Some(RULES.start_grace));
    let mut late = proxy.clone();
    proxy.set("web1", Verdict::Up);
    assert_eq!(proxy.view(), LatchView::Active(0));
    proxy.set("web1", Verdict::Down);
    assert_eq!(proxy.active(), "web2", "it was up: the start is over");
    late.pass(Duration::from_secs(1));
    assert_eq!(late.active(), "web2");
}

#[test]
fn when_everything_was_away_the_first_to_return_does_not_win_by_a_race() {
    let mut proxy = Proxy::new("px");
    for name in ["web2", "web3", "web1"] {
        proxy.set(name, Verdict::Down);
    }
    assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Active(0)));
    assert!(proxy.alarm().unwrap().contains("no other backend can serve"));
    proxy.set("web2", Verdict::Up);
    assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Hold));
    let mut dead = proxy.clone();
    proxy.set("web1", Verdict::Up);
    assert_eq!((proxy.active(), proxy.latch().epoch), ("web1", 0));
    dead.pass(RULES.start_grace);
    assert_eq!(dead.active(), "web2");
}

#[test]
fn a_backend_failed_away_from_serves_again_only_as_the_last_resort_the_latest_first() {
    let mut proxy = Proxy::new("px");
    proxy.set("web1", Verdict::Down);
    proxy.set("web2", Verdict::Down);
    proxy.set("web1", Verdict::Up);
    proxy.set("web2", Verdict::Up);
    assert_eq!(proxy.active(), "web3");
    let mut strict = proxy.clone();
    strict.rules.last_resort = false;
    strict.set("web3", Verdict::Down);
    assert_eq!(strict.active(), "web3");
    assert!(strict.alarm().unwrap().contains("last_resort"), "{:?}", strict.alarm());
    proxy.set("web3", Verdict::Down);
    assert_eq!(proxy.active(), "web2");
    assert_eq!(proxy.latch().failed_from, ["web1", "web3"]);
    assert!(proxy.latch().reason.ends_with("web2 as the last resort"));
}

#[test]
fn a_failover_holds_new_requests_lets_running_ones_end_and_then_moves() {
    let mut proxy = Proxy::new("px");
    proxy.running = 3;
    assert!(proxy.failover(None).unwrap().contains("from web1 to web2"));
    assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Hold));
    assert!(proxy.failover(Some("web3")).is_err(), "one step at a time");
    assert!(proxy.failover(Some("web2")).is_ok(), "the same step again is no other");
    let mut slow = proxy.clone();
    proxy.running = 0;
    proxy.settle();
    assert_eq!((proxy.active(), proxy.view()), ("web2", LatchView::Active(1)));
    slow.pass(RULES.failover_drain);
    assert_eq!(slow.active(), "web2");
    assert!(slow.failover(Some("web2")).is_ok(), "told again, it is done");
}

#[test]
fn a_failover_that_cannot_be_is_refused_with_words_or_withdrawn() {
    let mut proxy = Proxy::new("px");
    assert!(matches!(proxy.failover(Some("web9")), Err(CommandError::NotFound(_))));
    proxy.set("web2", Verdict::Down);
    assert!(
        matches!(proxy.failover(Some("web2")), Err(CommandError::Conflict(words)) if words.contains("web2 is down"))
    );
    proxy.running = 1;
    proxy.failover(None).unwrap();
    proxy.backends[2].1 = Verdict::Down;
    assert!(proxy.settle().unwrap().contains("withdrawn"));
    assert_eq!(proxy.view(), LatchView::Active(0));
    assert!(matches!(proxy.failover(None), Err(CommandError::Conflict(words)) if !words.contains("failback")));
    proxy.set("web3", Verdict::Up);
    proxy.set("web1", Verdict::Down);
    proxy.set("web1", Verdict::Up);
    proxy.running = 0;
    assert!(
        matches!(proxy.failover(Some("web1")), Err(CommandError::Conflict(words)) if words.contains("polder failback shop"))
    );
}

#[test]
fn failback_goes_to_the_primary_if_it_can_serve_and_forgets_what_was_spent() {
    let mut proxy = Proxy::new("px");
    proxy.set("web1", Verdict::Down);
    assert!(matches!(proxy.failback(), Err(CommandError::Conflict(words)) if words.contains("web1 is down")));
    proxy.set("web1", Verdict::Up);
    proxy.failback().unwrap();
    assert_eq!((proxy.active(), proxy.latch().epoch), ("web1", 2));
    assert!(proxy.latch().failed_from.is_empty());
    assert!(proxy.failback().unwrap().contains("already"));
}

#[test]
fn failback_on_the_primary_makes_the_others_eligible_again() {
    let mut proxy = Proxy::new("px");
    for name in ["web1", "web2"] {
        proxy.set(name, Verdict::Down);
    }
    proxy.set("web1", Verdict::Up);
    proxy.set("web3", Verdict::Down);
    assert_eq!((proxy.active(), proxy.latch().failed_from.len()), ("web1", 2));
    proxy.failback().unwrap();
    assert_eq!((proxy.active(), proxy.latch().failed_from.len()), ("web1", 0));
}

#[test]
fn an_undecided_latch_serves_nobody_until_a_peer_or_the_operator_decides() {
    let mut proxy = Proxy::new("px");
    proxy.keeper = Keeper::undecided(None);
    proxy.settle();
    assert_eq!(proxy.view(), LatchView::Undecided);
    assert!(proxy.alarm().unwrap().contains("polder failover shop --to BACKEND"));
    assert!(proxy.failover(None).is_err() && proxy.failback().is_err());
    let mut told = proxy.clone();
    proxy.failover(Some("web2")).unwrap();
    assert_eq!(proxy.view(), LatchView::Active(1));
    told.keeper.merge_peers(&Latch::first("web1"));
    told.settle();
    assert_eq!(told.view(), LatchView::Active(0));
}

#[test]
fn a_peers_latch_with_a_backend_unknown_here_is_kept_and_the_former_one_serves_until_the_document_comes() {
    let mut proxy = Proxy::new("px");
    let theirs = Latch { epoch: 5, by: "peer".into(), active: "web4".into(), ..Latch::first("") };
    proxy.keeper.merge_peers(&theirs);
    for _ in 0..3 {
        proxy.pass(Duration::from_secs(60));
    }
    assert_eq!((proxy.moved(), proxy.view()), (theirs.clone(), LatchView::Active(0)));
    assert!(proxy.alarm().unwrap().contains("web4"));
    proxy.set("web1", Verdict::Down);
    assert_eq!(
        (proxy.moved(), proxy.view()),
        (theirs.clone(), LatchView::Nobody),
        "our document is no reason to move it"
    );
    proxy.backends.push(("web4", Verdict::Up, OperatorState::Ready));
    proxy.settle();
    assert_eq!((proxy.view(), proxy.alarm()), (LatchView::Active(3), None));
    proxy.backends.pop();
    proxy.settle();
    assert_eq!(proxy.latch().epoch, 6, "now it has left our document");
}

#[test]
fn a_step_that_a_peer_ended_first_still_lets_our_running_requests_end() {
    let mut proxy = Proxy::new("px");
    proxy.running = 2;
    proxy.failover(Some("web2")).unwrap();
    let theirs = Latch { epoch: 1, by: "pz".into(), active: "web2".into(), ..Latch::first("") };
    proxy.keeper.merge_peers(&theirs);
    proxy.settle();
    assert_eq!(proxy.view(), LatchView::Hold);
    proxy.pass(RULES.failover_drain);
    assert_eq!((proxy.moved(), proxy.view()), (theirs.clone(), LatchView::Active(1)));
}

#[test]
fn a_step_told_to_a_peer_alone_lets_our_running_requests_end_too() {
    let (mut told, mut proxy) = (Proxy::new("pz"), Proxy::new("px"));
    told.failover(Some("web2")).unwrap();
    assert_eq!(told.active(), "web2");
    let theirs = told.moved();
    proxy.running = 2;
    for _ in 0..3 {
        proxy.keeper.merge_peers(&theirs);
        proxy.settle();
        assert_eq!((proxy.active(), proxy.view()), ("web1", LatchView::Hold));
    }
    let (mut slow, mut broken, mut superseded) = (proxy.clone(), proxy.clone(), proxy.clone());
    proxy.running = 0;
    proxy.settle();
    assert_eq!((proxy.moved(), proxy.view()), (theirs.clone(), LatchView::Active(1)));
    slow.pass(RULES.failover_drain);
    assert_eq!(slow.moved(), theirs, "the running ones have had their time");
    broken.set("web1", Verdict::Down);
    assert_eq!(broken.moved(), theirs, "nobody is served where they run");
    let later = Latch { epoch: 7, by: "py".into(), active: "web3".into(), ..Latch::first("") };
    superseded.keeper.merge_peers(&later);
    superseded.settle();
    assert_eq!((superseded.moved(), superseded.view()), (later.clone(), LatchView::Active(2)));
    superseded.pass(RULES.failover_drain);
    assert_eq!(superseded.moved(), later, "what was waited for is the past");
}

#[test]
fn a_peers_step_to_a_backend_that_is_down_here_is_taken_over_and_not_withdrawn() {
    let mut proxy = Proxy::new("px");
    proxy.running = 1;
    proxy.set("web2", Verdict::Down);
    let theirs = Latch { epoch: 1, by: "pz".into(), active: "web2".into(), by_operator: true, ..Latch::first("") };
    proxy.keeper.merge_peers(&theirs);
    proxy.settle();
    proxy.pass(RULES.failover_drain);
    assert_eq!((proxy.moved(), proxy.view()), (theirs.clone(), LatchView::Hold));
}

#[test]
fn two_proxies_that_disagree_on_which_backend_is_down_do_not_move_the_latch_to_and_fro_at_once() {
    let (mut one, mut other) = (Proxy::new("px1"), Proxy::new("px2"));
    for proxy in [&mut one, &mut other] {
        proxy.backends.remove(2);
    }
    one.set("web2", Verdict::Down);
    other.set("web1", Verdict::Down);
    assert_eq!(other.active(), "web2");
    let moved = other.moved();
    one.keeper.merge_peers(&moved);
    one.settle();
    one.pass(Duration::from_secs(9));
    assert_eq!((one.moved(), one.view()), (moved.clone(), LatchView::Hold));
    let mut blind = one.clone();
    one.set("web2", Verdict::Up);
    assert_eq!((one.moved(), one.view()), (moved.clone(), LatchView::Active(1)));
    blind.pass(Duration::from_secs(1));
    assert_eq!(blind.active(), "web1", "nobody else helped: as the last resort");
}

fn any_latch(random: &mut fastrand::Rng) -> Latch {
    Latch {
        epoch: random.u64(..3),
        by: ["", "px1", "px2"][random.usize(..3)].into(),
        at: random.u64(..2),
        active: NAMES[random.usize(..3)].into(),
        failed_from: NAMES.iter().take(random.usize(..3)).map(|name| name.to_string()).collect(),
        reason: ["a", "b"][random.usize(..2)].into(),
        by_operator: random.bool(),
        without_agreement: false,
        addresses: Default::default(),
    }
}

#[test]
fn merging_latches_is_commutative_associative_and_idempotent() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..20_000 {
        let [a, b, c] = std::array::from_fn(|_| any_latch(&mut random));
        assert_eq!(a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        assert_eq!(a.clone().merge(b.clone()).merge(c.clone()), a.clone().merge(b.clone().merge(c)));
        assert_eq!(a.clone().merge(a.clone()), a);
        let later = (a.epoch, &a.by) > (b.epoch, &b.by);
        assert!(!later || a.clone().merge(b) == a, "the highest (epoch, by) wins");
    }
}

/// What every move must keep to, told from the latch before and after it and what this proxy saw.
fn judge(before: &Latch, proxy: &Proxy, by_failback: bool, seed: u64) {
    let after = proxy.latch();
    assert!(after >= before, "seed {seed}: {before:?} -> {after:?}");
    assert!(!after.failed_from.contains(&after.active), "seed {seed}: {after:?}");
    if after.active == before.active || after.by != proxy.own {
        return;
    }
    assert!(after.epoch > before.epoch, "seed {seed}");
    let state = |name: &str| proxy.backends.iter().find(|backend| backend.0 == name).unwrap();
    let usable = |name: &str| state(name).1 == Verdict::Up && state(name).2 == OperatorState::Ready;
    assert!(usable(&after.active), "seed {seed}: moved to one that cannot serve: {after:?}");
    if before.failed_from.contains(&after.active) && !by_failback {
        let other = NAMES.iter().find(|name| usable(name) && !before.failed_from.iter().any(|spent| spent == **name));
        assert!(proxy.rules.last_resort && other.is_none(), "seed {seed}: {before:?} -> {after:?}");
    }
    assert!(by_failback || after.failed_from.contains(&before.active), "seed {seed}: {before:?} -> {after:?}");
}

#[test]
fn a_million_random_events_never_break_an_invariant() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..100 {
        let mut proxy = Proxy::new("px");
        proxy.rules.last_resort = random.bool();
        let mut failback = false;
        for _ in 0..10_000 {
            let before = proxy.latch().clone();
            let backend = random.usize(..3);
            match random.u8(..10) {
                0..=4 => {
                    proxy.backends[backend].1 = [Verdict::Up, Verdict::Down, Verdict::Unchecked][random.usize(..3)]
                }
                5 => {
                    use OperatorState::{Drain, Maint, Ready};
                    proxy.backends[backend].2 = [Ready, Ready, Drain, Maint][random.usize(..4)];
                }
                6 => proxy.running = random.u64(..3),
                7 => {
                    let to = random.bool().then_some(NAMES[backend]);
                    let _ = proxy.with(|keeper, now, situation| keeper.failover(to, &ALICE, now, situation));
                }
                8 => failback |= proxy.with(|keeper, now, situation| keeper.failback(&ALICE, now, situation)).is_ok(),
                _ => proxy.now.running += Duration::from_millis(random.u64(..4_000)),
            }
            proxy.settle();
            judge(&before, &proxy, failback, seed);
            failback &= proxy.keeper.is_handing_over();
            if let LatchView::Active(index) = proxy.view() {
                assert_eq!(proxy.backends[index].0, proxy.active(), "seed {seed}");
            }
        }
    }
}

#[test]
fn three_proxies_that_lose_messages_end_with_one_latch() {
    for round in 0..200 {
        let mut random = fastrand::Rng::with_seed(round);
        let mut proxies: Vec<Proxy> = ["px1", "px2", "px3"].map(Proxy::new).to_vec();
        for _ in 0..200 {
            let index = random.usize(..3);
            let proxy = &mut proxies[index];
            match random.u8(..4) {
                0 => proxy.set(NAMES[random.usize(..3)], if random.bool() { Verdict::Up } else { Verdict::Down }),
                1 => drop(proxy.failover(None)),
                2 => drop(proxy.failback()),
                _ => proxy.pass(Duration::from_secs(1)),
            }
            let said = proxy.latch().clone();
            for peer in (0..3).filter(|peer| *peer != index) {
                if random.bool() {
                    proxies[peer].keeper.merge_peers(&said);
                    proxies[peer].settle();
                }
            }
        }
        // Quiet: every check agrees, and every exchange arrives.
        for _ in 0..4 {
            for index in 0..3 {
                NAMES.iter().for_each(|name| proxies[index].set(name, Verdict::Up));
                proxies[index].pass(Duration::from_secs(20));
                let said = proxies[index].latch().clone();
                for peer in &mut proxies {
                    peer.keeper.merge_peers(&said);
                    peer.settle();
                }
            }
        }
        let active: Vec<_> = proxies.iter().map(|proxy| proxy.latch().clone()).collect();
        assert!(active.windows(2).all(|pair| pair[0] == pair[1]), "seed {round}: {active:?}");
        let views: Vec<_> = proxies.iter().map(Proxy::view).collect();
        assert!(views.iter().all(|view| *view == views[0] && matches!(view, LatchView::Active(_))), "seed {round}");
    }
}

#[test]
fn a_renamed_backend_is_the_one_it_was_and_goes_back_as_it_came() {
    let mut proxy = Proxy::new("px");
    proxy.settle();
    let address = |number: u16| (std::net::Ipv4Addr::LOCALHOST, number).into();
    let renamed = |proxy: &mut Proxy, names: [&'static str; 3]| {
        let backends = names.iter().enumerate().map(|(at, name)| (*name, address(at as u16 + 1), at > 0));
        proxy.called = Some(backends.collect());
        proxy.settle();
    };
    // The active backend is called otherwise, then even as its backup was: nothing moves.
    for names in [["alpha", "web2", "web3"], ["web2", "web1", "web3"], ["web1", "web2", "web3"]] {
        renamed(&mut proxy, names);
        assert_eq!((proxy.active(), proxy.latch().epoch, proxy.view()), (names[0], 0, LatchView::Active(0)));
    }
    proxy.set("web1", Verdict::Down);
    proxy.set("web1", Verdict::Up);
    assert_eq!(proxy.active(), "web2");
    // The failed primary under another name is not fresh.
    renamed(&mut proxy, ["alpha", "beta", "web3"]);
    assert_eq!((proxy.active(), &proxy.latch().failed_from[..]), ("beta", &["alpha".to_owned()][..]));
    proxy.backends[1].1 = Verdict::Down;
    proxy.settle();
    assert_eq!(proxy.active(), "web3", "alpha was failed away from");
    assert_eq!(proxy.latch().failed_from, ["alpha", "beta"]);
    // A peer whose document is the one before is of the same mind, in its own names.
    let mut peer = Proxy::new("pz");
    peer.settle();
    peer.keeper.merge_peers(&proxy.latch().clone());
    peer.settle();
    assert_eq!((peer.active(), &peer.latch().failed_from[..]), ("web3", &["web1".to_owned(), "web2".to_owned()][..]));
    assert!(peer.latch().is_same_move(proxy.latch()));
    let before = proxy.latch().clone();
    proxy.keeper.merge_peers(&peer.latch().clone());
    proxy.settle();
    assert_eq!(*proxy.latch(), before);
    // A name that another machine has now is not that of the one that is gone.
    proxy.called = Some(vec![("web3", address(1), false), ("web2", address(2), true)]);
    proxy.backends = vec![("web3", Verdict::Up, OperatorState::Ready), ("web2", Verdict::Up, OperatorState::Ready)];
    proxy.settle();
    assert!(proxy.latch().reason.contains("web3-before left the document"), "{:?}", proxy.latch());
}

#[test]
fn a_backend_that_moved_to_another_address_is_known_by_its_name_and_then_by_that_address() {
    let mut proxy = Proxy::new("px");
    proxy.settle();
    let at = |number: u16| (std::net::Ipv4Addr::LOCALHOST, number).into();
    proxy.called = Some(vec![("web1", at(7), false), ("web2", at(2), true), ("web3", at(3), true)]);
    proxy.settle();
    proxy.called = Some(vec![("moved", at(7), false), ("web2", at(2), true), ("web1", at(1), true)]);
    proxy.settle();
    assert_eq!((proxy.active(), proxy.latch().epoch), ("moved", 0));
}
