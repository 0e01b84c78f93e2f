//! What happens to the members in each row.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use polder::demo::documents::{STATEFUL, STATEFUL_HOST, STATELESS_HOST};

use crate::cluster::{Cluster, Setting, Watch};
use crate::visits::Seen;
use crate::world::{Engine, KEPT, KEPT_HOST, Plan, World};

/// How long it is looked at what visitors see of it: longer than a lease lasts.
const AFTER: Duration = Duration::from_secs(7);
const MEMBERS: usize = 3;

/// One way to fail.
pub struct Row {
    pub what: &'static str,
    /// How the members are run.
    pub settings: [Setting; MEMBERS],
    /// What is done before visitors come.
    pub prepare: Step,
    /// What happens while they do.
    pub play: Step,
    /// What a service does meanwhile that stops without etcd.
    pub stops: Stops,
}

/// Whether a service that stops without etcd does so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    No,
    /// etcd before 3.4.31 ends leases that live: requests wait for the next one, but for what runs just then at each proxy.
    AMoment,
    Yes,
}

type Step = for<'w> fn(&'w mut World) -> Pin<Box<dyn Future<Output = ()> + 'w>>;

const AS_EVER: [Setting; MEMBERS] = [Setting::AsEver; MEMBERS];

pub const ROWS: &[Row] = &[
    Row {
        what: "the leader is stopped, and started again",
        settings: AS_EVER,
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                let leader = members(world).leader().await;
                members(world).stop(leader).await;
                members(world).leader().await;
                tokio::time::sleep(AFTER).await;
                members(world).run(leader);
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "the leader is killed",
        settings: AS_EVER,
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                let leader = members(world).leader().await;
                members(world).kill(leader);
                members(world).leader().await;
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "the leader freezes, and goes on",
        settings: AS_EVER,
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                let leader = members(world).leader().await;
                members(world).freeze(leader, true);
                members(world).leader().await;
                tokio::time::sleep(AFTER).await;
                members(world).freeze(leader, false);
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::AMoment,
    },
    Row {
        what: "all members are killed, and started again",
        settings: AS_EVER,
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                (0..MEMBERS).for_each(|member| members(world).kill(member));
                tokio::time::sleep(AFTER).await;
                (0..MEMBERS).for_each(|member| members(world).run(member));
                world.until_served_everywhere("shop1").await;
            })
        },
        stops: Stops::Yes,
    },
    Row {
        what: "a member's disk is full",
        settings: [Setting::SmallDisk, Setting::AsEver, Setting::AsEver],
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                members(world).fill_disk(0).await;
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "all members have reached their quota",
        settings: [Setting::SmallQuota; MEMBERS],
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                members(world).fill_quota().await;
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "a member's clock is a day ahead",
        settings: [Setting::ADayAhead, Setting::AsEver, Setting::AsEver],
        prepare: nothing,
        play: |world| {
            Box::pin(async {
                assert!(members(world).is_a_day_ahead(0));
                // So that the one whose clock is wrong counts the leases.
                members(world).make_leader(0).await;
                tokio::time::sleep(AFTER).await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "a member comes back with its disk of yesterday",
        settings: AS_EVER,
        prepare: |world| {
            Box::pin(async {
                members(world).make_leader(0).await;
                members(world).stop(2).await;
                members(world).keep_disk(2);
                members(world).run(2);
                fail_over(world).await;
            })
        },
        play: |world| {
            Box::pin(async {
                members(world).kill(2);
                members(world).bring_back_disk(2);
                members(world).run(2);
                tokio::time::sleep(AFTER).await;
                world.until_served_everywhere("shop2").await;
            })
        },
        stops: Stops::No,
    },
    Row {
        what: "all members are restored from a snapshot of yesterday",
        settings: AS_EVER,
        prepare: |world| {
            Box::pin(async {
                members(world).save_snapshot().await;
                fail_over(world).await;
            })
        },
        play: |world| {
            Box::pin(async {
                (0..MEMBERS).for_each(|member| members(world).kill(member));
                tokio::time::sleep(AFTER).await;
                members(world).restore_snapshot().await;
                (0..MEMBERS).for_each(|member| members(world).run(member));
                world.until_served_everywhere("shop2").await;
            })
        },
        stops: Stops::Yes,
    },
];

fn nothing(_: &mut World) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {})
}

fn members(world: &mut World) -> &mut Cluster {
    world.cluster.as_mut().expect("the fleet agrees by etcd")
}

/// The primary dies and comes back: what was agreed before is old news.
async fn fail_over(world: &mut World) {
    world.kill(0).await;
    world.until_served_everywhere("shop2").await;
    world.mend(0).await;
    world.until_all_find_up("shop1").await;
}

impl World {
    /// Waits until every proxy serves both stateful services from this backend.
    async fn until_served_everywhere(&self, backend: &str) {
        let all: Vec<usize> = (0..self.proxies.len()).collect();
        self.until_served(&all, STATEFUL_HOST, backend).await;
        self.until_served(&all, KEPT_HOST, backend).await;
    }
}

/// What visitors of a service saw.
#[derive(Debug)]
pub struct Visited {
    pub requests: usize,
    pub failed: usize,
    pub split: Duration,
    pub outage: Duration,
}

impl From<Seen> for Visited {
    fn from(seen: Seen) -> Visited {
        Visited { requests: seen.count(), failed: seen.refused(), split: seen.split(), outage: seen.outage() }
    }
}

/// What visitors saw.
#[derive(Debug)]
pub struct Outcome {
    pub stateless: Visited,
    pub keep: Visited,
    pub stop: Visited,
    /// For how long at most etcd answered nobody.
    pub silence: Duration,
}

/// Plays a row.
pub async fn play(row: &Row, lease: Duration) -> Outcome {
    let mut world = World::start(Plan { engine: Engine::Etcd(lease), members: &row.settings, ..Plan::SMALL }).await;
    (row.prepare)(&mut world).await;
    let before = (world.epoch(STATEFUL).await, world.epoch(KEPT).await);
    let stateless = world.visits(STATELESS_HOST).await;
    let keep = world.visits(KEPT_HOST).await;
    let stop = world.visits(STATEFUL_HOST).await;
    let watch = Watch::begin(members(&mut world).metrics().collect());
    (row.play)(&mut world).await;
    let silence = watch.end().await;
    let (stateless, keep, stop) = (stateless.end().await, keep.end().await, stop.end().await);
    assert_eq!((world.epoch(STATEFUL).await, world.epoch(KEPT).await), before, "{}: nothing has moved", row.what);
    Outcome { stateless: stateless.into(), keep: keep.into(), stop: stop.into(), silence }
}
