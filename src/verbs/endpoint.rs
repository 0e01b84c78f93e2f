//! Where a daemon can be reached: at an admin socket of this machine, or through the gate of its host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::host_gate::HostGate;
use crate::api::client::{Client, ClientError};
use crate::api::daemon::Daemon;

/// A daemon, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name in the fleet, where known beforehand.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is, where known beforehand.
    #[serde(default)]
    pub role: Option<Daemon>,
    /// Its admin socket.
    pub socket: PathBuf,
    /// It is asked through its host's gate, and not by a socket of this machine.
    #[serde(skip)]
    pub gate: Option<HostGate>,
    /// Why its host was not reached, if so: the daemon need not be asked.
    #[serde(skip)]
    pub unreachable: Option<String>,
    /// Whose daemon it must be, where somebody else could answer.
    #[serde(skip)]
    pub users: Option<Vec<u32>>,
    /// How long it may take to say how it is.
    #[serde(skip, default = "prompt")]
    pub limit: Duration,
}

/// How long a daemon may take to say how it is, unless the operator says otherwise (`--timeout`): it answers from memory.
pub const PROMPT: Duration = Duration::from_secs(1);

/// The same of one behind the gate of another host: an SSH session has to begin first.
pub const PROMPT_OF_A_GATE: Duration = Duration::from_secs(5);

fn prompt() -> Duration {
    PROMPT
}

impl Endpoint {
    /// The daemon at a socket of this machine, of which nothing else is known.
    pub fn at(socket: &Path) -> Endpoint {
        Endpoint {
            name: None,
            role: None,
            socket: socket.to_owned(),
            gate: None,
            unreachable: None,
            users: None,
            limit: PROMPT,
        }
    }

    /// What to call it: its name, or its socket.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.socket.display().to_string())
    }

    /// GET of a path.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        match (&self.unreachable, &self.gate) {
            (Some(why), _) => Err(ClientError::Unreachable(why.clone())),
            (None, Some(gate)) => gate.get(path, self.limit).await,
            (None, None) => self.client(self.limit).get(path).await,
        }
    }

    /// POST of a body; the answer may take as long as `timeout`.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn post(&self, path: &str, body: &Value, timeout: Duration) -> Result<Value, ClientError> {
        match (&self.unreachable, &self.gate) {
            (Some(why), _) => Err(ClientError::Unreachable(why.clone())),
            (None, Some(gate)) => gate.post(path, body, timeout).await,
            (None, None) => self.client(timeout).post(path, body).await,
        }
    }

    fn client(&self, timeout: Duration) -> Client {
        Client { timeout, users: self.users.clone(), ..Client::new(&self.socket) }
    }
}
