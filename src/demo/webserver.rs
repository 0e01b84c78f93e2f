//! One backend of the fleet as the demo sees it: a process that can be killed, frozen and told how to behave.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
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
    orders: ChildStdin,
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
        let (process, pipes) = Process::start(command)?;
        let (Some(orders), Some(words)) = (pipes.stdin, pipes.stdout) else {
            return Err(Error(format!("{} has no pipes", self.name)));
        };
        let mut words = BufReader::new(words).lines();
        match tokio::time::timeout(START_LIMIT, words.next_line()).await {
            Ok(Ok(Some(word))) if word == LISTENING => {}
            _ => {
                process.kill().await;
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(Error(format!("{} did not start: {}", self.name, log.trim())));
            }
        }
        self.running = Some(Running { process, orders });
        Ok(())
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

    /// Tells it how to behave.
    pub async fn tell(&mut self, command: backend::Command) -> Result<(), Error> {
        let name = &self.name;
        let running = self.running.as_mut().ok_or_else(|| Error(format!("{name} is not running")))?;
        running
            .orders
            .write_all(format!("{command}\n").as_bytes())
            .await
            .map_err(|error| Error(format!("{name} cannot be told {command}: {error}")))
    }
}
