//! One backend of the fleet as the demo sees it: a process that can be killed, frozen and told how to behave.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::ChildStdin;

use super::Error;
use super::backend::{self, LISTENING};
use super::process::Process;

/// How long a backend may take from its start to its first accept.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A backend's process, or the place where one was.
pub struct Webserver {
    /// Its name.
    pub name: String,
    address: SocketAddr,
    check_ports: Vec<u16>,
    program: PathBuf,
    log: PathBuf,
    running: Option<Running>,
}

struct Running {
    process: Process,
    input: ChildStdin,
}

impl Webserver {
    /// Describes one; nothing runs yet.
    pub fn new(name: String, address: SocketAddr, check_ports: Vec<u16>, program: &Path, log: PathBuf) -> Webserver {
        Webserver { name, address, check_ports, program: program.to_owned(), log, running: None }
    }

    /// Where it accepts requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it and returns when it listens.
    pub async fn start(&mut self) -> Result<(), Error> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.arg("backend").args(["--listen", &self.address.to_string(), "--name", &self.name]);
        for port in &self.check_ports {
            command.args(["--check-port", &port.to_string()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let (process, Some(input), Some(output)) = Process::start(command)? else {
            return Err(self.error("has no pipes"));
        };
        let mut lines = BufReader::new(output).lines();
        match tokio::time::timeout(START_LIMIT, lines.next_line()).await {
            Ok(Ok(Some(line))) if line == LISTENING => {}
            _ => {
                process.kill().await;
                return Err(self.error("did not start"));
            }
        }
        self.running = Some(Running { process, input });
        Ok(())
    }

    fn error(&self, what: &str) -> Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Error::part(&self.name, what, log.trim())
    }

    /// Whether its process is there, frozen or not.
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.process.ending().is_none())
    }

    /// Kills it and waits for its end.
    pub async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.process.kill().await;
        }
    }

    /// Stops it without ending it, or lets it go on.
    pub async fn freeze(&self, frozen: bool) {
        if let Some(running) = &self.running {
            running.process.signal(if frozen { Signal::SIGSTOP } else { Signal::SIGCONT }).await;
        }
    }

    /// Sends it a command.
    pub async fn send(&mut self, command: backend::Command) -> Result<(), Error> {
        let Some(running) = &mut self.running else { return Err(killed(&self.name)) };
        let sent = running.input.write_all(format!("{}\n", json!(command)).as_bytes()).await;
        sent.map_err(Error::io(format!("{} does not take the command {command:?}", self.name)))
    }
}

/// The error for what only a running part can do.
pub(super) fn killed(name: &str) -> Error {
    Error::new(format!("{name} is killed: mend it first"))
}
