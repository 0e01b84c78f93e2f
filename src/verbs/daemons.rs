//! Where the daemons are: named by `--socket`, or the running demo's, or on an admin machine the fleet's, or this host's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::output::complain;
use super::reach::{FleetArg, HostGate, Reach, Reports, locate};
use super::{Common, demo_file};
use crate::api;
use crate::api::client::{Client, ClientError};
use crate::api::daemon::Daemon;
use crate::api::status::Status;
use crate::push::admin::known_fleet;

/// A daemon that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
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
    /// Its host was not reached, and why: the daemon need not be asked.
    #[serde(skip)]
    pub silent: Option<String>,
    /// Whose daemon it must be, where somebody else could answer.
    #[serde(skip)]
    pub users: Option<Vec<u32>>,
}

/// How long a daemon may take to say how it is.
const PROMPT: Duration = Duration::from_secs(5);

impl Located {
    /// The daemon at a socket of this machine, of which nothing else is known.
    pub fn at(socket: &Path) -> Located {
        Located { name: None, role: None, socket: socket.to_owned(), gate: None, silent: None, users: None }
    }

    /// What to call it: its name, or its socket.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.socket.display().to_string())
    }

    /// Asks it for a path.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        match (&self.silent, &self.gate) {
            (Some(why), _) => Err(ClientError::Unreachable(why.clone())),
            (None, Some(gate)) => gate.get(path, PROMPT).await,
            (None, None) => self.client(PROMPT).get(path).await,
        }
    }

    /// Tells it something, which may take so long.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn post(&self, path: &str, body: &Value, timeout: Duration) -> Result<Value, ClientError> {
        match (&self.silent, &self.gate) {
            (Some(why), _) => Err(ClientError::Unreachable(why.clone())),
            (None, Some(gate)) => gate.post(path, body, timeout).await,
            (None, None) => self.client(timeout).post(path, body).await,
        }
    }

    fn client(&self, timeout: Duration) -> Client {
        Client { timeout, users: self.users.clone(), ..Client::new(&self.socket) }
    }
}

/// A daemon and its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where it is.
    pub located: Located,
    /// Its status, or why there is none.
    pub answer: Result<Status, String>,
}

impl Asked {
    /// Its status, if it answered.
    pub fn status(&self) -> Option<&Status> {
        self.answer.as_ref().ok()
    }

    /// Its own name if it answered, else what we call it.
    pub fn name(&self) -> String {
        self.status().map_or_else(|| self.located.label(), |status| status.daemon().name.clone())
    }

    /// What it is, where that is known.
    pub fn role(&self) -> Option<Daemon> {
        self.status().map(|status| status.daemon().role).or(self.located.role)
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

/// The daemons to speak to, and the fleet that they are of.
pub struct Found {
    /// They.
    pub daemons: Vec<Located>,
    /// On an admin machine: the fleet.
    pub fleet: Option<FoundFleet>,
}

/// The fleet as it was reached.
pub struct FoundFleet {
    /// It.
    pub reach: Reach,
    /// What its hosts say of themselves.
    pub reports: Reports,
}

/// Which hosts of a fleet are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Those with daemons.
    WithDaemons,
    /// All.
    All,
}

/// The daemons to speak to: those of the sockets that were named, or the running demo's, or the fleet's, or this host's. On a
/// host of a fleet the demo's only if it is asked for: what stands in a temporary folder must not get between an operator and
/// a fleet. The error says what was looked for.
pub fn find(common: &Common, fleet: &FleetArg, hosts: Hosts) -> Result<Found, String> {
    let only = |daemons| Ok(Found { daemons, fleet: None });
    if !common.sockets.is_empty() && !common.demo {
        return only(common.sockets.iter().map(|socket| Located::at(socket)).collect());
    }
    let admin = if fleet.file.is_some() {
        Some(known_fleet::this_admin().map_err(|error| error.to_string())?)
    } else {
        known_fleet::admin().map_err(|error| error.to_string())?
    };
    // Who names a fleet does not mean the demo.
    let demo_counts = common.demo || (fleet.file.is_none() && admin.is_none() && !is_of_a_fleet(Path::new(DOCUMENTS)));
    let place = demo_file::place();
    if demo_counts && let Some(demo) = demo_file::read(&place)? {
        return only(demo.daemons);
    }
    if common.demo {
        return Err(format!("no demo is running ({} is not there); start one with `polder demo`", place.display()));
    }
    let here: Vec<Located> = Daemon::ALL
        .iter()
        .map(|role| Path::new(role.host_socket()))
        .filter(|socket| socket.exists())
        .map(Located::at)
        .collect();
    if let Some(admin) = admin {
        match Reach::of(admin, fleet) {
            Ok(reach) => return whole_fleet(reach, hosts),
            Err(why) if here.is_empty() || fleet.file.is_some() => return Err(why.to_string()),
            Err(why) => complain(&format!("{why}; until then, this is of this host only")),
        }
    }
    if here.is_empty() {
        let demo = match demo_counts {
            true => format!("no demo is running ({} is not there)", place.display()),
            false => "the demo is not asked on a host of a fleet (--demo asks it)".to_owned(),
        };
        return Err(format!(
            "no daemon found: {demo}, this is no admin machine, and neither {} nor {} exists; start `polder demo`, or name an admin socket with --socket",
            Daemon::Proxy.host_socket(),
            Daemon::Nameserver.host_socket()
        ));
    }
    only(here)
}

/// Where the documents of a host's daemons and of an admin machine are.
const DOCUMENTS: &str = "/etc/polder";

/// Whether this machine has a part in a fleet.
fn is_of_a_fleet(documents: &Path) -> bool {
    let is_document = |file: PathBuf| file.extension().is_some_and(|extension| extension == "json");
    std::fs::read_dir(documents).is_ok_and(|files| files.flatten().any(|file| is_document(file.path())))
}

fn whole_fleet(reach: Reach, hosts: Hosts) -> Result<Found, String> {
    let has_daemons = |name: &String| {
        let host = &reach.fleet.hosts[name];
        host.is(crate::fleet::Role::Proxy) || host.is(crate::fleet::Role::Nameserver)
    };
    let mut asked = reach.hosts(&[]).map_err(|error| error.to_string())?;
    asked.retain(|host| hosts == Hosts::All || has_daemons(host));
    let reports = reach.reports(&asked);
    let daemons = locate(&reach.remotes, &reach.fleet, &reach.admin.name, &reports);
    Ok(Found { daemons, fleet: Some(FoundFleet { reach, reports }) })
}

/// Asks every daemon for its status, all at once; the answers in the order of `daemons`.
pub async fn ask_all(daemons: &[Located]) -> Vec<Asked> {
    let asking: Vec<_> = daemons.iter().cloned().map(|located| tokio::spawn(ask(located))).collect();
    let mut asked = Vec::with_capacity(asking.len());
    for one in asking {
        if let Ok(one) = one.await {
            asked.push(one);
        }
    }
    asked
}

async fn ask(located: Located) -> Asked {
    let answer = match located.get("/status").await {
        Ok(value) => understand(value),
        Err(ClientError::Unreachable(why)) => Err(why),
        Err(ClientError::Refused { status, message }) => Err(format!("it answered {status}: {message}")),
    };
    Asked { located, answer }
}

fn understand(value: Value) -> Result<Status, String> {
    if value["role"].is_null() {
        return Err("it is no polder daemon: its status has no role".to_owned());
    }
    Status::from_json(value).map_err(|error| format!("its status is of another version of polder: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
