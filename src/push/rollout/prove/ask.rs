//! Asks the questions: DNS, HTTP, and the proxies' own status through their gates.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::{Outcome, Outcomes, Probe};
use crate::api::proxy::Status;
use crate::health::Verdict;
use crate::push::protocol::Daemon;
use crate::push::remote::Remotes;
use crate::push::served::{self, Over, Said};
use crate::zone::number::rtype;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is read of an HTTP answer: its status line is all that counts.
const HEAD: usize = 1024;

/// Asks from this machine.
pub struct Asker<'a> {
    remotes: &'a Remotes,
}

impl<'a> Asker<'a> {
    /// One that reaches the proxies' status through these.
    pub fn new(remotes: &'a Remotes) -> Asker<'a> {
        Asker { remotes }
    }

    /// Asks all at once.
    pub fn all(&self, probes: &BTreeSet<Probe>) -> Outcomes {
        let statuses = self.statuses(probes);
        thread::scope(|scope| {
            let statuses = &statuses;
            let asking: Vec<_> =
                probes.iter().map(|probe| (probe, scope.spawn(move || one(probe, statuses)))).collect();
            let outcomes = asking.into_iter().map(|(probe, asking)| {
                let bug = |_| Outcome::Failed("asking it failed: a bug".to_owned());
                (probe.clone(), asking.join().unwrap_or_else(bug))
            });
            outcomes.collect()
        })
    }

    /// Each proxy is asked once, whatever number of its backends is in question.
    fn statuses(&self, probes: &BTreeSet<Probe>) -> BTreeMap<String, Result<Status, String>> {
        let proxies: BTreeSet<&String> = probes
            .iter()
            .filter_map(|probe| match probe {
                Probe::Backend { proxy, .. } => Some(proxy),
                _ => None,
            })
            .collect();
        thread::scope(|scope| {
            let asking: Vec<_> = proxies.into_iter().map(|proxy| (proxy, scope.spawn(|| self.status(proxy)))).collect();
            let statuses = asking.into_iter().map(|(proxy, asking)| {
                (proxy.clone(), asking.join().unwrap_or_else(|_| Err("asking it failed: a bug".to_owned())))
            });
            statuses.collect()
        })
    }

    fn status(&self, proxy: &str) -> Result<Status, String> {
        let value =
            self.remotes.daemon_status(proxy, Daemon::PolderProxy).map_err(|silence| silence.in_words().to_owned())?;
        serde_json::from_value(value).map_err(|error| format!("its status is of another release: {error}"))
    }
}

fn one(probe: &Probe, statuses: &BTreeMap<String, Result<Status, String>>) -> Outcome {
    match probe {
        Probe::Zone { nameserver, apex, tcp } => {
            let over = if *tcp { Over::Tcp } else { Over::Udp };
            match served::ask(*nameserver, apex, rtype::SOA, over) {
                Ok(said) => answered(&said, said.serial.is_some()),
                Err(error) => Outcome::Failed(error.to_string()),
            }
        }
        Probe::Pool { nameserver, name } => addresses(*nameserver, name),
        Probe::Ready { proxy } => match status_of(*proxy, &proxy.to_string(), "/.polder/ready") {
            Ok(200) => Outcome::Passed,
            Ok(status) => Outcome::Failed(format!("it answers {status}")),
            Err(error) => Outcome::Failed(error.to_string()),
        },
        Probe::Site { proxy, host, path } => match status_of(*proxy, host, path) {
            Ok(404) => Outcome::Unknown("it answers 404".to_owned()),
            Ok(status) if status < 500 => Outcome::Passed,
            Ok(status) => Outcome::Failed(format!("it answers {status}")),
            Err(error) => Outcome::Failed(error.to_string()),
        },
        // A proxy that does not know a backend yet learns of it by a push of its own.
        Probe::Backend { proxy, service, name } => match found_up(statuses.get(proxy), service, name) {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Failed(why),
        },
    }
}

/// An IPv4 address, or an IPv6 one.
fn addresses(nameserver: SocketAddr, name: &str) -> Outcome {
    let mut outcome = Outcome::Passed;
    for rtype in [rtype::A, rtype::AAAA] {
        outcome = match served::ask(nameserver, name, rtype, Over::Udp) {
            Ok(said) => answered(&said, said.addresses > 0),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        if outcome == Outcome::Passed {
            break;
        }
    }
    outcome
}

/// What an answer is worth: with authority, without an error, and with what was asked for.
fn answered(said: &Said, has_it: bool) -> Outcome {
    match said.code {
        ResponseCode::NoError if !said.authoritative => Outcome::Failed("it answers without authority".to_owned()),
        ResponseCode::NoError if has_it => Outcome::Passed,
        ResponseCode::NoError => Outcome::Unknown("its answer is empty".to_owned()),
        ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NXDomain => {
            Outcome::Unknown(format!("it answers {}", said.code))
        }
        code => Outcome::Failed(format!("it answers {code}")),
    }
}

/// The status of a GET.
fn status_of(proxy: SocketAddr, host: &str, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&proxy, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: polder-push\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    let mut buffer = [0; HEAD];
    while head.len() < HEAD {
        let length = stream.read(&mut buffer)?;
        head.extend_from_slice(&buffer[..length]);
        if let Some(status) = status_line(&head) {
            return Ok(status);
        }
        if length == 0 {
            break;
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it closed the connection without an answer"))
}

/// `HTTP/1.1 200 …`, once the line is whole.
fn status_line(head: &[u8]) -> Option<u16> {
    let line = &head[..memchr::memchr(b'\n', head)?];
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.trim().parse().ok()
}

fn found_up(status: Option<&Result<Status, String>>, service: &str, name: &str) -> Result<(), String> {
    let status = match status {
        Some(Ok(status)) => status,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err("it was not asked".to_owned()),
    };
    let service = status.services.iter().find(|one| one.name == service).ok_or("it has no such service")?;
    let backend = service.backends.iter().find(|one| one.name == name).ok_or("it has no such backend")?;
    match backend.check {
        Verdict::Up => Ok(()),
        verdict => Err(format!("it is {verdict}: {}", backend.check_reason)),
    }
}

#[cfg(test)]
mod tests;
