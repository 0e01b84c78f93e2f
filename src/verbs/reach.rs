//! The fleet as this admin machine reaches it: every host's gate over ssh, and through it the daemons' admin sockets.
//!
//! Owns the sockets in a private folder behind which the daemons of other hosts are, for the time of one verb. Called by the verbs.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::daemons::{Located, Role};
use crate::fleet::{self, Fleet};
use crate::push::admin::Admin;
use crate::push::known_fleet;
use crate::push::locking::{Gates, ask_all, otherwise};
use crate::push::protocol::{Answer, Daemon, Report, Request};
use crate::push::remote::Remotes;

/// How long a host may take to say how it is: a little longer than ssh waits for one that is dead.
const LIMIT: Duration = Duration::from_secs(6);

/// How long connections may take to end when the verb is done.
const ENDING: Duration = Duration::from_secs(1);

/// Which fleet.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FleetArg {
    /// On an admin machine: the fleet in this file, instead of the one that was evaluated last
    #[arg(long = "fleet", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// The fleet, and this machine in it.
#[derive(Debug, Clone)]
pub struct Reach {
    /// This admin machine.
    pub admin: Admin,
    /// As it was evaluated last.
    pub fleet: Arc<Fleet>,
    /// Every gate.
    pub remotes: Arc<Remotes>,
}

/// What each host said of itself, or why it did not.
pub type Reports = BTreeMap<String, Result<Report, String>>;

impl Reach {
    /// From this admin machine.
    ///
    /// # Errors
    ///
    /// This is none, or the fleet is not known here.
    pub fn new(named: &FleetArg) -> Result<Reach, String> {
        Reach::of(known_fleet::this_admin()?, named)
    }

    /// From an admin machine.
    ///
    /// # Errors
    ///
    /// The fleet is not known here.
    pub fn of(admin: Admin, named: &FleetArg) -> Result<Reach, String> {
        let fleet = match &named.file {
            Some(file) => fleet::load(file).map_err(|findings| findings.to_string())?,
            None => known_fleet::load(&admin)?,
        };
        let remotes =
            Remotes::new(&fleet, &admin).map_err(|error| format!("connections cannot be prepared: {error}"))?;
        Ok(Reach { admin, fleet: Arc::new(fleet), remotes: Arc::new(remotes) })
    }

    /// All hosts but those that are skipped, in order of names.
    ///
    /// # Errors
    ///
    /// There is no such host to skip.
    pub fn hosts(&self, skipped: &[String]) -> Result<Vec<String>, String> {
        if let Some(unknown) = skipped.iter().find(|host| !self.fleet.hosts.contains_key(*host)) {
            let known: Vec<&str> = self.fleet.hosts.keys().map(String::as_str).collect();
            return Err(format!("there is no host {unknown:?} to skip; there are {}", known.join(", ")));
        }
        Ok(self.fleet.hosts.keys().filter(|host| !skipped.contains(host)).cloned().collect())
    }

    /// Asks hosts how they are, all at once.
    pub fn reports(&self, hosts: &[String]) -> Reports {
        reports(&*self.remotes, hosts)
    }
}

fn reports<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Reports {
    let answers = ask_all(gates, hosts, &Request::Report, LIMIT).into_iter().map(|answer| match answer {
        Ok(Answer::Report(report)) => Ok(*report),
        other => Err(otherwise(other)),
    });
    hosts.iter().cloned().zip(answers).collect()
}

/// The daemons of a fleet, as far as their hosts are reached, for as long as this is kept.
pub struct Tunnels {
    /// Private: who can open these sockets speaks for the operator.
    kept: TempDir,
    listeners: Vec<(PathBuf, JoinHandle<()>)>,
    ending: Arc<AtomicBool>,
    /// Disconnected when the last connection has ended.
    ended: Receiver<()>,
    open: Option<Sender<()>>,
}

