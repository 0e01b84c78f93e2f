//! Every daemon's status, asked for side by side.

use std::fmt;

use serde_json::Value;

use super::endpoint::Endpoint;
use crate::api;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;
use crate::api::status::Status;

/// A daemon and its status.
#[derive(Debug)]
pub struct DaemonReply {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its status, or why there is none.
    pub answer: Result<Status, StatusError>,
}

impl DaemonReply {
    /// Its status, if it answered.
    pub fn status(&self) -> Option<&Status> {
        self.answer.as_ref().ok()
    }

    /// Its own name if it answered, else what we call it.
    pub fn name(&self) -> String {
        self.status().map_or_else(|| self.endpoint.label(), |status| status.daemon().name.clone())
    }

    /// What it is, where that is known.
    pub fn role(&self) -> Option<Daemon> {
        self.status().map(|status| status.daemon().role).or(self.endpoint.role)
    }

    /// A proxy's status.
    pub fn proxy(&self) -> Option<&api::proxy::Status> {
        self.status()?.proxy()
    }

    /// A nameserver's status.
    pub fn nameserver(&self) -> Option<&api::dns::Status> {
        self.status()?.nameserver()
    }
}

/// Why a daemon's status is not known.
#[derive(Debug)]
pub enum StatusError {
    /// It was not reached, or it refused.
    Client(ClientError),
    /// The answer is not that of a polder daemon.
    NoRole,
    /// The answer is that of another version.
    OtherVersion(serde_json::Error),
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatusError::Client(ClientError::Refused { status, message }) => {
                write!(f, "it answered {status}: {message}")
            }
            StatusError::Client(error) => error.fmt(f),
            StatusError::NoRole => f.write_str("it is no polder daemon: its status has no role"),
            StatusError::OtherVersion(error) => write!(f, "its status is of another version of polder: {error}"),
        }
    }
}

impl std::error::Error for StatusError {}

/// Asks every daemon for its status, all at once; the answers in the order of `daemons`.
pub async fn ask_all(daemons: &[Endpoint]) -> Vec<DaemonReply> {
    let asking: Vec<_> = daemons.iter().cloned().map(|endpoint| tokio::spawn(ask(endpoint))).collect();
    let mut asked = Vec::with_capacity(asking.len());
    for one in asking {
        if let Ok(one) = one.await {
            asked.push(one);
        }
    }
    asked
}

async fn ask(endpoint: Endpoint) -> DaemonReply {
    let answer = endpoint.get("/status").await.map_err(StatusError::Client).and_then(from_json);
    DaemonReply { endpoint, answer }
}

fn from_json(value: Value) -> Result<Status, StatusError> {
    if value["role"].is_null() {
        return Err(StatusError::NoRole);
    }
    Status::from_json(value).map_err(StatusError::OtherVersion)
}

#[cfg(test)]
mod tests;
