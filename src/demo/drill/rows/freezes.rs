//! Processes that freeze at the worst moment: a new one in a takeover, and a proxy that wakes to another world.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::documents::{nameserver_name, proxy_name};
use super::super::super::fleet::Action;
use super::super::super::visitor::Timeouts;
use super::super::stage::Stage;
use super::row::Row;
use super::stateful;
use crate::daemon::peers::RECENT;
use crate::daemon::takeover;

/// The proxy that is stopped.
const STOPPED: usize = 0;
/// How long the proxy is stopped at least: what it heard of its peers is too old then, and so is what its checks said.
const PAUSE: Duration = RECENT.saturating_add(Duration::from_secs(1));
/// How long a new process says nothing after its "ready".
const SILENCE: Duration = Duration::from_millis(1500);
/// How long visitors are watched after that.
const AFTER: Duration = Duration::from_millis(700);

pub(super) static FROZEN_TAKEOVER: Row = Row {
    name: "frozen-takeover",
    broken: "a process that takes over freezes after its \"ready\", at a nameserver and a proxy",
    promise: "the old process serves until the new one does: nobody notices",
    play: |stage| Box::pin(freeze_after_ready(stage)),
    ..Row::AT_ONCE
};

pub(super) static STOPPED_PROXY: Row = Row {
    name: "stopped-proxy",
    broken: "a proxy is stopped, the primary dies and comes back, the proxy goes on",
    promise: "it sends nothing by what it knew: all are served by the backup",
    play: |stage| Box::pin(stop_and_go_on(stage)),
    ..Row::AT_ONCE
};

async fn freeze_after_ready(stage: &mut Stage) -> Result<(), Error> {
    stage.breaks();
    stage.sabotage().await?;
    for name in [nameserver_name(0), proxy_name(0)] {
        let daemon = stage.fleet.daemon(&name)?;
        let (socket, program) = (daemon.client().socket, daemon.role.program());
        let before = stage.seen(&name).await.map(|seen| seen.daemon().pid);
        // The new process as far as that: it has every socket, and the old one's final state.
        let new = takeover::request(&socket, &socket.with_file_name("state"), program).await;
        let (sockets, new) = new.map_err(Error::new)?;
        let ready = new.ready().await.map_err(Error::new)?;
        stage.observe(SILENCE).await;
        drop((sockets, ready));
        let after = stage.seen(&name).await.map(|seen| seen.daemon().pid);
        stage.fact(format!("{name} is the process that it was"), before.is_some() && before == after);
    }
    stage.observe(AFTER).await;
    stage.bounds().query_wait = Some(Timeouts::SCALED.next_nameserver);
    Ok(())
}

async fn stop_and_go_on(stage: &mut Stage) -> Result<(), Error> {
    let (name, via) = (proxy_name(STOPPED), stage.proxy_ip(STOPPED));
    let stopped = stage.break_part(Action::Freeze, &name).await?;
    stage.fleet.act(Action::Kill, "shop1").await?;
    // What the stopped one said of the primary counts for as long as it was heard lately.
    let within = stage.times().detection() + RECENT;
    let moved = stateful::all_active(stage, "shop2", within).await;
    stage.may_fail_before(moved);
    stage.sessions_may_be_lost_once();
    stage.fleet.act(Action::Mend, "shop1").await?;
    let rest = (stopped + PAUSE).saturating_sub(stage.now());
    // Not observed: whoever is patient waits at the proxy until it goes on, and is judged by what it gets then.
    tokio::time::sleep(rest).await;
    stage.fleet.act(Action::Mend, &name).await?;
    let awake = stage.now();
    stage.may_fail_through(via, awake);
    stage.all_serve("shop2").await?;
    stage.observe(AFTER).await;
    stage.was_served_by("shop2", moved);
    Ok(())
}
