//! The primary of a stateful service fails: it fails over to its backup and stays there until failed back.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::documents::{STATEFUL, Times};
use super::super::super::fleet::Action;
use super::super::stage::{Stage, with_slack};
use super::proxies::{LAST_ANSWER, gone_from_answers};
use super::row::Row;
use crate::api::daemon::Daemon;
use crate::api::status::Status;
use crate::health::Verdict;

/// How long visitors are watched after the verdict.
const AFTER: Duration = Duration::from_millis(700);
/// How long a returned primary is watched: it would have many chances to take over again.
const AFTER_RETURN: Duration = Duration::from_millis(1500);
/// How often the primary dies in the flapping row.
const FLAPS: u32 = 20;
/// How long it lives and is dead in each flap: at times long enough for a verdict, at times not.
const FLAP: Duration = Duration::from_millis(130);
/// What storing a latch and waking those who wait may add to a bound.
const MOVE: Duration = Duration::from_millis(250);

pub(super) static PRIMARY_KILLED: Row = Row {
    name: "primary-killed",
    broken: "the primary of the stateful service is killed",
    promise: "every proxy serves the backup; new requests wait for the verdict",
    play: |stage| {
        Box::pin(async {
            let killed = stage.break_part(Action::Kill, "shop1").await?;
            fails_over(stage, "shop2", killed).await;
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static PRIMARY_RETURNS: Row = Row {
    name: "primary-returns",
    broken: "the primary comes back after a failover",
    promise: "the service stays on its backup on every proxy",
    prepare: Some(|stage| Box::pin(primary_dies(stage))),
    play: |stage| {
        Box::pin(async {
            let epochs = epochs(stage).await;
            let from = stage.now();
            stage.break_part(Action::Mend, "shop1").await?;
            let (proxies, limit) = (stage.watched(Daemon::Proxy), stage.times().detection());
            stage
                .noticed(&proxies, "shop1 is up again", limit, |seen| {
                    seen.backend(STATEFUL, "shop1").is_some_and(|backend| backend.check == Verdict::Up)
                })
                .await;
            stage.observe(AFTER_RETURN).await;
            stage.was_served_by("shop2", from);
            let unchanged = epochs == self::epochs(stage).await;
            stage.fact("no latch has moved", unchanged);
            Ok(())
        })
    },
    ..Row::AT_ONCE
};

pub(super) static BACKUP_KILLED_TOO: Row = Row {
    name: "backup-killed-too",
    broken: "the primary and the first backup are killed",
    promise: "every proxy serves the second backup",
    play: |stage| {
        Box::pin(async {
            let killed = stage.break_part(Action::Kill, "shop1").await?;
            stage.fleet.act(Action::Kill, "shop2").await?;
            fails_over(stage, "shop3", killed).await;
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static FLAPPING: Row = Row {
    name: "flapping",
    broken: "the primary dies 20 times",
    promise: "one failover; the service stays on its backup",
    play: |stage| Box::pin(flap(stage)),
    ..Row::NOTICED
};

pub(super) static FAILBACK: Row = Row {
    name: "failback",
    broken: "the operator fails the service back",
    promise: "every proxy serves the primary again",
    bound: |times| Some(times.peers),
    needs: None,
    prepare: Some(|stage| {
        Box::pin(async {
            primary_dies(stage).await?;
            stage.fleet.act(Action::Mend, "shop1").await?;
            stage.well().await
        })
    }),
    play: |stage| {
        Box::pin(async {
            let within = stage.times().peers;
            stage.breaks();
            stage.fail_back().await?;
            stage.sabotage().await?;
            let moved = all_active(stage, "shop1", within).await;
            stage.may_fail_before(moved);
            stage.sessions_may_be_lost_once();
            stage.bounds().gap = Some(with_slack(within) + MOVE);
            stage.observe(AFTER).await;
            stage.was_served_by("shop1", moved);
            Ok(())
        })
    },
};

pub(super) static ONE_PROXY_BLIND: Row = Row {
    name: "one-proxy-blind",
    broken: "one proxy alone sees the primary dead",
    promise: "nobody moves; that proxy says so, and is out of the answers until it sees it again",
    bound: blind_bound,
    play: |stage| Box::pin(one_proxy_is_blind(stage)),
    ..Row::NOTICED
};

/// Until its nameservers leave the proxy out: it must be sure, and they must find it not ready.
pub(super) fn blind_bound(times: &Times) -> Option<Duration> {
    Some(isolated_bound(times) + times.detection())
}

/// Its own verdict, the time in which peers would have come to theirs, and an exchange with one.
fn isolated_bound(times: &Times) -> Duration {
    2 * times.detection() + times.peers
}

pub(super) async fn one_proxy_is_blind(stage: &mut Stage) -> Result<(), Error> {
    let blind = 1;
    let before = epochs(stage).await;
    stage.breaks();
    stage.fleet.blind("shop1", blind, true).await?;
    stage.sabotage().await?;
    let (own, times) = (stage.watched(Daemon::Proxy).swap_remove(blind), stage.times());
    let isolated = |seen: &Status| {
        !seen.daemon().ready && seen.daemon().alarms.iter().any(|alarm| alarm.contains("shop: isolated from shop1"))
    };
    stage.noticed(&[own], "it is isolated, and not ready", isolated_bound(&times), isolated).await;
    let verdict = gone_from_answers(stage, blind, isolated_bound(&times) + times.detection()).await;
    let expired = verdict + times.ttl + LAST_ANSWER;
    let via = stage.proxy_ip(blind);
    stage.may_fail_through(via, expired);
    let rest = expired.saturating_sub(stage.now());
    stage.observe(rest + AFTER).await;
    let unchanged = before == epochs(stage).await;
    stage.fact("no latch has moved", unchanged);
    stage.fleet.blind("shop1", blind, false).await
}

/// Waits for the failover to `backup` on every proxy, and states what visitors are promised in it. `killed`: when the primary was
/// gone for certain.
async fn fails_over(stage: &mut Stage, backup: &'static str, killed: Duration) -> Duration {
    let detection = stage.times().detection();
    stage.may_fail_before(killed);
    stage.sessions_may_be_lost_once();
    stage.bounds().gap = Some(with_slack(detection) + MOVE);
    stage.bounds().wait = Some(with_slack(detection) + MOVE);
    let moved = all_active(stage, backup, detection).await;
    stage.observe(AFTER).await;
    stage.was_served_by(backup, moved);
    moved
}

/// Waits until this backend is active on every proxy that runs.
pub(super) async fn all_active(stage: &mut Stage, backend: &'static str, within: Duration) -> Duration {
    let proxies = stage.watched(Daemon::Proxy);
    stage
        .noticed(&proxies, &format!("{backend} is active"), within, move |seen| seen.active(STATEFUL) == Some(backend))
        .await
}

/// The primary dies and the service fails over, before the row begins.
async fn primary_dies(stage: &mut Stage) -> Result<(), Error> {
    stage.fleet.act(Action::Kill, "shop1").await?;
    stage.all_serve("shop2").await
}

/// The primary dies, comes back, and is failed back to: what a proxy saved on the way is old news now.
pub(super) async fn there_and_back(stage: &mut Stage) -> Result<(), Error> {
    primary_dies(stage).await?;
    stage.fleet.act(Action::Mend, "shop1").await?;
    stage.well().await?;
    stage.home().await
}

pub(super) async fn epochs(stage: &Stage) -> Vec<Option<u64>> {
    let mut epochs = Vec::new();
    for watched in stage.watched(Daemon::Proxy) {
        epochs.push(stage.seen(&watched.name).await.and_then(|seen| seen.epoch(STATEFUL)));
    }
    epochs
}

async fn flap(stage: &mut Stage) -> Result<(), Error> {
    let before = epochs(stage).await;
    let killed = stage.break_part(Action::Kill, "shop1").await?;
    let moved = fails_over(stage, "shop2", killed).await;
    let after_first = epochs(stage).await;
    stage.fact("every latch has moved", before.iter().zip(&after_first).all(|(before, after)| before < after));
    for _ in 1..FLAPS {
        stage.fleet.act(Action::Mend, "shop1").await?;
        stage.observe(FLAP).await;
        stage.fleet.act(Action::Kill, "shop1").await?;
        stage.observe(FLAP).await;
    }
    stage.was_served_by("shop2", moved);
    let unchanged = after_first == epochs(stage).await;
    stage.fact("no latch has moved again", unchanged);
    Ok(())
}
