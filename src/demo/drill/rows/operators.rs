//! What operators do to daemons: bad documents, reloads, upgrades; and crashes with sockets kept.

use std::time::Duration;

use super::super::super::Error;
use super::super::super::addresses::PROXIES;
use super::super::super::documents::{STATELESS, nameserver_name, proxy_name};
use super::super::super::fleet::Action;
use super::super::super::visitor::Timeouts;
use super::super::observe;
use super::super::stage::Stage;
use super::row::Row;
use super::stateful;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;

/// How often each daemon is reloaded.
const RELOADS: u64 = 20;
/// How often each daemon is taken over by a new process.
const TAKEOVERS: usize = 5;
/// How long visitors are watched after the last action.
const AFTER: Duration = Duration::from_millis(500);
/// How long the old process may still answer its operator after the new one is ready.
const TAKES_OVER: Duration = Duration::from_secs(2);
/// How long a daemon that was killed may take to serve again.
const CRASH: Duration = Duration::from_secs(2);

pub(super) static BAD_DOCUMENT: Row = Row {
    name: "bad-document",
    broken: "a proxy and a nameserver are reloaded with a bad document",
    promise: "the reload is refused with its reasons; nothing changes",
    play: |stage| {
        Box::pin(async {
            stage.breaks();
            stage.sabotage().await?;
            for name in [proxy_name(1), nameserver_name(0)] {
                refuses(stage, &name).await?;
            }
            stage.observe(AFTER).await;
            Ok(())
        })
    },
    ..Row::AT_ONCE
};

pub(super) static RELOADS_UNDER_LOAD: Row = Row {
    name: "reloads",
    broken: "every daemon is reloaded 20 times",
    promise: "nobody notices",
    play: |stage| Box::pin(reload_all(stage)),
    ..Row::AT_ONCE
};

pub(super) static PROXY_TAKEOVERS: Row = Row {
    name: "proxy-takeovers",
    broken: "every proxy is taken over by a new process 5 times",
    promise: "nobody notices",
    play: |stage| Box::pin(take_over_all(stage, Daemon::Proxy)),
    ..Row::AT_ONCE
};

pub(super) static NAMESERVER_TAKEOVERS: Row = Row {
    name: "nameserver-takeovers",
    broken: "every nameserver is taken over by a new process 5 times",
    promise: "nobody notices",
    play: |stage| Box::pin(take_over_all(stage, Daemon::Nameserver)),
    ..Row::AT_ONCE
};

pub(super) static PROXY_CRASHES: Row = Row {
    name: "proxy-crashes",
    broken: "every proxy is killed and started again",
    promise: "listening sockets and latches outlive it: new requests wait for the start",
    prepare: Some(|stage| Box::pin(stateful::there_and_back(stage))),
    play: |stage| {
        Box::pin(async {
            for index in 0..PROXIES {
                let restarted = stage.break_part(Action::Restart, &proxy_name(index)).await?;
                let via = stage.proxy_ip(index);
                stage.may_fail_through(via, restarted);
                stage.observe(AFTER).await;
            }
            stage.bounds().wait = Some(CRASH);
            Ok(())
        })
    },
    ..Row::AT_ONCE
};

pub(super) static NAMESERVER_CRASHES: Row = Row {
    name: "nameserver-crashes",
    broken: "every nameserver is killed and started again",
    promise: "sockets outlive it: queries wait for the start or are asked elsewhere",
    play: |stage| {
        Box::pin(async {
            for watched in stage.watched(Daemon::Nameserver) {
                stage.break_part(Action::Restart, &watched.name).await?;
                stage.observe(AFTER).await;
            }
            stage.bounds().query_wait = Some(Timeouts::SCALED.next_nameserver * 2);
            Ok(())
        })
    },
    ..Row::AT_ONCE
};

async fn refuses(stage: &mut Stage, name: &str) -> Result<(), Error> {
    let before = stage.seen(name).await.map(|seen| seen.daemon().generation);
    stage.spoil_document(name, "{ \"version\": 1, \"listenrs\": [] }\n")?;
    let reply = stage.fleet.daemon(name)?.reload().await;
    let refused = matches!(&reply, Err(ClientError::Refused { status: 422, .. }));
    stage.fact(format!("{name} refuses the document"), refused);
    let after = stage.seen(name).await.map(|seen| seen.daemon().generation);
    stage.fact(format!("{name} serves what it served before"), before.is_some() && before == after);
    Ok(())
}

async fn reload_all(stage: &mut Stage) -> Result<(), Error> {
    let daemons = [stage.watched(Daemon::Nameserver), stage.watched(Daemon::Proxy)].concat();
    let before = pids(stage).await;
    stage.breaks();
    stage.sabotage().await?;
    for round in 1..=RELOADS {
        for watched in &daemons {
            match watched.role {
                Daemon::Proxy => stage.change_document(&watched.name, |document| {
                    document["services"][STATELESS]["backends"][0]["weight"] = (100 + round).into();
                })?,
                Daemon::Nameserver => {
                    stage.change_document(&watched.name, |document| document["drain"] = format!("{round}s").into())?;
                }
            }
            stage.fleet.act(Action::Reload, &watched.name).await?;
        }
    }
    let unchanged = before == pids(stage).await;
    stage.fact("every process is the one it was", unchanged);
    stage.observe(AFTER).await;
    no_query_asked_twice(stage);
    Ok(())
}

/// Each query is answered before a resolver would turn to the other nameserver: no datagram is lost.
fn no_query_asked_twice(stage: &mut Stage) {
    stage.bounds().query_wait = Some(Timeouts::SCALED.next_nameserver);
}

async fn take_over_all(stage: &mut Stage, role: Daemon) -> Result<(), Error> {
    stage.breaks();
    stage.sabotage().await?;
    for _ in 0..TAKEOVERS {
        for watched in stage.watched(role) {
            let before = stage.seen(&watched.name).await.map(|seen| seen.daemon().pid);
            stage.fleet.act(Action::Takeover, &watched.name).await?;
            // The old process may answer until it has heard that the new one is ready.
            let another = observe::until(std::slice::from_ref(&watched), TAKES_OVER, move |seen| {
                before != Some(seen.daemon().pid)
            })
            .await;
            stage.fact(format!("another process is {}", watched.name), another.iter().all(Option::is_some));
        }
    }
    stage.observe(AFTER).await;
    no_query_asked_twice(stage);
    Ok(())
}

async fn pids(stage: &Stage) -> Vec<Option<u32>> {
    let mut pids = Vec::new();
    for watched in [stage.watched(Daemon::Nameserver), stage.watched(Daemon::Proxy)].concat() {
        pids.push(stage.seen(&watched.name).await.map(|seen| seen.daemon().pid));
    }
    pids
}
