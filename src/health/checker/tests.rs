#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_types)]

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::tracked::{News, Tracked};
use super::*;
use crate::config::{CheckConfig, Expect, ProbeKind, StatusRange};
use crate::health::probe::Outcome;
use crate::health::{Proof, TargetHealth, Verdict};

/// The limit for things that take milliseconds unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

const INTERVAL: Duration = Duration::from_millis(40);

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A backend that answers with the status it is told; status 0 is silence.
struct Backend {
    target: Target,
    status: Arc<AtomicU16>,
    probes: Arc<AtomicU64>,
    starts: Arc<Mutex<Vec<Instant>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Backend {
    async fn start(status: u16) -> Backend {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = target(listener.local_addr().unwrap());
        let status = Arc::new(AtomicU16::new(status));
        let probes = Arc::new(AtomicU64::new(0));
        let starts = Arc::new(Mutex::new(Vec::new()));
        let (said, count, times) = (Arc::clone(&status), Arc::clone(&probes), Arc::clone(&starts));
        let server = tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                times.lock().unwrap().push(Instant::now());
                let status = said.load(Ordering::Relaxed);
                if status == 0 {
                    silent.push(stream);
                    continue;
                }
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(format!("HTTP/1.1 {status} x\r\n\r\n").as_bytes()).await;
            }
        });
        Backend { target, status, probes, starts, server }
    }

    fn say(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn probes(&self) -> u64 {
        self.probes.load(Ordering::Relaxed)
    }

    /// Waits for so many more probes.
    async fn more_probes(&self, count: u64) {
        let wanted = self.probes() + count;
        let waiting = async {
            while self.probes() < wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    }
}

fn target(address: SocketAddr) -> Target {
    let expect = Expect(vec![StatusRange { from: 200, to: 399 }]);
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Http { path: "/healthz".into(), host: None, expect },
        port: None,
        interval: INTERVAL,
        fast_interval: INTERVAL / 4,
        timeout: Duration::from_millis(500),
        rise: 2,
        fall: 3,
    };
    Target { address, check }
}

fn targets<'a>(of: impl IntoIterator<Item = &'a Target>) -> Targets {
    of.into_iter().map(|target| (target.clone(), vec!["www/web1".to_owned()])).collect()
}

/// Waits until the view is as wanted.
async fn until(view: &mut watch::Receiver<Arc<HealthView>>, wanted: impl Fn(&HealthView) -> bool) -> Arc<HealthView> {
    let last = RefCell::new(Arc::clone(&view.borrow()));
    let waiting = view.wait_for(|view| {
        last.replace(Arc::clone(view));
        wanted(view)
    });
    match timeout(PATIENCE, waiting).await {
        Ok(view) => Arc::clone(&view.unwrap()),
        Err(_) => panic!("the view stayed {:?}", last.borrow()),
    }
}

#[test]
fn the_first_round_comes_at_once_and_decides_every_target() {
    run(async {
        let well = Backend::start(200).await;
        let ill = Backend::start(503).await;
        let mut all = targets([&well.target, &ill.target]);
        let mut slow = well.target.clone();
        slow.check.interval = Duration::from_secs(3600);
        slow.check.fast_interval = Duration::from_secs(900);
        all.insert(slow.clone(), vec!["shop/web1".into()]);
        let checker = Checker::start(all, HealthView::new());
        let mut view = checker.subscribe();
        assert_eq!(view.borrow().len(), 3, "every target is in the view at once");
        assert!(view.borrow().values().all(|health| health.verdict == Verdict::Unchecked));
        let view = until(&mut view, |view| view.values().all(|health| health.verdict != Verdict::Unchecked)).await;
        assert_eq!(view[&well.target].verdict, Verdict::Up);
        assert_eq!(view[&slow].verdict, Verdict::Up);
        assert_eq!(view[&ill.target].verdict, Verdict::Down);
        assert_eq!(&*view[&ill.target].reason, "status 503, expected 200-399");
        assert_eq!(view[&ill.target].changes, 1);
    });
}

