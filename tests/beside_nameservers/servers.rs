//! polder-dns, NSD, Knot and BIND in folders of their own, with the same zones, on ports of loopback that were free.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::asks::Ask;
use crate::names::Name;
use crate::ports::free_address;
use crate::replies::{Message, Reply};
use crate::zones::Family;

/// No event is waited for longer.
const LIMIT: Duration = Duration::from_secs(60);

/// After this long without an answer the server is asked something that it does answer: what comes then shows whether the
/// first answer will ever come.
const DOUBT: Duration = Duration::from_millis(150);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Polder,
    Nsd,
    Knot,
    Bind,
}

pub const KINDS: [Kind; 4] = [Kind::Polder, Kind::Nsd, Kind::Knot, Kind::Bind];

pub struct Server {
    kind: Kind,
    address: SocketAddr,
    process: Child,
    udp: UdpSocket,
    folder: TempDir,
}

/// Another process may take a port between its choice and its use.
const ATTEMPTS: usize = 3;

/// All of [`KINDS`], with the same zones.
pub fn start(families: &[Family]) -> Vec<Server> {
    let servers: Vec<Server> = KINDS.iter().map(|kind| Server::spawn(*kind, families)).collect();
    servers.into_iter().map(|server| server.serving(families)).collect()
}

impl Server {
    fn spawn(kind: Kind, families: &[Family]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let port = free_address().port();
        let mut zones = Vec::new();
        for (family, zone) in families.iter().flat_map(|family| family.zones.iter().map(move |zone| (family, zone))) {
            let name = zone.apex.to_string();
            let hides = matches!(kind, Kind::Nsd | Kind::Knot);
            let text = if hides { zone.text_without_hidden(family) } else { zone.text() };
            fs::write(at.join(format!("{name}zone")), text).unwrap();
            zones.push(name.trim_end_matches('.').to_owned());
        }
        let log = fs::File::create(at.join("log")).unwrap();
        let mut command = match kind {
            Kind::Polder => polder(at, port, &zones),
            Kind::Nsd => nsd(at, port, &zones),
            Kind::Knot => knot(at, port, &zones),
            Kind::Bind => bind(at, port, &zones),
        };
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).current_dir(at);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; install nsd, knot and bind9", command.get_program().display());
        });
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        udp.connect(address).unwrap();
        Server { kind, address, process, udp, folder }
    }

    /// Waits until it answers for every zone.
    fn serving(mut self, families: &[Family]) -> Server {
        let end = Instant::now() + LIMIT;
        let mut attempts = 1;
        for apex in families.iter().flat_map(Family::apexes) {
            while !self.serves(apex) {
                let ended = self.process.try_wait().unwrap();
                if ended.is_some() && attempts < ATTEMPTS {
                    attempts += 1;
                    self = Server::spawn(self.kind, families);
                    continue;
                }
                let what = format!("{:?} does not serve {apex}: {ended:?}", self.kind);
                assert!(Instant::now() < end && ended.is_none(), "{what}\n{}", self.log());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        self
    }

    fn serves(&self, apex: &Name) -> bool {
        let answer = self.try_udp(&Ask::plain(apex.clone(), 6), 7, Duration::from_millis(50));
        answer.is_some_and(|bytes| Reply::read(&bytes).message().is_some_and(Message::authoritative))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What comes of a query; `known` is a zone that it serves.
    pub fn ask(&self, ask: &Ask, known: &Ask) -> Reply {
        let answer = if ask.tcp { self.ask_tcp(ask, known) } else { self.ask_udp(ask, known) };
        answer.map_or(Reply::Silence, |bytes| Reply::read(&bytes))
    }

    fn ask_udp(&self, ask: &Ask, known: &Ask) -> Option<Vec<u8>> {
        let id = fastrand::u16(1..);
        if let Some(answer) = self.try_udp(ask, id, DOUBT) {
            return Some(answer);
        }
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            let _ = self.udp.send(&known.wire(0));
            match self.receive(DOUBT) {
                Some(answer) if answer[..2] == id.to_be_bytes() => return Some(answer),
                Some(answer) if answer[..2] == [0, 0] => return None,
                _ => {}
            }
        }
        panic!("{:?} has stopped answering:\n{}", self.kind, self.log());
    }

    fn try_udp(&self, ask: &Ask, id: u16, limit: Duration) -> Option<Vec<u8>> {
        let _ = self.udp.send(&ask.wire(id));
        // Late answers to earlier queries are passed over.
        std::iter::from_fn(|| self.receive(limit)).find(|answer| answer[..2] == id.to_be_bytes())
    }

    fn receive(&self, limit: Duration) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 65535];
        self.udp.set_read_timeout(Some(limit)).unwrap();
        let length = self.udp.recv(&mut buffer).ok().filter(|length| *length >= 2)?;
        buffer.truncate(length);
        Some(buffer)
    }

    /// The query, then one that is answered: whichever comes first, or the end of the connection.
    fn ask_tcp(&self, ask: &Ask, known: &Ask) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DOUBT)).unwrap();
        let framed = |wire: Vec<u8>| [&(wire.len() as u16).to_be_bytes()[..], &wire].concat();
        let id = fastrand::u16(1..);
        stream.write_all(&framed(ask.wire(id))).unwrap();
        let mut length = [0; 2];
        if let Err(error) = stream.read_exact(&mut length) {
            if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
                return None;
            }
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            stream.write_all(&framed(known.wire(0))).ok()?;
            stream.read_exact(&mut length).ok()?;
        }
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut answer).ok()?;
        (answer[..2] == id.to_be_bytes()).then_some(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn polder(at: &Path, port: u16, zones: &[String]) -> Command {
    let zones: serde_json::Map<String, serde_json::Value> =
        zones.iter().map(|zone| (zone.clone(), json!({ "file": format!("{zone}.zone") }))).collect();
    let document = json!({
        "version": 1,
        "name": "ns-test",
        "listeners": [format!("127.0.0.1:{port}")],
        "admin": { "socket": at.join("admin.sock") },
        "state_dir": at.join("state"),
        "workers": 1,
        "rate_limit": { "exempt": ["127.0.0.0/8"] },
        "zones": zones,
    });
    fs::create_dir(at.join("state")).unwrap();
    fs::write(at.join("dns.json"), document.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-dns"));
    command.arg("--config").arg(at.join("dns.json"));
    command
}

fn nsd(at: &Path, port: u16, zones: &[String]) -> Command {
    let folder = at.display();
    let mut text = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n \
         database: \"\"\n pidfile: \"{folder}/pid\"\n zonelistfile: \"{folder}/list\"\n xfrdfile: \"{folder}/xfrd\"\n \
         xfrdir: \"{folder}\"\n minimal-responses: yes\n rrl-ratelimit: 0\n tcp-count: 1000\nremote-control:\n control-enable: no\n"
    );
    for zone in zones {
        text.push_str(&format!("zone:\n name: \"{zone}\"\n zonefile: \"{zone}.zone\"\n"));
    }
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("nsd");
    command.arg("-d").arg("-c").arg(at.join("conf"));
    command
}

fn knot(at: &Path, port: u16, zones: &[String]) -> Command {
    let folder = at.display();
    let mut text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: \"{folder}/db\"\ncontrol:\n  listen: \"{folder}/control\"\n\
         template:\n  - id: default\n    storage: \"{folder}\"\n    file: \"%s.zone\"\n    zonefile-sync: -1\n    \
         zonefile-load: whole\n    journal-content: none\n    semantic-checks: off\nzone:\n"
    );
    for zone in zones {
        text.push_str(&format!("  - domain: {zone}\n"));
    }
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("knotd");
    command.arg("-c").arg(at.join("conf"));
    command
}

fn bind(at: &Path, port: u16, zones: &[String]) -> Command {
    let folder = at.display();
    let mut text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; allow-transfer {{ none; }}; notify no; \
         minimal-responses yes; dnssec-validation no; empty-zones-enable no; max-udp-size 1232; check-names master ignore; \
         check-integrity no; check-mx ignore; check-mx-cname ignore; check-srv-cname ignore; check-sibling no; }};\ncontrols {{ }};\n"
    );
    for zone in zones {
        text.push_str(&format!("zone \"{zone}\" {{ type master; file \"{zone}.zone\"; }};\n"));
    }
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("named");
    command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
    command
}

/// Debian keeps servers where only root's PATH looks.
fn server(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.exists());
    Command::new(found.unwrap_or_else(|| name.into()))
}
