//! Proxies that agree by etcd: whatever one of them cannot reach, no two backends are ever served. Without etcd the drill has nothing to show of it.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::addresses::PROXIES;
use super::super::super::documents::proxy_name;
use super::super::super::fleet::Action;
use super::super::super::sites::{FAR, LEASE, Sites};
use super::super::super::store;
use super::super::observe;
use super::super::stage::Stage;
use super::row::Row;
use super::stateful::{blind_bound, epochs, one_proxy_is_blind};
use crate::api::daemon::Daemon;

/// How long visitors are watched after the far proxy has stopped.
const AFTER: Duration = Duration::from_secs(2);
/// How long etcd may take to begin.
const BEGIN_LIMIT: Duration = Duration::from_secs(60);

pub(super) static LINK_CUT: Row = Row {
    name: "link-cut",
    broken: "the link between two sites is cut; the proxies agree by etcd",
    promise: "nobody moves: one site serves the service, the proxy of the other one answers 503 and says so",
    bound: |_| Some(LEASE),
    needs: Some(store::PROGRAM),
    prepare: Some(|stage| Box::pin(stand_on_two_sites(stage))),
    play: |stage| Box::pin(cut_the_link(stage)),
};

pub(super) static ONE_PROXY_BLIND: Row = Row {
    name: "agreed-proxy-blind",
    broken: "one proxy alone sees the primary dead; the proxies agree by etcd",
    promise: "nobody moves; that proxy says so, and is out of the answers until it sees it again",
    bound: blind_bound,
    play: |stage| Box::pin(one_proxy_is_blind(stage)),
    ..LINK_CUT
};

/// Starts etcd, and lets the proxies agree by it.
async fn stand_on_two_sites(stage: &mut Stage) -> Result<(), Error> {
    let sites = Sites::build(&stage.fleet).await?;
    for proxy in 0..PROXIES {
        let name = proxy_name(proxy);
        stage.change_document(&name, |document| sites.place(proxy, document))?;
        stage.fleet.act(Action::Reload, &name).await?;
    }
    stage.sites = Some(sites);
    let proxies = stage.watched(Daemon::Proxy);
    // A proxy that has yet to take its seat says so.
    let agree = observe::until(&proxies, BEGIN_LIMIT, |seen| seen.daemon().alarms.is_empty() && seen.daemon().ready);
    if agree.await.iter().any(Option::is_none) {
        return Err(Error::new(format!("the proxies do not agree by etcd within {BEGIN_LIMIT:?}")));
    }
    stage.well().await?;
    stage.all_serve("shop1").await
}

async fn cut_the_link(stage: &mut Stage) -> Result<(), Error> {
    let (before, via) = (epochs(stage).await, stage.proxy_ip(FAR));
    stage.breaks();
    cut(stage, true).await?;
    stage.sabotage().await?;
    let far = stage.watched(Daemon::Proxy).swap_remove(FAR);
    stage
        .noticed(&[far], "it has no lease, and stops", LEASE, |seen| {
            seen.daemon()
                .alarms
                .iter()
                .any(|alarm| alarm.starts_with("agreement: ") && alarm.contains("503 here for shop"))
        })
        .await;
    stage.observe(AFTER).await;
    let unchanged = before == epochs(stage).await;
    stage.fact("no latch has moved", unchanged);
    cut(stage, false).await?;
    stage.mend().await?;
    let mended = stage.now();
    stage.may_fail_through(via, mended);
    Ok(())
}

async fn cut(stage: &mut Stage, is_cut: bool) -> Result<(), Error> {
    match &stage.sites {
        Some(sites) => sites.cut(&mut stage.fleet, is_cut).await,
        None => Err(Error::new("the fleet stands on one site")),
    }
}
