//! The daemons' own status, asked for again and again until it shows what is awaited.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::super::supervisor::Role;
use crate::api;
use crate::api::client::Client;

/// Between two questions to one daemon; a change is seen this much late at most.
const INTERVAL: Duration = Duration::from_millis(10);

/// A daemon and how to ask it.
#[derive(Debug, Clone)]
pub struct ObservedDaemon {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub role: Role,
    /// Its admin API.
    pub client: Client,
}

/// A daemon's status.
#[derive(Debug, Clone)]
pub enum DaemonStatus {
    /// A proxy's.
    Proxy(Box<api::proxy::Status>),
    /// A nameserver's.
    Nameserver(Box<api::dns::Status>),
}

impl DaemonStatus {
    /// The backend of this service, in a proxy's.
    pub fn backend(&self, service: &str, backend: &str) -> Option<&api::proxy::BackendStatus> {
        self.service(service)?.backends.iter().find(|status| status.name == backend)
    }

    /// The service, in a proxy's.
    pub fn service(&self, service: &str) -> Option<&api::proxy::ServiceStatus> {
        match self {
            DaemonStatus::Proxy(status) => status.services.iter().find(|status| status.name == service),
            DaemonStatus::Nameserver(_) => None,
        }
    }

    /// The backend a latch names, in a proxy's.
    pub fn active(&self, service: &str) -> Option<&str> {
        self.service(service)?.latch.as_ref()?.active.as_deref()
    }

    /// The latch's epoch, in a proxy's.
    pub fn epoch(&self, service: &str) -> Option<u64> {
        Some(self.service(service)?.latch.as_ref()?.epoch)
    }

    /// The first pool, in a nameserver's.
    pub fn pool(&self) -> Option<&api::dns::PoolStatus> {
        match self {
            DaemonStatus::Nameserver(status) => status.pools.first(),
            DaemonStatus::Proxy(_) => None,
        }
    }

    /// Whether a pool member's addresses are all in the answer, in a nameserver's.
    pub fn answers_with(&self, member: &str) -> Option<bool> {
        let member = self.pool()?.members.iter().find(|status| status.name == member)?;
        Some(member.addresses.iter().all(|address| address.answered))
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        match self {
            DaemonStatus::Proxy(status) => status.pid,
            DaemonStatus::Nameserver(status) => status.pid,
        }
    }

    /// The snapshot's generation.
    pub fn generation(&self) -> u64 {
        match self {
            DaemonStatus::Proxy(status) => status.generation,
            DaemonStatus::Nameserver(status) => status.generation,
        }
    }
}

/// Asks once; none without an answer, or with one of another version.
pub async fn status(watched: &ObservedDaemon) -> Option<DaemonStatus> {
    let value = watched.client.get("/status").await.ok()?;
    match watched.role {
        Role::Proxy => serde_json::from_value(value).ok().map(DaemonStatus::Proxy),
        Role::Nameserver => serde_json::from_value(value).ok().map(DaemonStatus::Nameserver),
    }
}

/// Asks all of them until each shows what is awaited; for each the moment at which it first did, none if it did not
/// within the limit. In the order of `watched`. Must be called within a `LocalSet`.
pub async fn until(
    watched: &[ObservedDaemon],
    limit: Duration,
    awaited: impl Fn(&DaemonStatus) -> bool + 'static,
) -> Vec<Option<Instant>> {
    let awaited = Rc::new(awaited);
    let mut looking = JoinSet::new();
    for (index, watched) in watched.iter().cloned().enumerate() {
        let awaited = Rc::clone(&awaited);
        looking.spawn_local(async move {
            let shows = async {
                while !status(&watched).await.is_some_and(|seen| awaited(&seen)) {
                    tokio::time::sleep(INTERVAL).await;
                }
                Instant::now()
            };
            (index, tokio::time::timeout(limit, shows).await.ok())
        });
    }
    let mut moments = vec![None; watched.len()];
    while let Some(ended) = looking.join_next().await {
        if let Ok((index, moment)) = ended {
            moments[index] = moment;
        }
    }
    moments
}
