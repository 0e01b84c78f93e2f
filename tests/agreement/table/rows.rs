//! What is cut, killed or frozen in each row, and what each row expects.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use polder::demo::documents::{STATEFUL, STATEFUL_HOST};

use crate::cluster::Setting;
use crate::world::{Engine, World};

/// One fault.
pub struct Row {
    pub what: &'static str,
    pub proxies: usize,
    /// Whether the shop has failed over, and its primary is well again, before it begins.
    pub prepare: bool,
    pub play: Play,
    /// What is served by all when it is over, and how often it has moved, with etcd.
    pub ends: (&'static str, u64),
    /// Whether proxies that have nothing but their peers promise to move nothing.
    pub rests_with_peers_alone: bool,
}

type Play = for<'w> fn(&'w mut World, &'w Times) -> Pin<Box<dyn Future<Output = ()> + 'w>>;

/// How long faults last.
pub struct Times {
    pub partition: Duration,
    pub asymmetry: Duration,
    pub pause: Duration,
}

pub const ROWS: &[Row] = &[
    Row {
        what: "one proxy alone cannot reach the primary",
        proxies: 3,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                during(world, times.partition, &[(&["px-1"], &["shop1"])]).await;
            })
        },
        ends: ("shop1", 0),
        rests_with_peers_alone: true,
    },
    Row {
        what: "a minority without the primary",
        proxies: 3,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                during(world, times.partition, &[(MINORITY, MAJORITY)]).await;
            })
        },
        ends: ("shop1", 0),
        rests_with_peers_alone: false,
    },
    Row {
        what: "2+2, the link between the sites cut",
        proxies: 4,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                // The third member of etcd stands in a third place, which both sites reach.
                let (one, other) = (["px-1", "px-2", "shop1", "etcd-1"], ["px-3", "px-4", "shop2", "etcd-2"]);
                during(world, times.partition, &[(&one, &other)]).await;
            })
        },
        ends: ("shop1", 0),
        rests_with_peers_alone: false,
    },
    Row {
        what: "peers cut, and the primary dies where each reaches another backup",
        proxies: 3,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                let cuts: &[Cut] = &[
                    (&["px-1"], &["px-2", "px-3"]),
                    (&["px-2"], &["px-3"]),
                    (&["px-1"], &["shop2"]),
                    (&["px-2"], &["shop3"]),
                ];
                world.cut(cuts);
                world.kill(0).await;
                tokio::time::sleep(times.partition).await;
                world.heal(cuts);
            })
        },
        ends: ("shop2", 1),
        rests_with_peers_alone: false,
    },
    Row {
        what: "px-1 cannot reach the primary, px-2 not the backup",
        proxies: 3,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                during(world, times.asymmetry, &[(&["px-1"], &["shop1"]), (&["px-2"], &["shop2"])]).await;
            })
        },
        ends: ("shop1", 0),
        rests_with_peers_alone: true,
    },
    Row {
        what: "failback while the link to a minority is cut",
        proxies: 3,
        prepare: true,
        play: |world, times| {
            Box::pin(async {
                let cut: &[Cut] =
                    &[(&["px-3", "shop3", "etcd-3"], &["px-1", "px-2", "shop1", "shop2", "etcd-1", "etcd-2"])];
                world.cut(cut);
                tokio::time::sleep(times.partition / 2).await;
                world.fail_back(0).await;
                world.until_served(&[0, 1], STATEFUL_HOST, "shop1").await;
                tokio::time::sleep(times.partition / 2).await;
                world.heal(cut);
            })
        },
        ends: ("shop1", 1),
        rests_with_peers_alone: false,
    },
    Row {
        what: "a proxy is paused, the primary dies and is mended, the proxy goes on",
        proxies: 3,
        prepare: false,
        play: |world, times| {
            Box::pin(async {
                world.proxies[2].freeze(true).await;
                world.kill(0).await;
                tokio::time::sleep(times.pause).await;
                world.until_served(&[0, 1], STATEFUL_HOST, "shop2").await;
                world.mend(0).await;
                world.proxies[2].freeze(false).await;
            })
        },
        ends: ("shop2", 1),
        rests_with_peers_alone: false,
    },
];

const MINORITY: &[&str] = &["px-3", "shop2", "etcd-3"];
const MAJORITY: &[&str] = &["px-1", "px-2", "shop1", "shop3", "etcd-1", "etcd-2"];

/// What reaches each other no more.
type Cut<'c> = (&'c [&'c str], &'c [&'c str]);

async fn during(world: &World, time: Duration, cuts: &[Cut<'_>]) {
    world.cut(cuts);
    tokio::time::sleep(time).await;
    world.heal(cuts);
}

impl World {
    fn cut(&self, cuts: &[Cut<'_>]) {
        cuts.iter().for_each(|(one, other)| self.network.cut(one, other));
    }

    fn heal(&self, cuts: &[Cut<'_>]) {
        cuts.iter().for_each(|(one, other)| self.network.heal(one, other));
    }
}

/// What came of a row.
#[derive(Debug)]
pub struct Outcome {
    pub split: Duration,
    pub by_the_losing_side: usize,
    pub moves: u64,
    pub failed: usize,
    pub requests: usize,
    /// What all serve at the end.
    pub served: String,
}

/// Plays a row.
pub async fn play(row: &Row, engine: Engine, times: &Times) -> Outcome {
    let mut world = World::start(engine, row.proxies, &[Setting::AsEver; 3]).await;
    let all: Vec<usize> = (0..row.proxies).collect();
    if row.prepare {
        world.kill(0).await;
        world.until_served(&all, STATEFUL_HOST, "shop2").await;
        world.mend(0).await;
        world.until_all_find_up("shop1").await;
    }
    let visits = world.visits(STATEFUL_HOST).await;
    let before = world.epoch(STATEFUL).await;
    (row.play)(&mut world, times).await;
    let served = world.until_all_agree().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let seen = visits.end().await;
    Outcome {
        split: seen.split(),
        by_the_losing_side: seen.by_the_losing_side(&served),
        moves: world.epoch(STATEFUL).await - before,
        failed: seen.refused(),
        requests: seen.count(),
        served,
    }
}