#[test]
fn a_backend_that_fails_and_recovers_goes_down_and_comes_up_by_the_automaton() {
    run(async {
        let backend = Backend::start(200).await;
        let checker = Checker::start(targets([&backend.target]), HealthView::new());
        let mut view = checker.subscribe();
        until(&mut view, |view| view[&backend.target].verdict == Verdict::Up).await;
        backend.say(500);
        for health in [3, 2, 0] {
            until(&mut view, |view| view[&backend.target].health == health).await;
        }
        assert_eq!(view.borrow()[&backend.target].verdict, Verdict::Down);
        backend.say(200);
        for health in [1, 4] {
            until(&mut view, |view| view[&backend.target].health == health).await;
        }
        let last = view.borrow()[&backend.target].clone();
        assert_eq!((last.verdict, last.changes), (Verdict::Up, 3));
        assert!(last.probed.is_some_and(|probed| probed >= last.since));
    });
}

#[test]
fn a_dead_backend_is_down_after_as_many_probes_as_its_fall() {
    run(async {
        let backend = Backend::start(200).await;
        let mut target = backend.target.clone();
        target.check.timeout = Duration::from_millis(30);
        let checker = Checker::start(targets([&target]), HealthView::new());
        let mut view = checker.subscribe();
        until(&mut view, |view| view[&target].verdict == Verdict::Up).await;
        backend.more_probes(3).await;
        backend.say(0);
        let before = backend.probes();
        let view = until(&mut view, |view| view[&target].verdict == Verdict::Down).await;
        // One may have been under way when it died, and the next one begun before anybody looked.
        let probes = backend.probes() - before;
        assert!((2..=4).contains(&probes), "{probes} probes");
        assert_eq!(&*view[&target].reason, "timed out after 30ms waiting for the response");
    });
}

#[test]
fn a_live_error_brings_the_next_probe_forward() {
    run(async {
        let backend = Backend::start(200).await;
        let mut target = backend.target.clone();
        target.check.interval = Duration::from_secs(3600);
        target.check.fast_interval = Duration::from_millis(500);
        let checker = Checker::start(targets([&target]), HealthView::new());
        until(&mut checker.subscribe(), |view| view[&target].verdict == Verdict::Up).await;
        for _ in 0..3 {
            checker.hasten(&target);
            backend.more_probes(1).await;
        }
        let starts = backend.starts.lock().unwrap().clone();
        let gaps = starts.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.clone().all(|gap| gap > target.check.fast_interval / 2), "{:?}", gaps.collect::<Vec<_>>());
        checker.hasten(&self::target(SocketAddr::from(([127, 0, 0, 1], 1))));
    });
}

#[test]
fn whoever_asks_for_a_probe_finds_in_the_proof_that_he_has_when_one_that_began_later_bears_the_verdict_out() {
    run(async {
        let backend = Backend::start(200).await;
        let mut target = backend.target.clone();
        target.check.interval = Duration::from_secs(3600);
        target.check.fast_interval = Duration::from_secs(3600);
        let checker = Checker::start(targets([&target]), HealthView::new());
        let view = until(&mut checker.subscribe(), |view| view[&target].verdict == Verdict::Up).await;
        let proof = view[&target].proof.clone();
        // The proof counts in milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let asked = running();
        assert!(!proof.is_borne_out_since(asked));
        checker.ask(vec![target.clone()]);
        let borne_out = async {
            while !proof.is_borne_out_since(asked) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, borne_out).await.unwrap();
        assert_eq!(backend.probes(), 2);
    });
}

#[test]
fn a_removed_target_is_probed_no_more_and_leaves_the_view_and_a_kept_one_keeps_its_health() {
    run(async {
        let (kept, mut removed) = (Backend::start(200).await, Backend::start(0).await);
        removed.target.check.timeout = PATIENCE * 2;
        let checker = Checker::start(targets([&kept.target, &removed.target]), HealthView::new());
        let mut view = checker.subscribe();
        let before = until(&mut view, |view| view[&kept.target].verdict == Verdict::Up).await;
        if removed.probes() == 0 {
            removed.more_probes(1).await;
        }
        checker.set_targets(targets([&kept.target]));
        let after = until(&mut view, |view| view.len() == 1).await;
        assert_eq!(after[&kept.target].since, before[&kept.target].since);
        let probes = removed.probes();
        removed.say(200);
        kept.more_probes(5).await;
        assert_eq!(removed.probes(), probes);
        assert!(!view.borrow().contains_key(&removed.target), "the result of a running probe is dropped");
        checker.set_targets(targets([&kept.target, &removed.target]));
        let again = until(&mut view, |view| view.len() == 2).await;
        assert_eq!(again[&removed.target].verdict, Verdict::Unchecked);
        until(&mut view, |view| view[&removed.target].verdict == Verdict::Up).await;
    });
}

