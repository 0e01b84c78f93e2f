//! A backend of a stateless service fails: nothing, for safe requests whose response had not begun.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::documents::STATELESS;
use super::super::super::fleet::Action;
use super::super::stage::{Stage, with_slack};
use super::row::Row;
use crate::api::daemon::Daemon;
use crate::health::Verdict;

/// How long visitors are watched after the verdict.
const AFTER: Duration = Duration::from_millis(700);

pub(super) static KILLED: Row = Row {
    name: "stateless-killed",
    broken: "a backend of the stateless service is killed",
    promise: "safe requests are served elsewhere at once; checks take it out",
    play: |stage| Box::pin(lose(stage, Action::Kill)),
    ..Row::NOTICED
};

pub(super) static FROZEN: Row = Row {
    name: "stateless-frozen",
    broken: "a backend of the stateless service freezes",
    promise: "safe requests wait for the verdict at most, then are served elsewhere",
    play: |stage| Box::pin(lose(stage, Action::Freeze)),
    ..Row::NOTICED
};

pub(super) static FAILING: Row = Row {
    name: "stateless-500",
    broken: "a backend of the stateless service answers 500",
    promise: "its answers are passed on until the verdict; none after it",
    play: |stage| {
        Box::pin(async {
            let verdict = take_out(stage, Action::Failing).await?;
            stage.may_be_answered_badly_by("web1", verdict);
            Ok(())
        })
    },
    ..Row::NOTICED
};

pub(super) static SLOW_ONE: Row = Row {
    name: "stateless-slow",
    broken: "a backend of the stateless service answers late",
    promise: "late pages until the verdict, none after it",
    play: |stage| {
        Box::pin(async {
            take_out(stage, Action::Slow).await?;
            stage.bounds().wait = Some(stage.fleet.slow() + Duration::from_millis(250));
            Ok(())
        })
    },
    ..Row::NOTICED
};

async fn lose(stage: &mut Stage, action: Action) -> Result<(), Error> {
    // What had been sent to it may not be sent twice.
    let verdict = take_out(stage, action).await?;
    stage.unsafe_may_fail_before(verdict);
    Ok(())
}

/// Breaks a backend; the moment at which every proxy had noticed.
async fn take_out(stage: &mut Stage, action: Action) -> Result<Duration, Error> {
    let detection = stage.times().detection();
    stage.break_part(action, "web1").await?;
    let proxies = stage.watched(Daemon::Proxy);
    let verdict = stage
        .noticed(&proxies, "web1 is down", detection, |seen| {
            seen.backend(STATELESS, "web1").is_some_and(|backend| backend.check == Verdict::Down)
        })
        .await;
    // Waiting for the verdict, and for a connection that had been opened but not yet used, is all a page may take.
    stage.bounds().wait = Some(with_slack(detection) + Duration::from_millis(250));
    stage.observe(AFTER).await;
    Ok(verdict)
}
