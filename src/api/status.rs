//! The status of a daemon of which it is not known beforehand which one it is.

use serde::{Deserialize, Serialize};

use super::daemon::{Daemon, DaemonStatus};
use super::{dns, proxy};

/// A whole status, of either daemon.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Status {
    /// A proxy's.
    Proxy(Box<proxy::Status>),
    /// A nameserver's.
    Nameserver(Box<dns::Status>),
}

impl Status {
    /// The part that both daemons have.
    pub fn daemon(&self) -> &DaemonStatus {
        match self {
            Status::Proxy(status) => &status.daemon,
            Status::Nameserver(status) => &status.daemon,
        }
    }

    /// Reads the answer to `GET /status` of the daemon that its `role` names.
    ///
    /// # Errors
    ///
    /// It is of no daemon of this version.
    pub fn from_json(value: serde_json::Value) -> Result<Status, serde_json::Error> {
        match Daemon::deserialize(&value["role"])? {
            Daemon::Proxy => serde_json::from_value(value).map(Status::Proxy),
            Daemon::Nameserver => serde_json::from_value(value).map(Status::Nameserver),
        }
    }

    /// A proxy's.
    pub fn proxy(&self) -> Option<&proxy::Status> {
        match self {
            Status::Proxy(status) => Some(status),
            Status::Nameserver(_) => None,
        }
    }

    /// A nameserver's.
    pub fn nameserver(&self) -> Option<&dns::Status> {
        match self {
            Status::Nameserver(status) => Some(status),
            Status::Proxy(_) => None,
        }
    }

    /// A service, in a proxy's.
    pub fn service(&self, service: &str) -> Option<&proxy::ServiceStatus> {
        self.proxy()?.services.iter().find(|status| status.name == service)
    }

    /// A backend of a service, in a proxy's.
    pub fn backend(&self, service: &str, backend: &str) -> Option<&proxy::BackendStatus> {
        self.service(service)?.backends.iter().find(|status| status.name == backend)
    }

    /// The backend that a service's latch names, in a proxy's.
    pub fn active(&self, service: &str) -> Option<&str> {
        self.service(service)?.latch.as_ref()?.active.as_deref()
    }

    /// The epoch of a service's latch, in a proxy's.
    pub fn epoch(&self, service: &str) -> Option<u64> {
        Some(self.service(service)?.latch.as_ref()?.epoch)
    }

    /// The first pool, in a nameserver's.
    pub fn pool(&self) -> Option<&dns::PoolStatus> {
        self.nameserver()?.pools.first()
    }

    /// Whether all addresses of a member of the first pool are in the answer, in a nameserver's.
    pub fn answers_with(&self, member: &str) -> Option<bool> {
        let member = self.pool()?.members.iter().find(|status| status.name == member)?;
        Some(member.addresses.iter().all(|address| address.answered))
    }
}
