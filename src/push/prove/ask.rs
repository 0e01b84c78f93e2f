//! Asks the questions: DNS, HTTP, and the proxies' own status through their gates.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::{Outcomes, Probe};
use crate::dns::number::rtype;
use crate::health::Verdict;
use crate::proxy::api::Status;
use crate::push::protocol::Daemon;
use crate::push::remote::Remotes;
use crate::push::served::{self, Over};

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
                (probe.clone(), asking.join().unwrap_or_else(|_| Err("asking it failed: a bug".to_owned())))
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

fn one(probe: &Probe, statuses: &BTreeMap<String, Result<Status, String>>) -> Result<(), String> {
    match probe {
        Probe::Zone { nameserver, apex, tcp } => {
            let over = if *tcp { Over::Tcp } else { Over::Udp };
            let said = served::ask(*nameserver, apex, rtype::SOA, over).map_err(|error| error.to_string())?;
            match (said.serial, said.authoritative) {
                (Some(_), true) => Ok(()),
                (Some(_), false) => Err("it answers without authority".to_owned()),
                (None, _) => Err(format!("it has no such zone ({})", said.code)),
            }
        }
        Probe::Pool { nameserver, name } => has_addresses(*nameserver, name),
        Probe::Ready { proxy } => match status_of(*proxy, &proxy.to_string(), "/.polder/ready") {
            Ok(200) => Ok(()),
            Ok(status) => Err(format!("it answers {status}")),
            Err(error) => Err(error.to_string()),
        },
        Probe::Site { proxy, host, path } => match status_of(*proxy, host, path) {
            // A page that is not there counts as not served: before and after alike, it is held against nobody.
            Ok(status) if status < 500 && status != 404 => Ok(()),
            Ok(status) => Err(format!("it answers {status}")),
            Err(error) => Err(error.to_string()),
        },
        Probe::Backend { proxy, service, name } => found_up(statuses.get(proxy), service, name),
    }
}

/// An IPv4 address, or an IPv6 one.
fn has_addresses(nameserver: SocketAddr, name: &str) -> Result<(), String> {
    for rtype in [rtype::A, rtype::AAAA] {
        let said = served::ask(nameserver, name, rtype, Over::Udp).map_err(|error| error.to_string())?;
        if said.addresses > 0 {
            return Ok(());
        }
    }
    Err("it has none".to_owned())
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
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_once_it_is_whole() {
        assert_eq!(status_line(b"HTTP/1.1 20"), None);
        assert_eq!(status_line(b"HTTP/1.1 200 OK\r\nServer: x"), Some(200));
        assert_eq!(status_line(b"HTTP/1.1 503\r\n"), Some(503));
        assert_eq!(status_line(b"garbage\n"), None);
    }
}
