//! A proxy fails or is drained: nameservers stop answering its address; the browser tries its next one.

use std::time::Duration;

use serde_json::json;

use super::super::super::Error;
use super::super::super::documents::{POOL, Times, nameserver_name, proxy_name};
use super::super::super::fleet::Action;
use super::super::stage::Stage;
use super::row::Row;
use crate::api::daemon::Daemon;
use crate::api::status::Status;

/// The proxy that is broken.
pub(super) const FIRST: usize = 0;
/// How long visitors are watched after the verdict.
const AFTER: Duration = Duration::from_millis(700);
/// How much later than the last TTL the last visitor may still come: an answer was on its way when it was changed.
pub(super) const LAST_ANSWER: Duration = Duration::from_millis(300);

pub(super) static KILLED: Row = Row {
    name: "proxy-killed",
    broken: "a proxy is killed",
    promise: "the browser's next address; out of the answers by the nameservers' own checks",
    play: |stage| {
        Box::pin(async {
            let killed = stage.break_part(Action::Kill, &proxy_name(FIRST)).await?;
            let via = stage.proxy_ip(FIRST);
            stage.may_fail_through(via, killed);
            gone_from_answers(stage, FIRST, stage.times().detection()).await;
            stage.observe(AFTER).await;
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static FROZEN: Row = Row {
    name: "proxy-frozen",
    broken: "a proxy freezes: it accepts and never answers",
    promise: "gone everywhere when the TTL ends",
    bound: gone_bound,
    play: |stage| {
        Box::pin(async {
            stage.break_part(Action::Freeze, &proxy_name(FIRST)).await?;
            let verdict = gone_from_answers(stage, FIRST, stage.times().detection()).await;
            let expired = verdict + stage.times().ttl + LAST_ANSWER;
            let via = stage.proxy_ip(FIRST);
            stage.may_fail_through(via, expired);
            let rest = expired.saturating_sub(stage.now());
            stage.observe(rest + AFTER).await;
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static DRAINED: Row = Row {
    name: "proxy-drained",
    broken: "a proxy is drained at the nameservers, then stopped",
    promise: "nobody notices",
    bound: |times| Some(times.ttl + times.peers),
    play: |stage| Box::pin(drain(stage)),
    ..Row::NOTICED
};

fn gone_bound(times: &Times) -> Option<Duration> {
    Some(times.detection() + times.ttl)
}

/// Waits until no nameserver answers with a proxy.
pub(super) async fn gone_from_answers(stage: &mut Stage, proxy: usize, within: Duration) -> Duration {
    let nameservers = stage.watched(Daemon::Nameserver);
    let name = proxy_name(proxy);
    let what = format!("{name} is not in the answers");
    stage.noticed(&nameservers, &what, within, move |seen: &Status| seen.answers_with(&name) == Some(false)).await
}

async fn drain(stage: &mut Stage) -> Result<(), Error> {
    let name = proxy_name(FIRST);
    let subject = format!("{POOL}/{name}");
    stage.breaks();
    let note = json!({ "subject": subject, "state": "drain", "who": "drill", "why": "the row wants it" });
    stage.post(&nameserver_name(0), "/operator", &note).await?;
    stage.sabotage().await?;
    gone_from_answers(stage, FIRST, stage.times().peers).await;
    stage.observe(stage.times().ttl + LAST_ANSWER).await;
    stage.fleet.act(Action::Stop, &name).await?;
    stage.observe(AFTER).await;
    stage.fleet.act(Action::Mend, &name).await?;
    let note = json!({ "subject": subject, "state": "ready", "who": "drill", "why": "the row is over" });
    stage.post(&nameserver_name(0), "/operator", &note).await.map(|_| ())
}