#[test]
fn known_health_is_taken_over_and_not_probed_before_its_time() {
    run(async {
        let backend = Backend::start(200).await;
        let mut target = backend.target.clone();
        target.check.interval = Duration::from_secs(3600);
        let since = SystemTime::now() - Duration::from_secs(90);
        let known = TargetHealth {
            verdict: Verdict::Up,
            health: 4,
            reason: "200 in 3 ms".into(),
            since,
            probed: Some(SystemTime::now()),
            changes: 7,
            hearsay: false,
            proof: Default::default(),
            before: None,
        };
        let new = self::target(backend.target.address);
        let checker = Checker::start(targets([&target, &new]), HealthView::from([(target.clone(), known.clone())]));
        let mut view = checker.subscribe();
        let known = TargetHealth { proof: view.borrow()[&target].proof.clone(), ..known };
        assert!(known.proof.holds(running()));
        assert_eq!(view.borrow()[&target], known);
        until(&mut view, |view| view[&new].verdict == Verdict::Up).await;
        assert_eq!(view.borrow()[&target], known, "the new target was probed, the known one waits");
    });
}

#[test]
fn an_unchanged_outcome_is_not_published_again_and_again() {
    run(async {
        let backend = Backend::start(200).await;
        let checker = Checker::start(targets([&backend.target]), HealthView::new());
        let mut view = checker.subscribe();
        until(&mut view, |view| view[&backend.target].verdict == Verdict::Up).await;
        view.mark_unchanged();
        backend.more_probes(5).await;
        assert!(!view.has_changed().unwrap());
        backend.say(204);
        until(&mut view, |view| view[&backend.target].reason.starts_with("204 in")).await;
    });
}

#[test]
fn probes_stop_when_the_last_handle_is_dropped() {
    run(async {
        let backend = Backend::start(200).await;
        let checker = Checker::start(targets([&backend.target]), HealthView::new());
        let other = checker.clone();
        let mut view = checker.subscribe();
        drop(checker);
        backend.more_probes(2).await;
        drop(other);
        let ended = async { while view.changed().await.is_ok() {} };
        timeout(PATIENCE, ended).await.unwrap();
    });
}

#[test]
fn a_backend_whose_port_closes_is_refused_and_one_probe_serves_all_users_of_a_target() {
    run(async {
        let backend = Backend::start(200).await;
        let users = vec!["www/web1".to_owned(), "shop/web1".to_owned()];
        let mut target = backend.target.clone();
        (target.check.interval, target.check.fast_interval) = (Duration::from_secs(3600), INTERVAL);
        let checker = Checker::start(Targets::from([(target.clone(), users)]), HealthView::new());
        let mut view = checker.subscribe();
        until(&mut view, |view| view[&target].verdict == Verdict::Up).await;
        assert_eq!(backend.probes(), 1);
        backend.server.abort();
        checker.hasten(&target);
        let view = until(&mut view, |view| view[&target].verdict == Verdict::Down).await;
        assert_eq!(&*view[&target].reason, "connection refused");
    });
}

#[test]
fn log_lines_name_users_address_and_what_is_asked() {
    let mut target = target(SocketAddr::from(([127, 0, 0, 1], 80)));
    let users = vec!["www/web1".to_owned(), "shop/web1".to_owned()];
    let tracked = Tracked::new(Arc::new(target.clone()), users, None);
    assert_eq!(tracked.named(), "www/web1, shop/web1 (127.0.0.1:80, GET /healthz)");
    target.check.kind = ProbeKind::Tcp;
    assert_eq!(Tracked::new(Arc::new(target), vec!["a/b".into()], None).named(), "a/b (127.0.0.1:80, TCP)");
}

