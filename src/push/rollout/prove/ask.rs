//! Asks the probes: by DNS, by HTTP, and for the proxies' status through their gates.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::outcome::{Outcome, Outcomes};
use super::probes::Probe;
use crate::api::daemon::Daemon;
use crate::api::proxy::Status;
use crate::health::Verdict;
use crate::health::dns_query::{Question, Response, Transport};
use crate::health::http_status::{self, Get, StatusError};
use crate::push::at_once::at_once;
use crate::push::error::Error;
use crate::push::remote::Remotes;
use crate::zone::number::rtype;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks probes from this machine.
pub struct Asker<'a> {
    remotes: &'a Remotes,
}

impl<'a> Asker<'a> {
    /// An asker that gets the proxies' status through these gates.
    pub fn new(remotes: &'a Remotes) -> Asker<'a> {
        Asker { remotes }
    }

    /// Asks all probes at once.
    pub fn all(&self, probes: &BTreeSet<Probe>) -> Outcomes {
        let statuses = self.statuses(probes);
        let outcomes = at_once(probes, |probe| one(probe, &statuses));
        probes.iter().cloned().zip(outcomes).collect()
    }

    /// The status of each proxy, asked once however many of its backends are probed.
    fn statuses(&self, probes: &BTreeSet<Probe>) -> BTreeMap<String, Result<Status, Error>> {
        let proxies = probes.iter().filter_map(|probe| match probe {
            Probe::Backend { proxy, .. } => Some(proxy),
            _ => None,
        });
        let proxies: BTreeSet<&String> = proxies.collect();
        let statuses = at_once(&proxies, |proxy| self.status(proxy));
        proxies.into_iter().cloned().zip(statuses).collect()
    }

    fn status(&self, proxy: &str) -> Result<Status, Error> {
        let value = self.remotes.daemon_status(proxy, Daemon::Proxy).map_err(Error::from)?;
        serde_json::from_value(value)
            .map_err(|error| Error::new(format!("its status is not understood, so it is of another release: {error}")))
    }
}

fn one(probe: &Probe, statuses: &BTreeMap<String, Result<Status, Error>>) -> Outcome {
    match probe {
        Probe::Zone { nameserver, apex, tcp } => {
            let transport = if *tcp { Transport::Tcp } else { Transport::Udp };
            ask(*nameserver, apex, rtype::SOA, transport, |response| response.serial.is_some())
        }
        Probe::Pool { nameserver, name } => addresses(*nameserver, name),
        Probe::Ready { proxy } => is_well(*proxy, "/.polder/ready"),
        Probe::Member { member } => is_well(*member, "/health"),
        Probe::Site { proxy, host, path, fixed } => match status_of(*proxy, host, path) {
            Ok(status) if *fixed == Some(status) => Outcome::Passed,
            Ok(404) => Outcome::Unknown("it answers 404".to_owned()),
            Ok(status) if status < 500 => Outcome::Passed,
            Ok(status) => Outcome::Failed(format!("it answers {status}")),
            Err(error) => Outcome::Failed(error.to_string()),
        },
        // A proxy that does not know the backend yet learns about it when it is pushed to itself.
        Probe::Backend { proxy, service, name } => match found_up(statuses.get(proxy), service, name) {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(error.to_string()),
        },
    }
}

/// Whether a name has an IPv4 or an IPv6 address.
fn addresses(nameserver: SocketAddr, name: &str) -> Outcome {
    let mut outcome = Outcome::Passed;
    for rtype in [rtype::A, rtype::AAAA] {
        outcome = ask(nameserver, name, rtype, Transport::Udp, |response| !response.addresses.is_empty());
        if outcome == Outcome::Passed {
            break;
        }
    }
    outcome
}

fn ask(server: SocketAddr, name: &str, rtype: u16, transport: Transport, has_it: fn(&Response) -> bool) -> Outcome {
    let response = Question::new(name, rtype).and_then(|question| question.ask(server, transport));
    response.map_or_else(|error| Outcome::Failed(error.to_string()), |response| judge(&response, has_it(&response)))
}

/// A response passes that is authoritative, no error, and has what was asked for.
fn judge(response: &Response, has_it: bool) -> Outcome {
    match response.code {
        ResponseCode::NoError if !response.authoritative => Outcome::Failed("it answers without authority".to_owned()),
        ResponseCode::NoError if has_it => Outcome::Passed,
        ResponseCode::NoError => Outcome::Unknown("its answer is empty".to_owned()),
        ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NXDomain => {
            Outcome::Unknown(format!("it answers {}", response.code))
        }
        code => Outcome::Failed(format!("it answers {code}")),
    }
}

/// Whether a page is answered with 200.
fn is_well(server: SocketAddr, path: &str) -> Outcome {
    match status_of(server, &server.to_string(), path) {
        Ok(200) => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("it answers {status}")),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// The status of a GET, or why there is none.
fn status_of(proxy: SocketAddr, host: &str, path: &str) -> Result<u16, Error> {
    let exchange = async {
        let mut stream = TcpStream::connect(proxy).await.map_err(Error::new)?;
        let get = Get { host, path, user_agent: "polder-push" };
        http_status::status(&mut stream, &get).await.map_err(|error| match error {
            StatusError::Closed => Error::new("it closed the connection without an answer"),
            other => Error::new(other),
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::new)?;
    let answered = runtime.block_on(async { timeout(PATIENCE, exchange).await });
    answered.unwrap_or_else(|_| Err(Error::new(format!("no answer within {} s", PATIENCE.as_secs()))))
}

fn found_up(status: Option<&Result<Status, Error>>, service: &str, name: &str) -> Result<(), Error> {
    let status = match status {
        Some(Ok(status)) => status,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err(Error::new("it was not asked")),
    };
    let service =
        status.services.iter().find(|one| one.name == service).ok_or_else(|| Error::new("it has no such service"))?;
    let backend =
        service.backends.iter().find(|one| one.name == name).ok_or_else(|| Error::new("it has no such backend"))?;
    match backend.check {
        Verdict::Up => Ok(()),
        verdict => Err(Error::new(format!("it is {verdict}: {}", backend.check_reason))),
    }
}

#[cfg(test)]
mod tests;
