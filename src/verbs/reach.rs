//! The fleet as this admin machine reaches it: every host's gate over ssh, and behind it the host's daemons. Called by the verbs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::FleetArg;
use super::endpoint::{Endpoint, PROMPT_OF_A_GATE};
use super::host_gate::HostGate;
use super::named::not_known;
use crate::api::daemon::Daemon;
use crate::fleet::{self, Fleet};
use crate::push::admin::Admin;
use crate::push::admin::known_fleet;
use crate::push::error::Error;
use crate::push::protocol::{Answer, Question, Report};
use crate::push::remote::Remotes;
use crate::push::remote::gates::{Gates, ask_all};
use crate::push::remote::no_answer::unexpected;

/// How long a host may take to say how it is: a little longer than ssh waits for one that is dead.
const LIMIT: Duration = Duration::from_secs(6);

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

/// The report of each host, or why there is none.
pub type Reports = BTreeMap<String, Result<Report, Error>>;

impl Reach {
    /// From this admin machine.
    ///
    /// # Errors
    ///
    /// This is none, or the fleet is not known here.
    pub fn new(named: &FleetArg) -> Result<Reach, Error> {
        Reach::of(known_fleet::this_admin()?, named)
    }

    /// From an admin machine.
    ///
    /// # Errors
    ///
    /// The fleet is not known here.
    pub fn of(admin: Admin, named: &FleetArg) -> Result<Reach, Error> {
        Reach::again(None, admin, named)
    }

    /// The same once more: as long as admin machine and fleet are the same, over the connections that are open.
    ///
    /// # Errors
    ///
    /// The fleet is not known here.
    pub fn again(known: Option<&Reach>, admin: Admin, named: &FleetArg) -> Result<Reach, Error> {
        let fleet = match &named.file {
            Some(file) => fleet::load(file).map_err(Error::new)?,
            None => known_fleet::load(&admin)?,
        };
        if let Some(known) = known.filter(|known| known.admin == admin && *known.fleet == fleet) {
            return Ok(known.clone());
        }
        let remotes = Remotes::new(&fleet, &admin)
            .map_err(|error| Error::new(format!("connections cannot be prepared: {error}")))?;
        Ok(Reach { admin, fleet: Arc::new(fleet), remotes: Arc::new(remotes) })
    }

    /// All hosts but those that are skipped, in order of names.
    ///
    /// # Errors
    ///
    /// There is no such host to skip.
    pub fn hosts(&self, skipped: &[String]) -> Result<Vec<String>, Error> {
        self.has("--skip", skipped)?;
        Ok(self.fleet.hosts.keys().filter(|host| !skipped.contains(host)).cloned().collect())
    }

    /// Whether all that an option names are hosts of the fleet.
    ///
    /// # Errors
    ///
    /// One is not.
    pub fn has(&self, option: &str, named: &[String]) -> Result<(), Error> {
        let Some(unknown) = named.iter().find(|host| !self.fleet.hosts.contains_key(*host)) else { return Ok(()) };
        let known: Vec<&str> = self.fleet.hosts.keys().map(String::as_str).collect();
        Err(Error::new(not_known(&format!("{option}: the fleet has no host"), unknown, &known)))
    }

    /// Asks hosts how they are, all at once.
    pub fn reports(&self, hosts: &[String]) -> Reports {
        reports(&*self.remotes, hosts)
    }
}

fn reports<G: Gates + ?Sized>(gates: &G, hosts: &[String]) -> Reports {
    let answers = ask_all(gates, hosts, &Question::Report, LIMIT).into_iter().map(|answer| match answer {
        Ok(Answer::Report(report)) => Ok(*report),
        other => Err(unexpected(other)),
    });
    hosts.iter().cloned().zip(answers).collect()
}

/// Every daemon of the fleet: one of this machine by its own socket, one whose host has reported through its gate, the others as
/// unreachable.
pub fn locate<G: Gates + 'static>(gates: &Arc<G>, fleet: &Fleet, here: &str, reports: &Reports) -> Vec<Endpoint> {
    let locate = |(host, role): (&String, Daemon)| match reports.get(host) {
        Some(Ok(_)) => endpoint(gates, here, host, role),
        _ if is_here(here, host, role) => endpoint(gates, here, host, role),
        Some(Err(why)) => {
            Endpoint { unreachable: Some(format!("not reached: {why}")), ..endpoint(gates, here, host, role) }
        }
        None => Endpoint {
            unreachable: Some("not reached: it was not asked".to_owned()),
            ..endpoint(gates, here, host, role)
        },
    };
    daemons(fleet).map(locate).collect()
}

/// Every daemon of the fleet, whether its host is reached or not: whoever asks it finds out.
pub fn locate_unasked<G: Gates + 'static>(gates: &Arc<G>, fleet: &Fleet, here: &str) -> Vec<Endpoint> {
    daemons(fleet).map(|(host, role)| endpoint(gates, here, host, role)).collect()
}

/// A daemon of this machine by its own socket, any other through its host's gate.
fn endpoint<G: Gates + 'static>(gates: &Arc<G>, here: &str, host: &str, role: Daemon) -> Endpoint {
    let own = Path::new(role.host_socket());
    let endpoint = Endpoint { name: Some(host.to_owned()), role: Some(role), ..Endpoint::at(own) };
    if is_here(here, host, role) {
        return endpoint;
    }
    let gates = Arc::clone(gates) as Arc<dyn Gates>;
    let gate = HostGate { host: host.to_owned(), daemon: role, gates };
    Endpoint { gate: Some(gate), limit: PROMPT_OF_A_GATE, ..endpoint }
}

fn is_here(here: &str, host: &str, role: Daemon) -> bool {
    host == here && Path::new(role.host_socket()).exists()
}

/// Every daemon of the fleet.
fn daemons(fleet: &Fleet) -> impl Iterator<Item = (&String, Daemon)> {
    fleet.hosts.iter().flat_map(|(name, host)| {
        let roles = [(fleet::Role::Proxy, Daemon::Proxy), (fleet::Role::Nameserver, Daemon::Nameserver)];
        roles.into_iter().filter(|(its, _)| host.is(*its)).map(move |(_, role)| (name, role))
    })
}

#[cfg(test)]
mod tests;
