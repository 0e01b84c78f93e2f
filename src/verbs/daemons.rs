//! Where the daemons are: named by `--socket`, or the running demo's, or on an admin machine the fleet's, or this host's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::DaemonsArg;
use super::demo_file;
use super::endpoint::Endpoint;
use super::output::complain;
use super::reach::{Reach, Reports, locate, locate_unasked};
use crate::api::daemon::Daemon;
use crate::push::admin::known_fleet;
use crate::push::error::Error;

/// The daemons to speak to, and the fleet that they are of.
pub struct Selection {
    /// Where each of them is reached.
    pub daemons: Vec<Endpoint>,
    /// On an admin machine: the fleet.
    pub fleet: Option<ReachedFleet>,
}

/// The fleet as it was reached.
pub struct ReachedFleet {
    /// How its hosts are reached.
    pub reach: Reach,
    /// The reports of its hosts.
    pub reports: Reports,
}

/// Which hosts of a fleet are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Those with daemons.
    WithDaemons,
    /// The daemons themselves, each when it is wanted: no host is waited for beforehand.
    None,
    /// All.
    All,
}

/// The error for no daemon anywhere. `demo_file`: the file in which a running demo would stand; `None` where the demo does not count.
fn no_daemon(demo_file: Option<&Path>) -> Error {
    let demo = match demo_file {
        Some(file) => format!("no demo is running (there is no {})", file.display()),
        None => "a demo is not looked for on a host of a fleet (except with --demo)".to_owned(),
    };
    let [proxy, nameserver] = Daemon::ALL.map(Daemon::host_socket);
    Error::new(format!(
        "no daemon found: {demo}, this is no admin machine, and neither {proxy} nor {nameserver} exists; start `polder \
         demo`, or name an admin socket with --socket"
    ))
}

/// Finds the daemons, as often as it is asked, over the same connections as long as the fleet is the same.
#[derive(Debug)]
pub struct Finder<'a> {
    args: &'a DaemonsArg,
    hosts: Hosts,
    reach: Option<Reach>,
}

impl Finder<'_> {
    /// Nothing is looked for yet.
    pub fn new(args: &DaemonsArg, hosts: Hosts) -> Finder<'_> {
        Finder { args, hosts, reach: None }
    }

    /// The daemons to speak to: those of the sockets that were named, or the running demo's, or the fleet's, or this host's. On a
    /// host of a fleet the demo's only if it is asked for: what stands in a temporary folder must not get between an operator and
    /// a fleet.
    ///
    /// # Errors
    ///
    /// There is none, or what says where they are cannot be read.
    pub fn find(&mut self) -> Result<Selection, Error> {
        let mut selection = self.locate_all()?;
        if let Some(timeout) = self.args.timeout {
            selection.daemons.iter_mut().for_each(|daemon| daemon.limit = timeout);
        }
        Ok(selection)
    }

    fn locate_all(&mut self) -> Result<Selection, Error> {
        let Finder { args, hosts, .. } = *self;
        let named = &args.fleet;
        let only = |daemons| Ok(Selection { daemons, fleet: None });
        if !args.sockets.is_empty() && !args.demo {
            return only(each_once(&args.sockets));
        }
        let admin = if named.file.is_some() { Some(known_fleet::this_admin()?) } else { known_fleet::admin()? };
        // Who names a fleet does not mean the demo.
        let demo_counts =
            args.demo || (named.file.is_none() && admin.is_none() && !is_of_a_fleet(Path::new(DOCUMENTS)));
        let place = demo_file::place();
        if demo_counts && let Some(demo) = demo_file::read(&place)? {
            return only(demo.daemons);
        }
        if args.demo {
            return Err(Error::new(demo_file::not_running(&place)));
        }
        let here = of_this_host();
        if let Some(admin) = admin {
            match Reach::again(self.reach.as_ref(), admin, named) {
                Ok(reach) => return whole_fleet(self.reach.insert(reach).clone(), hosts),
                Err(why) if here.is_empty() || named.file.is_some() => return Err(why),
                Err(why) => complain(&format!("{why}; until then, this is of this host only")),
            }
        }
        if here.is_empty() {
            return Err(no_daemon(demo_counts.then_some(&*place)));
        }
        only(here)
    }
}

/// The daemons that can be reached without another machine: for who must not wait, and has no use for why there are none.
pub fn nearby(args: &DaemonsArg) -> Vec<Endpoint> {
    if !args.sockets.is_empty() {
        return each_once(&args.sockets);
    }
    if !is_of_a_fleet(Path::new(DOCUMENTS))
        && let Ok(Some(demo)) = demo_file::read(&demo_file::place())
    {
        return demo.daemons;
    }
    of_this_host()
}

/// The daemons at these sockets, each once, however often and by whatever path it is named.
fn each_once(sockets: &[PathBuf]) -> Vec<Endpoint> {
    let mut seen = BTreeSet::new();
    // Of one that is not there, the path is all that is known.
    let mut is_new = |socket: &&PathBuf| seen.insert(socket.canonicalize().unwrap_or_else(|_| (*socket).clone()));
    sockets.iter().filter(&mut is_new).map(|socket| Endpoint::at(socket)).collect()
}

/// The daemons of this host whose sockets are there.
fn of_this_host() -> Vec<Endpoint> {
    let daemons =
        Daemon::ALL.iter().map(|role| Endpoint { role: Some(*role), ..Endpoint::at(Path::new(role.host_socket())) });
    daemons.filter(|daemon| daemon.socket.exists()).collect()
}

/// Where the documents of a host's daemons and of an admin machine are.
const DOCUMENTS: &str = "/etc/polder";

/// Whether this machine has a part in a fleet.
fn is_of_a_fleet(documents: &Path) -> bool {
    let is_document = |file: PathBuf| file.extension().is_some_and(|extension| extension == "json");
    std::fs::read_dir(documents).is_ok_and(|files| files.flatten().any(|file| is_document(file.path())))
}

fn whole_fleet(reach: Reach, hosts: Hosts) -> Result<Selection, Error> {
    let has_daemons = |name: &String| {
        let host = &reach.fleet.hosts[name];
        host.is(crate::fleet::Role::Proxy) || host.is(crate::fleet::Role::Nameserver)
    };
    let mut names = reach.hosts(&[])?;
    names.retain(|host| hosts == Hosts::All || has_daemons(host));
    let (gates, here) = (&reach.remotes, &reach.admin.name);
    if hosts == Hosts::None {
        let daemons = locate_unasked(gates, &reach.fleet, here);
        return Ok(Selection { daemons, fleet: Some(ReachedFleet { reach, reports: Reports::new() }) });
    }
    let reports = reach.reports(&names);
    let daemons = locate(gates, &reach.fleet, here, &reports);
    Ok(Selection { daemons, fleet: Some(ReachedFleet { reach, reports }) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