fn success() -> Outcome {
    Outcome::Success { answer: "200".into(), took: Duration::ZERO }
}

/// A probe of just now.
fn ended(outcome: Outcome) -> Probed {
    ended_after(outcome, Duration::ZERO)
}

/// One that is so long from now.
fn ended_after(outcome: Outcome, after: Duration) -> Probed {
    let at = running() + after;
    Probed { outcome, began: at, ended: at }
}

#[test]
fn failures_before_and_after_a_pause_are_not_in_a_row() {
    let mut target = target(SocketAddr::from(([127, 0, 0, 1], 80)));
    target.check.fall = 2;
    let mut tracked = Tracked::new(Arc::new(target), Vec::new(), None);
    let mut take = |outcome, after| {
        tracked.take(ended_after(outcome, after), SystemTime::now());
        tracked.health.clone().verdict
    };
    let (at_once, failure) = (Duration::ZERO, || Outcome::Failure("connection refused".into()));
    assert_eq!(take(success(), at_once), Verdict::Up);
    assert_eq!(take(failure(), at_once), Verdict::Up);
    let pause = Duration::from_secs(3600);
    assert_eq!(take(failure(), pause), Verdict::Up, "the first since the pause");
    assert_eq!(take(failure(), pause), Verdict::Down, "the second one");
}

#[test]
fn a_probe_that_agrees_with_the_verdict_bears_it_out_and_others_do_not() {
    let target = target(SocketAddr::from(([127, 0, 0, 1], 80)));
    let mut tracked = Tracked::new(Arc::new(target.clone()), Vec::new(), None);
    tracked.take(ended(success()), SystemTime::now());
    let lapses = |tracked: &Tracked, after: Duration| !tracked.health.clone().proof.holds(running() + after);
    let bound = target.check.detection_bound() + LATENESS;
    assert!(!lapses(&tracked, Duration::ZERO) && lapses(&tracked, bound + Duration::from_secs(1)));
    let later = |outcome| ended_after(outcome, bound);
    tracked.take(later(Outcome::Failure("connection refused".into())), SystemTime::now());
    assert_eq!(tracked.health.clone().verdict, Verdict::Up);
    assert!(lapses(&tracked, bound + Duration::from_secs(1)));
    tracked.take(later(success()), SystemTime::now());
    assert!(!lapses(&tracked, bound + Duration::from_secs(1)));
}

#[test]
fn trouble_of_our_own_machine_moves_nothing_but_the_reason() {
    let mut tracked = Tracked::new(Arc::new(target(SocketAddr::from(([127, 0, 0, 1], 80)))), Vec::new(), None);
    let now = SystemTime::now();
    let ours = || Outcome::LocalError("too many open files".into());
    assert!(tracked.take(ended(ours()), now) == News::Change);
    assert!(tracked.take(ended(ours()), now) == News::Times);
    assert_eq!(tracked.health.clone().verdict, Verdict::Unchecked);
    tracked.take(ended(success()), now);
    let up = tracked.health.clone();
    assert!(tracked.take(ended(ours()), now + Duration::from_secs(1)) == News::Change);
    let after = tracked.health.clone();
    assert_eq!(&*after.reason, "not probed: too many open files");
    assert_eq!((after.verdict, after.health, after.probed), (Verdict::Up, up.health, up.probed));
    // Nobody was asked, so what has lapsed is not known again.
    tracked.health.proof = Proof::new(Duration::ZERO, Duration::from_millis(1));
    tracked.take(ended(ours()), now + Duration::from_secs(2));
    assert!(!tracked.health.proof.holds(running()));
}

/// The same target, found up only by status 204.
fn stricter(target: &Target) -> Target {
    let mut target = target.clone();
    let expect = Expect(vec![StatusRange { from: 204, to: 204 }]);
    target.check.kind = ProbeKind::Http { path: "/healthz".into(), host: None, expect };
    target
}

