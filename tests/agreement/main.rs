//! Proxies that agree by etcd: real proxies, a real cluster, and faults of both.
//!
//! Needs etcd (Debian's etcd-server and etcd-client), and so is apart from `cargo test`: `cargo test --test agreement -- --ignored`.

#![allow(clippy::disallowed_methods, reason = "processes that are waited for")]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, missing_docs)]

mod cluster;
mod costs;
mod keys;
mod members;
mod membership;
mod network;
#[path = "../common/ports.rs"]
mod ports;
mod standing;
mod table;
mod visits;
mod world;

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use polder::api::proxy::{ServiceStatus, Status};
use polder::demo::Programs;
use polder::demo::addresses::PROXIES;
use polder::demo::documents::{STATEFUL, STATEFUL_HOST, Times, proxy_name};
use polder::demo::fleet::{Action, Fleet};
use serde_json::{Value, json};

use cluster::Cluster;
use visits::{Visits, fronts, visit};

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(3);
/// Outlasts the election of another leader of etcd, two seconds at most, on a busy machine too.
const LONG_LEASE: Duration = Duration::from_secs(8);
/// Rows of a table that are played at a time: they wait more than they compute.
const AT_A_TIME: usize = 3;

/// Those of this build, or of the folder that `PROGRAMS` names: for many proxies, or figures, a release build.
fn programs() -> Programs {
    match std::env::var_os("PROGRAMS").map(PathBuf::from) {
        Some(folder) => Programs {
            polder: folder.join("polder"),
            proxy: folder.join("polder-proxy"),
            dns: folder.join("polder-dns"),
        },
        None => Programs {
            polder: env!("CARGO_BIN_EXE_polder").into(),
            proxy: env!("CARGO_BIN_EXE_polder-proxy").into(),
            dns: env!("CARGO_BIN_EXE_polder-dns").into(),
        },
    }
}

/// Plays rows of a table, some at a time, each on a thread of its own; none: that row has failed, and said why.
fn play_all<R: Sync, T: Send, F: Future<Output = T>>(rows: &[R], play: impl Fn(&'_ R) -> F + Sync) -> Vec<Option<T>> {
    let alone = |row| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, play(row))
    };
    let mut outcomes = Vec::new();
    for some in rows.chunks(AT_A_TIME) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|row| scope.spawn(|| alone(row))).collect();
            outcomes.extend(threads.into_iter().map(|thread| thread.join().ok()));
        });
    }
    outcomes
}

/// Runs a test with a cluster and a fleet that agrees by it, on the thread that the fleet wants.
fn with_fleet<F: Future<Output = Fleet>>(policy: &str, lease: Duration, test: impl FnOnce(Cluster, Fleet) -> F) {
    let cluster = Cluster::start(3);
    let agreement = cluster.document(lease);
    let change = |_: &str, document: &mut Value| {
        if document["services"][STATEFUL].is_object() {
            document["agreement"] = agreement.clone();
            document["services"][STATEFUL]["without_agreement"] = json!(policy);
        }
    };
    let programs = programs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let fleet = Fleet::start(&programs, Times::DEMO, change).await.expect("the fleet starts");
        test(cluster, fleet).await.stop().await;
    });
}

async fn status(fleet: &Fleet, proxy: usize) -> Option<Status> {
    let client = fleet.daemon(&proxy_name(proxy)).unwrap().client();
    serde_json::from_value(client.get("/status").await.ok()?).ok()
}

fn shop(status: &Status) -> &ServiceStatus {
    status.services.iter().find(|service| service.name == STATEFUL).unwrap()
}

async fn alarms(fleet: &Fleet, proxy: usize) -> String {
    status(fleet, proxy).await.map(|status| status.daemon.alarms.join("\n")).unwrap_or_default()
}

