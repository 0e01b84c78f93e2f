//! Resolvers that validate, while everything around a signed pool breaks at once.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::addresses::PROXIES;
use super::super::super::documents::{nameserver_name, proxy_name};
use super::super::super::fleet::Action;
use super::super::stage::Stage;
use super::row::Row;
use crate::api::daemon::Daemon;

/// How long visitors are watched after each step.
const AFTER: Duration = Duration::from_millis(700);

pub(super) static BREAKS_AROUND_A_POOL: Row = Row {
    name: "signed-pool",
    broken: "proxies, nameservers, a takeover, a reload: one after the other",
    promise: "every answer is proved to those who validate",
    play: |stage| Box::pin(break_all(stage)),
    ..Row::NOTICED
};

async fn break_all(stage: &mut Stage) -> Result<(), Error> {
    let (last, first, second) = (proxy_name(PROXIES - 1), nameserver_name(0), nameserver_name(1));
    let lost = stage.proxy_ip(PROXIES - 1);
    // From here on the pool's answer is another one, signed before it was needed.
    stage.break_part(Action::Kill, &last).await?;
    let (nameservers, within) = (stage.watched(Daemon::Nameserver), stage.times().detection());
    stage
        .noticed(&nameservers, "the killed proxy is not answered", within, |seen| {
            seen.pool().is_some_and(|pool| pool.answers.len() == PROXIES - 1)
        })
        .await;
    let noticed = stage.now();
    stage.may_fail_through(lost, noticed + stage.times().ttl);
    stage.fleet.act(Action::Takeover, &first).await?;
    stage.observe(AFTER).await;
    stage.fleet.act(Action::Reload, &second).await?;
    stage.fleet.act(Action::Kill, &second).await?;
    stage.observe(AFTER).await;
    stage.fleet.act(Action::Mend, &last).await?;
    stage.fleet.act(Action::Mend, &second).await?;
    stage.observe(AFTER).await;
    // The other nameserver is answered from too, and says the same.
    stage.fleet.act(Action::Restart, &first).await?;
    stage.observe(AFTER).await;
    Ok(())
}