#[test]
fn a_changed_check_begins_with_the_verdict_it_had_and_the_one_before_is_asked_until_it_is_passed() {
    run(async {
        let backend = Backend::start(200).await;
        let (mut old, new) = (backend.target.clone(), stricter(&backend.target));
        // However seldom the check before was asked.
        (old.check.interval, old.check.fast_interval) = (Duration::from_secs(3600), Duration::from_secs(900));
        let checker = Checker::start(targets([&old]), HealthView::new());
        let mut view = checker.subscribe();
        until(&mut view, |view| view[&old].verdict == Verdict::Up).await;
        checker.set_targets(targets([&new]));
        let began = until(&mut view, |view| view.contains_key(&new)).await;
        assert_eq!((began.len(), began[&new].verdict, began[&new].hearsay), (1, Verdict::Up, true), "{began:?}");
        let fails = until(&mut view, |view| view[&new].verdict == Verdict::Down).await;
        assert_eq!(fails[&new].changes, 2, "it took its own failures: {fails:?}");
        assert_eq!(fails[&new].lasting().verdict, Verdict::Up, "the check before still passes");

        backend.say(503);
        until(&mut view, |view| view[&new].lasting().verdict == Verdict::Down).await;
        backend.say(200);
        until(&mut view, |view| view[&new].lasting().verdict == Verdict::Up).await;
        backend.say(204);
        let passed = until(&mut view, |view| view[&new].before.is_none()).await;
        assert_eq!((passed[&new].verdict, passed[&new].hearsay), (Verdict::Up, false));
        backend.say(200);
        until(&mut view, |view| view[&new].lasting().verdict == Verdict::Down).await;
    });
}

#[test]
fn a_wrong_check_that_is_taken_back_or_corrected_leaves_the_health_of_the_one_before() {
    run(async {
        let backend = Backend::start(200).await;
        let (old, wrong) = (backend.target.clone(), stricter(&backend.target));
        let mut corrected = old.clone();
        corrected.check.fall = 7;
        let checker = Checker::start(targets([&old]), HealthView::new());
        let mut view = checker.subscribe();
        let first = until(&mut view, |view| view[&old].verdict == Verdict::Up).await;
        checker.set_targets(targets([&wrong]));
        until(&mut view, |view| view.get(&wrong).is_some_and(|health| health.verdict == Verdict::Down)).await;
        checker.set_targets(targets([&old]));
        let again = until(&mut view, |view| view.contains_key(&old)).await;
        assert_eq!((again[&old].since, again[&old].hearsay), (first[&old].since, false), "{again:?}");

        checker.set_targets(targets([&wrong]));
        until(&mut view, |view| view.get(&wrong).is_some_and(|health| health.verdict == Verdict::Down)).await;
        checker.set_targets(targets([&corrected]));
        let third = until(&mut view, |view| view.contains_key(&corrected)).await;
        assert_eq!(third[&corrected].lasting().verdict, Verdict::Up, "{third:?}");
        until(&mut view, |view| view[&corrected].verdict == Verdict::Up && view[&corrected].before.is_none()).await;
    });
}

#[test]
fn a_daemon_that_takes_over_with_a_changed_check_begins_with_the_verdict_handed_over() {
    run(async {
        let backend = Backend::start(200).await;
        let (old, new) = (backend.target.clone(), stricter(&backend.target));
        let first = Checker::start(targets([&old]), HealthView::new());
        let known = until(&mut first.subscribe(), |view| view[&old].verdict == Verdict::Up).await;
        let second = Checker::start(targets([&new]), (*known).clone());
        let begins = second.subscribe().borrow()[&new].clone();
        assert_eq!((begins.verdict, begins.lasting().verdict), (Verdict::Up, Verdict::Up));
        let fails = until(&mut second.subscribe(), |view| view[&new].verdict == Verdict::Down).await;
        let third = Checker::start(targets([&new]), (*fails).clone());
        assert_eq!(third.subscribe().borrow()[&new].lasting().verdict, Verdict::Up, "it is handed on");
        let mut view = third.subscribe();
        backend.say(503);
        until(&mut view, |view| view[&new].lasting().verdict == Verdict::Down).await;
    });
}