async fn epoch(fleet: &Fleet, proxy: usize) -> u64 {
    shop(&status(fleet, proxy).await.unwrap()).latch.as_ref().unwrap().epoch
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) -> Duration {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

/// What each proxy says of the shop, for whoever reads why a test has failed.
async fn in_words(fleet: &Fleet) -> String {
    let mut words = String::new();
    for proxy in 0..PROXIES {
        let status = status(fleet, proxy).await;
        let shop = status.as_ref().map(|status| json!(shop(status)));
        let alarms = status.map(|status| status.daemon.alarms);
        words.push_str(&format!("{}: {alarms:?} {shop:?}\n", proxy_name(proxy)));
    }
    words
}

/// Waits until each of these proxies answers visitors of the shop from this backend.
async fn until_served(fleet: &Fleet, proxies: &[usize], backend: &str) -> Duration {
    let began = Instant::now();
    'again: loop {
        assert!(began.elapsed() < LIMIT, "{proxies:?} do not serve {backend}:\n{}", in_words(fleet).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
        for proxy in proxies {
            if visit(fronts(fleet)[*proxy], STATEFUL_HOST).await.as_deref() != Some(backend) {
                continue 'again;
            }
        }
        return began.elapsed();
    }
}

async fn act(fleet: &mut Fleet, action: Action, name: &str) {
    let done = fleet.act(action, name).await;
    assert!(done.is_ok(), "{action:?} {name}: {done:?}");
}

async fn failover(fleet: &Fleet, proxy: usize, to: &str, without_agreement: bool) -> Result<Value, String> {
    let client = fleet.daemon(&proxy_name(proxy)).unwrap().client();
    let mut command = json!({ "service": STATEFUL, "to": to, "who": "test", "why": "" });
    if without_agreement {
        command["without_agreement"] = json!(true);
    }
    client.post("/failover", &command).await.map_err(|error| error.to_string())
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn a_dead_primary_is_left_by_all_at_once_and_a_takeover_and_a_kill_of_a_proxy_forget_nothing() {
    with_fleet("stop", LEASE, |cluster, mut fleet| async move {
        let _cluster = cluster;
        until_served(&fleet, &[0, 1, 2], "shop1").await;
        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        act(&mut fleet, Action::Kill, "shop1").await;
        let took = until_served(&fleet, &[0, 1, 2], "shop2").await;
        println!("a dead primary: served again by all after {took:?}; detection takes {:?}", Times::DEMO.detection());
        act(&mut fleet, Action::Takeover, "px-1").await;
        act(&mut fleet, Action::Restart, "px-2").await;
        act(&mut fleet, Action::Mend, "shop1").await;
        until_served(&fleet, &[0, 1, 2], "shop2").await;
        visits.end().await.assert_never_two("a dead primary");
        for proxy in 0..PROXIES {
            assert_eq!(epoch(&fleet, proxy).await, 1);
        }
        fleet
    });
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn a_frozen_proxy_is_waited_for_until_its_lease_has_run_out_and_serves_nothing_when_it_wakes() {
    with_fleet("stop", LEASE, |cluster, mut fleet| async move {
        let _cluster = cluster;
        until_served(&fleet, &[0, 1, 2], "shop1").await;
        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        act(&mut fleet, Action::Freeze, "px-3").await;
        act(&mut fleet, Action::Kill, "shop1").await;
        let took = until_served(&fleet, &[0, 1], "shop2").await;
        println!("a dead primary beside a frozen proxy: served again after {took:?}; the lease is {LEASE:?}");
        // It is well again: whoever wakes and asks it is answered.
        act(&mut fleet, Action::Mend, "shop1").await;
        act(&mut fleet, Action::Mend, "px-3").await;
        until_served(&fleet, &[0, 1, 2], "shop2").await;
        visits.end().await.assert_never_two("a frozen proxy");
        fleet
    });
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn one_member_is_missed_by_nobody_and_without_a_quorum_a_service_stops_until_the_operator_has_the_last_word() {
    with_fleet("stop", LONG_LEASE, |mut cluster, fleet| async move {
        until_served(&fleet, &[0, 1, 2], "shop1").await;
        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        cluster.kill(0);
        // A lease that nobody renews has run out by then.
        tokio::time::sleep(LONG_LEASE + Duration::from_secs(1)).await;
        let seen = visits.end().await;
        seen.assert_never_two("a member dies");
        assert_eq!(seen.refused(), 0, "visitors notice nothing of a member that dies");

        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        cluster.kill(1);
        let took = until("nobody serves", || async {
            let mut any = false;
            for proxy in 0..PROXIES {
                any |= visit(fronts(&fleet)[proxy], STATEFUL_HOST).await.is_some();
            }
            !any
        })
        .await;
        println!("without a quorum: no proxy serves after {took:?}; the lease is {LONG_LEASE:?}");
        let alarms = alarms(&fleet, 0).await;
        assert!(alarms.contains("no word from etcd") && alarms.contains("503 here for shop"), "{alarms}");
        let refused = failover(&fleet, 0, "shop2", false).await.unwrap_err();
        assert!(refused.contains("--without-agreement"), "{refused}");
        for proxy in 0..PROXIES {
            failover(&fleet, proxy, "shop2", true).await.unwrap();
        }
        until_served(&fleet, &[0, 1, 2], "shop2").await;
        assert!(self::alarms(&fleet, 0).await.contains("moved it without agreement"));
        cluster.run(1);
        until("the word is taken in", || async { self::alarms(&fleet, 0).await.is_empty() }).await;
        until_served(&fleet, &[0, 1, 2], "shop2").await;
        visits.end().await.assert_never_two("without a quorum");
        fleet
    });
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn a_service_that_keeps_and_stateless_ones_are_served_though_all_members_are_dead() {
    with_fleet("keep", LEASE, |mut cluster, fleet| async move {
        until_served(&fleet, &[0, 1, 2], "shop1").await;
        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        (0..3).for_each(|member| cluster.kill(member));
        until("it is said", || async { alarms(&fleet, 0).await.contains("no word from etcd") }).await;
        tokio::time::sleep(2 * LEASE).await;
        let seen = visits.end().await;
        assert_eq!(seen.refused(), 0, "visitors notice nothing");
        seen.assert_never_two("all members dead");
        (0..3).for_each(|member| cluster.run(member));
        until("it is well again", || async { alarms(&fleet, 0).await.is_empty() }).await;
        fleet
    });
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn a_backend_that_one_proxy_alone_cannot_reach_moves_nobody() {
    with_fleet("stop", LEASE, |cluster, mut fleet| async move {
        let _cluster = cluster;
        until_served(&fleet, &[0, 1, 2], "shop1").await;
        let visits = Visits::begin(&fronts(&fleet), STATEFUL_HOST).await;
        fleet.blind("shop1", 0, true).await.unwrap();
        until("it is isolated", || async { alarms(&fleet, 0).await.contains("isolated from shop1") }).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        for proxy in 0..PROXIES {
            assert_eq!(epoch(&fleet, proxy).await, 0);
        }
        visits.end().await.assert_never_two("one proxy blind");
        fleet
    });
}
