//! A nameserver fails, or its checks do.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::addresses::{NAMESERVERS, PROXIES};
use super::super::super::documents::{POOL, nameserver_name};
use super::super::super::fleet::Action;
use super::super::super::visitor::Timeouts;
use super::super::stage::Stage;
use super::row::Row;
use crate::api::daemon::Daemon;
use crate::api::dns::PoolStatus;
use crate::health::Verdict;

/// How long visitors are watched.
const AFTER: Duration = Duration::from_millis(1500);
/// How much more than its timeouts a resolver may take, on a busy machine.
const SLACK: Duration = Duration::from_millis(250);

pub(super) static KILLED: Row = Row {
    name: "nameserver-killed",
    broken: "a nameserver is killed",
    promise: "resolvers ask the other one",
    play: |stage| Box::pin(lose(stage, Action::Kill)),
    ..Row::AT_ONCE
};

pub(super) static FROZEN: Row = Row {
    name: "nameserver-frozen",
    broken: "a nameserver freezes",
    promise: "resolvers ask the other one",
    play: |stage| Box::pin(lose(stage, Action::Freeze)),
    ..Row::AT_ONCE
};

pub(super) static ALL_LOOK_DEAD: Row = Row {
    name: "all-look-dead",
    broken: "to the nameservers' checks every proxy looks dead",
    promise: "they answer as configured: the checks are probably wrong",
    play: |stage| Box::pin(blind_checks(stage)),
    ..Row::NOTICED
};

async fn lose(stage: &mut Stage, action: Action) -> Result<(), Error> {
    stage.break_part(action, &nameserver_name(0)).await?;
    stage.bounds().query_wait = Some(Timeouts::SCALED.next_nameserver + SLACK);
    stage.observe(AFTER).await;
    Ok(())
}

async fn blind_checks(stage: &mut Stage) -> Result<(), Error> {
    let dead = stage.fleet.addresses.dead_port();
    stage.breaks();
    for index in 0..NAMESERVERS {
        let name = nameserver_name(index);
        stage.change_document(&name, |document| document["pools"][POOL]["check"]["port"] = dead.into())?;
        stage.fleet.act(Action::Reload, &name).await?;
    }
    stage.sabotage().await?;
    let (nameservers, within) = (stage.watched(Daemon::Nameserver), stage.times().detection());
    stage
        .noticed(&nameservers, "all look dead, all are answered", within, |seen| {
            let are_all_down = |pool: &PoolStatus| {
                let mut addresses = pool.members.iter().flat_map(|member| &member.addresses);
                addresses.all(|address| address.check == Verdict::Down)
            };
            seen.pool().is_some_and(|pool| are_all_down(pool) && pool.answers.len() == PROXIES)
        })
        .await;
    stage.observe(AFTER).await;
    Ok(())
}