impl Tunnels {
    /// A socket for every daemon of every host that has reported; the others are located as silent. A daemon of this
    /// very machine is located by its own socket.
    ///
    /// # Errors
    ///
    /// No temporary folder, or no socket in it.
    pub fn open<G: Gates + 'static>(
        gates: &Arc<G>,
        fleet: &Fleet,
        here: &str,
        reports: &Reports,
    ) -> io::Result<(Tunnels, Vec<Located>)> {
        let kept = tempfile::Builder::new().prefix("polder-").tempdir()?;
        let (open, ended) = mpsc::channel();
        let mut tunnels =
            Tunnels { kept, listeners: Vec::new(), ending: Arc::new(AtomicBool::new(false)), ended, open: Some(open) };
        let mut located = Vec::new();
        for (host, role) in daemons(fleet) {
            let (name, own) = (Some(host.clone()), Path::new(role.host_socket()));
            let silent = |why: &str| Some(format!("not reached: {why}"));
            located.push(match reports.get(host) {
                _ if host == here && own.exists() => {
                    Located { name, role: Some(role), socket: own.to_owned(), silent: None, users: None }
                }
                Some(Ok(_)) => {
                    let socket = tunnels.listen(Arc::clone(gates) as Arc<dyn Gates>, host, role)?;
                    Located { name, role: Some(role), socket, silent: None, users: None }
                }
                Some(Err(why)) => {
                    Located { name, role: Some(role), socket: PathBuf::new(), silent: silent(why), users: None }
                }
                None => Located {
                    name,
                    role: Some(role),
                    socket: PathBuf::new(),
                    silent: silent("it was not asked"),
                    users: None,
                },
            });
        }
        Ok((tunnels, located))
    }

    fn listen(&mut self, gates: Arc<dyn Gates>, host: &str, role: Role) -> io::Result<PathBuf> {
        let socket = self.kept.path().join(format!("{}.sock", self.listeners.len()));
        let listener = UnixListener::bind(&socket)?;
        let (host, ending, open) = (host.to_owned(), Arc::clone(&self.ending), self.open.clone());
        let serve = move || {
            for stream in listener.incoming() {
                if ending.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (gates, host, open) = (Arc::clone(&gates), host.clone(), open.clone());
                std::thread::spawn(move || {
                    // Whoever asked sees that the stream has ended.
                    let _ = gates.relay(&host, role.daemon(), stream);
                    drop(gates);
                    drop(open);
                });
            }
        };
        self.listeners.push((socket.clone(), std::thread::spawn(serve)));
        Ok(socket)
    }
}

impl Drop for Tunnels {
    /// Waits for the threads, so that what they hold (ssh's own connections and files) goes before the program does.
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        for (socket, thread) in std::mem::take(&mut self.listeners) {
            if UnixStream::connect(socket).is_ok() {
                let _ = thread.join();
            }
        }
        self.open = None;
        let until = Instant::now() + ENDING;
        while self.ended.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

/// Every daemon of the fleet.
fn daemons(fleet: &Fleet) -> impl Iterator<Item = (&String, Role)> {
    fleet.hosts.iter().flat_map(|(name, host)| {
        let roles = [(fleet::Role::Proxy, Role::Proxy), (fleet::Role::Nameserver, Role::Nameserver)];
        roles.into_iter().filter(|(its, _)| host.is(*its)).map(move |(_, role)| (name, role))
    })
}

impl Role {
    /// As a gate calls it.
    pub fn daemon(self) -> Daemon {
        match self {
            Role::Proxy => Daemon::PolderProxy,
            Role::Nameserver => Daemon::PolderDns,
        }
    }

    /// Its admin socket on its host.
    pub fn host_socket(self) -> &'static str {
        match self {
            Role::Proxy => "/run/polder-proxy/admin.sock",
            Role::Nameserver => "/run/polder-dns/admin.sock",
        }
    }
}

#[cfg(test)]
#[path = "reach_tests.rs"]
mod tests;
