//! Every daemon's status, asked for side by side.

use std::time::Duration;

use serde_json::Value;

use super::endpoint::Endpoint;
use super::waiting;
use crate::api;
use crate::api::client::ClientError;
use crate::api::daemon::Daemon;
use crate::api::status::Status;
use crate::config::duration;
use crate::push::error::Error;

/// A daemon and its status.
#[derive(Debug)]
pub struct DaemonReply {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its status, or why there is none.
    pub answer: Result<Status, Error>,
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

/// Asks every daemon for its status, all at once; the answers in the order of `daemons`.
pub async fn ask_all(daemons: &[Endpoint]) -> Vec<DaemonReply> {
    waiting::all(daemons.iter().map(|daemon| (daemon.label(), ask(daemon.clone())))).await
}

/// Runs all at once, each a task of its own; the results in the order of `futures`.
pub(super) async fn all_in_order<F>(futures: impl Iterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = futures.map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(running.len());
    for one in running {
        results.extend(one.await);
    }
    results
}

async fn ask(endpoint: Endpoint) -> DaemonReply {
    let answer = endpoint.get("/status").await.map_err(|error| match error {
        ClientError::Refused { status, message } => Error::new(format!("it answered {status}: {message}")),
        ClientError::Late { limit, .. } => silent(limit),
        unreachable => Error::new(unreachable),
    });
    DaemonReply { endpoint, answer: answer.and_then(from_json) }
}

/// Stands after "px-1 does not answer: ".
fn silent(limit: Duration) -> Error {
    let limit = duration::format(limit);
    Error::new(format!(
        "nothing came within {limit}: its process is frozen, or its machine overloaded. Look there at its log and at \
         `systemctl status`; --timeout 5s waits longer, for slow links"
    ))
}

fn from_json(value: Value) -> Result<Status, Error> {
    if value["role"].is_null() {
        return Err(Error::new("it is no polder daemon: its status has no role"));
    }
    Status::from_json(value).map_err(|error| Error::new(format!("its status is of another version of polder: {error}")))
}

#[cfg(test)]
mod tests;
