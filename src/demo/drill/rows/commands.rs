//! What operators say: a changed check, commands at two daemons at once, commands before a crash.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::Error;
use super::super::super::addresses::PROXIES;
use super::super::super::documents::{POOL, STATEFUL, STATELESS, nameserver_name, proxy_name};
use super::super::super::fleet::Action;
use super::super::stage::Stage;
use super::row::Row;
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;

/// How long visitors are watched after the last command.
const AFTER: Duration = Duration::from_millis(500);
/// The longest that a wrong check is watched.
const UNTIMED: Duration = Duration::from_secs(3);
/// How often a proxy is killed right after it has answered.
const CRASHES: usize = 4;

pub(super) static WRONG_CHECK: Row = Row {
    name: "wrong-check",
    broken: "every proxy is reloaded with a check that no backend passes",
    promise: "the check before is asked too: no latch moves, and visitors notice nothing",
    play: |stage| Box::pin(wrong_check(stage)),
    ..Row::AT_ONCE
};

pub(super) static LAST_MEMBERS: Row = Row {
    name: "last-members",
    broken: "two operators drain the last two proxies at once, at two nameservers",
    promise: "one of them is refused: a pool is never emptied by commands",
    prepare: Some(|stage| Box::pin(set(stage, 0, 2, OperatorState::Drain))),
    play: |stage| Box::pin(drain_the_last(stage)),
    ..Row::AT_ONCE
};

pub(super) static ANSWERED_COMMANDS: Row = Row {
    name: "answered-commands",
    broken: "a proxy is killed right after it has answered a command, 4 times",
    promise: "what was answered is in force when it is back",
    play: |stage| Box::pin(kill_after_the_answer(stage)),
    ..Row::AT_ONCE
};

async fn wrong_check(stage: &mut Stage) -> Result<(), Error> {
    let from = stage.now();
    stage.breaks();
    stage.sabotage().await?;
    let proxies = stage.watched(Daemon::Proxy);
    for watched in &proxies {
        stage.change_document(&watched.name, |document| {
            document["services"][STATEFUL]["check"]["path"] = json!("/no-such-page");
        })?;
        stage.fleet.act(Action::Reload, &watched.name).await?;
    }
    // Untimed, a verdict takes minutes; what would follow from a single failure shows soon all the same.
    stage.observe((stage.times().detection() * 2).min(UNTIMED)).await;
    for watched in &proxies {
        let seen = stage.seen(&watched.name).await;
        let stays = seen.is_some_and(|seen| seen.active(STATEFUL) == Some("shop1"));
        stage.fact(format!("the latch of {} names shop1 still", watched.name), stays);
    }
    stage.was_served_by("shop1", from);
    Ok(())
}

async fn drain_the_last(stage: &mut Stage) -> Result<(), Error> {
    stage.breaks();
    stage.sabotage().await?;
    let (first, second) = tokio::join!(set(stage, 0, 0, OperatorState::Drain), set(stage, 1, 1, OperatorState::Drain),);
    stage.fact("an operator is refused", first.is_err() || second.is_err());
    stage.observe(AFTER).await;
    for watched in stage.watched(Daemon::Nameserver) {
        let seen = stage.seen(&watched.name).await;
        let answers = |index| seen.as_ref().is_some_and(|seen| seen.answers_with(&proxy_name(index)) == Some(true));
        stage.fact(format!("{} answers with a proxy that is not drained", watched.name), answers(0) || answers(1));
    }
    for index in 0..PROXIES {
        set(stage, 0, index, OperatorState::Ready).await?;
    }
    Ok(())
}

async fn kill_after_the_answer(stage: &mut Stage) -> Result<(), Error> {
    const VICTIM: usize = 1;
    let (name, via) = (proxy_name(VICTIM), stage.proxy_ip(VICTIM));
    for round in 0..CRASHES {
        let state = if round % 2 == 0 { OperatorState::Drain } else { OperatorState::Ready };
        stage.post(&name, "/operator", &command(STATELESS, "web2", state)).await?;
        let killed = stage.break_part(Action::Restart, &name).await?;
        stage.may_fail_through(via, killed);
        let seen = stage.seen(&name).await;
        let is_in_force =
            seen.and_then(|seen| Some(seen.backend(STATELESS, "web2")?.operator == state)).unwrap_or_default();
        stage.fact(format!("{name} knows that web2 is {}", state.name()), is_in_force);
        stage.observe(AFTER).await;
    }
    Ok(())
}

/// Has a nameserver set the state of a proxy.
async fn set(stage: &Stage, nameserver: usize, proxy: usize, state: OperatorState) -> Result<(), Error> {
    let command = command(POOL, &proxy_name(proxy), state);
    stage.post(&nameserver_name(nameserver), "/operator", &command).await.map(|_| ())
}

fn command(group: &str, name: &str, state: OperatorState) -> Value {
    json!({ "subject": format!("{group}/{name}"), "state": state.name(), "who": "drill", "why": "the row wants it" })
}
