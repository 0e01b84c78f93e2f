//! A small service manager for the daemons of a demo fleet.
//!
//! It does for each daemon what systemd does for its unit: awaits READY, follows MAINPID, keeps the descriptors the
//! daemon asks it to keep and passes them back when it starts the daemon again. Must never: sleep for a start that it
//! could await, or know what a daemon serves. Called by [`super::fleet`].

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::notify::{NotifySocket, Store};
use super::process::Process;
use super::{Error, Programs};
use crate::api::client::{Client, ClientError};
use crate::api::daemon::Daemon;
use crate::daemon::launch;

/// How long a daemon may take from its start to READY.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a daemon may take from SIGTERM to its end, before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(4);
/// How much of a daemon's log an error shows.
const LOG_LINES: usize = 12;

/// One supervised daemon.
pub struct Supervised {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub role: Daemon,
    program: PathBuf,
    launcher: PathBuf,
    config: PathBuf,
    folder: PathBuf,
    store: Rc<RefCell<Store>>,
    /// The process that said READY last.
    ready: watch::Receiver<Option<i32>>,
    listening: JoinHandle<()>,
    /// The main process and those that drain beside it.
    processes: Vec<Process>,
}

impl Supervised {
    /// Prepares one in its folder; nothing runs yet. Must be called within a `LocalSet`.
    pub fn new(name: &str, role: Daemon, programs: &Programs, folder: &Path, config: &Path) -> io::Result<Supervised> {
        let notify = NotifySocket::bind(&folder.join("notify.sock"))?;
        let store = Rc::new(RefCell::new(Store::default()));
        let (sender, ready) = watch::channel(None);
        let listening = tokio::task::spawn_local(listen(notify, Rc::clone(&store), sender));
        Ok(Supervised {
            name: name.to_owned(),
            role,
            program: match role {
                Daemon::Proxy => programs.proxy.clone(),
                Daemon::Nameserver => programs.dns.clone(),
            },
            launcher: programs.polder.clone(),
            config: config.to_owned(),
            folder: folder.to_owned(),
            store,
            ready,
            listening,
            processes: Vec::new(),
        })
    }

    /// Its admin socket.
    pub fn admin_socket(&self) -> PathBuf {
        self.folder.join("admin.sock")
    }

    /// Its document.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A client of its admin API.
    pub fn client(&self) -> Client {
        Client::new(&self.admin_socket())
    }

    /// Asks it to read its document again; says what it did.
    pub async fn reload(&self) -> Result<String, ClientError> {
        let done = self.client().post("/reload", &json!({})).await?;
        Ok(done["done"].as_str().unwrap_or("reloaded").to_owned())
    }

    /// Its processes that have not ended, the main one last.
    pub fn running(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| process.ending().is_none())
    }

    /// Starts it with the descriptors that were kept, and returns when it says READY.
    pub async fn start(&mut self) -> Result<(), Error> {
        self.spawn(&[]).await
    }

    /// Starts a new process that takes over from the running one, and returns when the new one says READY.
    pub async fn take_over(&mut self) -> Result<(), Error> {
        self.spawn(&["--takeover"]).await
    }

    async fn spawn(&mut self, arguments: &[&str]) -> Result<(), Error> {
        self.processes.retain(|process| process.ending().is_none());
        let command = self.command(arguments).map_err(|error| self.error(&format!("cannot be started: {error}")))?;
        let (process, ..) = Process::start(command)?;
        let pid = process.pid();
        self.processes.push(process);
        let process = self.processes.last().ok_or_else(|| self.error("has no process"))?;
        let mut readiness = self.ready.clone();
        let outcome = tokio::select! {
            how = process.ended() => Err(format!("{how} before it was ready")),
            ready = readiness.wait_for(|ready| *ready == Some(pid)) => ready.map(|_| ()).map_err(|_| "is gone".to_owned()),
            () = tokio::time::sleep(START_LIMIT) => Err(format!("was not ready within {START_LIMIT:?}")),
        };
        outcome.map_err(|what| self.error(&what))
    }

    fn command(&self, arguments: &[&str]) -> io::Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = launch::command(&self.launcher, &self.program);
        command.arg("--config").arg(&self.config).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.env("NOTIFY_SOCKET", self.folder.join("notify.sock"));
        let kept = if arguments.is_empty() { self.store.borrow().copies()? } else { Vec::new() };
        if !kept.is_empty() {
            let (names, descriptors): (Vec<String>, Vec<_>) = kept.into_iter().unzip();
            launch::pass(&mut command, descriptors)?;
            command.env("LISTEN_FDNAMES", names.join(":"));
        }
        Ok(command)
    }

    /// Ends it at once (SIGKILL), as a crash would; what was kept stays kept.
    pub async fn crash(&mut self) {
        for process in &self.processes {
            process.kill().await;
        }
        self.processes.clear();
    }

    /// Ends it at once and forgets what was kept: its whole host is gone.
    pub async fn lose(&mut self) {
        self.crash().await;
        self.store.borrow_mut().clear();
    }

    /// Stops it without ending it (SIGSTOP), or lets it go on.
    pub async fn freeze(&self, frozen: bool) {
        for process in self.running() {
            process.signal(if frozen { Signal::SIGSTOP } else { Signal::SIGCONT }).await;
        }
    }

    /// Asks it to stop as an operator does (SIGTERM), even where it is frozen.
    pub async fn ask_to_stop(&self) {
        for process in self.running() {
            process.signal(Signal::SIGTERM).await;
            process.signal(Signal::SIGCONT).await;
        }
    }

    /// Stops it, with a limit; what was kept is forgotten, as systemd does at a stop.
    pub async fn stop(&mut self) {
        self.ask_to_stop().await;
        let all_ended = async {
            for process in &self.processes {
                process.ended().await;
            }
        };
        let _ = tokio::time::timeout(STOP_LIMIT, all_ended).await;
        self.lose().await;
    }

    /// An error of this daemon with the end of its log.
    fn error(&self, what: &str) -> Error {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        Error::part(&self.name, what, &tail)
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(notify: NotifySocket, store: Rc<RefCell<Store>>, sender: watch::Sender<Option<i32>>) {
    while let Ok(message) = notify.receive().await {
        if message.notification.ready && message.notification.main_pid.is_some() {
            sender.send_replace(message.notification.main_pid);
        }
        store.borrow_mut().apply(message);
    }
}
