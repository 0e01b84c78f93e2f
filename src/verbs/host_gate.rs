//! A daemon of another host, reached through that host's gate over ssh.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::api::client::{self, ClientError};
use crate::api::daemon::Daemon;
use crate::push::protocol::{Answer, Instruction, Question};
use crate::push::remote::gates::Gates;
use crate::push::remote::no_answer::{NoAnswer, unexpected};

/// A daemon behind its host's gate.
#[derive(Clone)]
pub struct HostGate {
    /// The host.
    pub(super) host: String,
    /// The daemon.
    pub(super) daemon: Daemon,
    /// The gates of all hosts.
    pub(super) gates: Arc<dyn Gates>,
}

impl PartialEq for HostGate {
    fn eq(&self, other: &HostGate) -> bool {
        (&self.host, self.daemon) == (&other.host, other.daemon)
    }
}

impl Eq for HostGate {}

impl std::fmt::Debug for HostGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostGate({} of {})", self.daemon.program(), self.host)
    }
}

impl HostGate {
    /// Asks the daemon for a path and its query.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn get(&self, target: &str, limit: Duration) -> Result<Value, ClientError> {
        let question = Question::Look { daemon: self.daemon, target: target.to_owned() };
        self.reply(move |gates, host| gates.ask(host, &question, limit)).await
    }

    /// Tells the daemon something.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn post(&self, target: &str, body: &Value, limit: Duration) -> Result<Value, ClientError> {
        let (target, body) = (target.to_owned(), body.to_string());
        let instruction = Instruction::Tell { daemon: self.daemon, target, body };
        self.reply(move |gates, host| gates.instruct(host, &instruction, limit)).await
    }

    /// ssh is waited for on a thread of its own.
    async fn reply(
        &self,
        ask: impl FnOnce(&dyn Gates, &str) -> Result<Answer, NoAnswer> + Send + 'static,
    ) -> Result<Value, ClientError> {
        let (gates, host) = (Arc::clone(&self.gates), self.host.clone());
        let answer = tokio::task::spawn_blocking(move || ask(&*gates, &host)).await;
        match answer.map_err(|error| ClientError::Unreachable(error.to_string()))? {
            Ok(Answer::Reply { status, body }) => client::answered(status, &body),
            other => Err(ClientError::Unreachable(unexpected(other).to_string())),
        }
    }
}
