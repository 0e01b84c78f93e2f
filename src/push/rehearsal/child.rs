//! One daemon of a rehearsal: its folder, its loopback ports, its process.
//!
//! The ports are bound here and passed to the daemon, so that they are known and cannot be taken by others. The process is killed
//! when this is dropped, and by the kernel when this process ends ([`launch`]).

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::documents::Substitutes;
use super::setup::{Failure, Setup};
use crate::api::client::Client;
use crate::api::daemon::Daemon;
use crate::api::operator::OperatorState;
use crate::daemon::launch;
use crate::daemon::sockets::Sockets;
use crate::push::error::Error;
use crate::push::keys;
use crate::push::program::last_lines;

/// The pause between two looks at a starting daemon.
const LOOK: Duration = Duration::from_millis(50);

/// How many ports are tried that are free for TCP but not for UDP.
const TRIES: usize = 32;

/// How many lines of a daemon's errors are reported.
const LINES: usize = 12;

/// The operator's name for what is copied from the running daemon.
pub(super) const WHO: &str = "polder rehearse";

/// What a daemon listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serves {
    /// TCP.
    Visitors,
    /// UDP and TCP.
    Resolvers,
}

/// A folder and ports for a daemon that is not started yet.
#[derive(Debug)]
pub(super) struct Workspace {
    folder: TempDir,
    /// A key file that was made for this rehearsal.
    key: PathBuf,
    listeners: Vec<SocketAddr>,
    sockets: Sockets,
}

/// A running daemon.
#[derive(Debug)]
pub(super) struct Child {
    /// Its admin API.
    pub(super) client: Client,
    /// Where it listens.
    pub(super) listeners: Vec<SocketAddr>,
    process: tokio::process::Child,
    folder: TempDir,
}

impl Workspace {
    /// A workspace with `count` listeners.
    pub(super) fn new(count: usize, serves: Serves) -> Result<Workspace, Failure> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::Failed(Error::new(format!("no folder to work in: {error}"))))?;
        let in_folder = |error| Failure::Failed(Error::at(folder.path().display(), error));
        fs::create_dir(folder.path().join("state")).map_err(in_folder)?;
        let key = folder.path().join("key");
        let fresh = keys::make().map_err(Failure::Failed)?;
        fs::write(&key, format!("{}\n", fresh.0)).map_err(in_folder)?;
        let mut sockets = Sockets::default();
        let listeners: Result<_, Failure> = (0..count).map(|_| bind(&mut sockets, serves)).collect();
        Ok(Workspace { folder, key, listeners: listeners?, sockets })
    }

    /// What the daemon uses in place of the document's own files, key and listeners.
    pub(super) fn substitutes<'a>(&'a self, setup: &Setup<'a>) -> Substitutes<'a> {
        Substitutes { system: setup.system, folder: self.folder.path(), key: &self.key, listeners: &self.listeners }
    }

    /// Starts the system's program with this document, and waits until it serves, which `ready` decides by its status.
    pub(super) async fn start(
        self,
        setup: &Setup<'_>,
        daemon: Daemon,
        document: &Value,
        ready: fn(&Value) -> bool,
        limit: Duration,
    ) -> Result<Child, Failure> {
        let Workspace { folder, listeners, sockets, .. } = self;
        let path = setup.system.join("etc/polder/bin").join(daemon.program());
        if !path.exists() {
            return Err(Failure::Worse(format!("the system has its document, and no program {}", path.display())));
        }
        let config = folder.path().join("document.json");
        let could_not = |error: std::io::Error| Failure::Failed(Error::new(format!("it was not started: {error}")));
        fs::write(&config, format!("{document:#}\n")).map_err(could_not)?;
        let mut command = launch::command(setup.polder, path);
        command.arg("--config").arg(&config).env("POLDER_LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(stderr_file(&folder)).map_err(could_not)?);
        launch::pass(&mut command, sockets.handover().map_err(could_not)?).map_err(could_not)?;
        let process = Command::from(command).kill_on_drop(true).spawn().map_err(could_not)?;
        let client = Client::new(&folder.path().join("admin.sock"));
        let mut child = Child { client, listeners, process, folder };
        child.wait_until(ready, limit).await?;
        Ok(child)
    }
}

/// A free loopback port, the same for both transports.
fn bind(sockets: &mut Sockets, serves: Serves) -> Result<SocketAddr, Failure> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut why = "the kernel gives none".to_owned();
    for _ in 0..TRIES {
        let bound = sockets.tcp(any, 1).map_err(|error| error.message).and_then(|bound| {
            let at =
                bound.first().map(std::net::TcpListener::local_addr).transpose().map_err(|error| error.to_string());
            let at = at?.ok_or("the kernel gives none")?;
            if serves == Serves::Resolvers {
                sockets.udp(at, 1).map_err(|error| error.message)?;
            }
            Ok(at)
        });
        match bound {
            Ok(at) => {
                return Ok(at);
            }
            Err(error) => why = error,
        }
    }
    Err(Failure::Failed(Error::new(format!("no free port on loopback: {why}"))))
}

fn stderr_file(folder: &TempDir) -> PathBuf {
    folder.path().join("stderr")
}

impl Child {
    async fn wait_until(&mut self, ready: fn(&Value) -> bool, limit: Duration) -> Result<(), Failure> {
        let until = Instant::now() + limit;
        loop {
            if let Ok(status) = self.client.get("/status").await
                && ready(&status)
            {
                return Ok(());
            }
            tokio::select! {
                ended = self.process.wait() => {
                    let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return Err(Failure::Worse(format!("it does not start ({how}): {}", self.last_words())));
                }
                () = sleep(LOOK) => {}
            }
            if Instant::now() > until {
                let why = format!("it did not serve within {limit:?}: {}", self.last_words());
                self.end().await;
                return Err(Failure::Worse(why));
            }
        }
    }

    /// The end of its standard error.
    fn last_words(&self) -> String {
        let text = fs::read(stderr_file(&self.folder)).unwrap_or_default();
        let lines = last_lines(&String::from_utf8_lossy(&text), LINES);
        if lines.is_empty() { "without an error message".to_owned() } else { lines }
    }

    /// Its status, which it gave when it started.
    pub(super) async fn status<S: DeserializeOwned>(&self) -> Result<S, Failure> {
        status(&self.client).await.map_err(|why| Failure::Worse(format!("it no longer answers: {why}")))
    }

    /// Gives it an operator state that the running daemon has; a note says why it does not take it.
    pub(super) async fn set_state(&self, subject: &str, state: OperatorState) -> Option<String> {
        let command = json!({ "subject": subject, "state": state, "who": WHO, "force": true });
        let why = self.client.post("/operator", &command).await.err()?;
        Some(format!("{subject} is in {state}, and not in the rehearsal: {why}"))
    }

    /// Kills it and waits for its end.
    pub(super) async fn end(&mut self) {
        // Nothing of it outlives its folder. An error means that it has ended already.
        let _ = self.process.kill().await;
    }
}

/// A daemon's status.
pub(super) async fn status<S: DeserializeOwned>(client: &Client) -> Result<S, Error> {
    let status = client.get("/status").await.map_err(Error::new)?;
    serde_json::from_value(status).map_err(|error| Error::new(format!("its status is not understood: {error}")))
}
