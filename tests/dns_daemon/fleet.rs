//! A nameserver in a folder of its own, the members it probes, and a client.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

pub use crate::members::Members;
use crate::ports::free_address;
use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use polder::api::client::{Client, ClientError};
use polder::api::daemon::Done;
use polder::api::dns::Status;
use polder::daemon::peers::Identity;
use polder::zone::name;
use serde_json::{Value, json};
use tempfile::TempDir;

/// No event is waited for longer.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const POOL: &str = "http0.l.example.net";

/// Waits until `met` gives something.
pub fn wait_for<T>(what: &str, mut met: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = met() {
            return found;
        }
        assert!(Instant::now() < end, "waited {LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A nameserver's folder and processes.
pub struct Daemon {
    pub folder: TempDir,
    pub port: u16,
    pub document: Value,
    pub process: Option<Child>,
}

impl Daemon {
    /// Writes a document with one zone and one pool over `members`; nothing is started.
    pub fn prepare(members: &Members) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let port = free_address().port();
        let table: serde_json::Map<String, Value> = (0..members.count())
            .map(|n| (format!("m{}", n + 1), json!({ "addresses": [format!("127.0.0.{}", n + 1)] })))
            .collect();
        let document = json!({
            "version": 1,
            "name": "ns-test",
            "listeners": [format!("127.0.0.1:{port}")],
            "admin": { "socket": folder.path().join("admin.sock") },
            "state_dir": folder.path().join("state"),
            "workers": 2,
            "drain": "2s",
            // Tests that ask as fast as they can do so from one address.
            "rate_limit": { "exempt": ["127.0.0.0/8", "::1"] },
            "zones": { "example.net": { "file": "example.net.zone" } },
            "pools": { POOL: {
                "ttl": 5,
                "members": table,
                "check": { "port": members.port, "path": "/ready", "interval": "50ms", "timeout": "1s" }
            } }
        });
        let daemon = Daemon { folder, port, document, process: None };
        fs::create_dir(daemon.folder.path().join("state")).unwrap();
        daemon.write_zone(1, "www CNAME http0.l");
        daemon.write_document();
        daemon
    }

    pub fn start(members: &Members) -> Daemon {
        let mut daemon = Daemon::prepare(members);
        daemon.run();
        daemon
    }

    pub fn write_zone(&self, serial: u32, more: &str) {
        let zone = format!(
            "$ORIGIN example.net.\n$TTL 60\n@ SOA ns1 hostmaster {serial} 7200 3600 1209600 60\n@ NS ns1\n\
             ns1 A 192.0.2.1\n{more}\n"
        );
        fs::write(self.folder.path().join("example.net.zone"), zone).unwrap();
    }

    pub fn write_document(&self) {
        fs::write(self.config(), self.document.to_string()).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("dns.json")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder-dns"));
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        command.arg("--config").arg(self.config()).args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// Starts a process and waits until it is ready.
    pub fn run(&mut self) {
        self.process = Some(self.command(&[]).spawn().unwrap());
        let id = self.process.as_ref().unwrap().id();
        self.wait_ready(id);
    }

    pub fn spawn(&self, more: &[&str]) -> Child {
        self.command(more).spawn().unwrap()
    }

    /// Runs to the end, its output kept.
    pub fn output(&self, more: &[&str]) -> Output {
        self.command(more).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    pub fn wait_ready(&self, id: u32) {
        let end = Instant::now() + LIMIT;
        while !self.get("/status").is_ok_and(|status| status["pid"] == id && status["ready"] == true) {
            assert!(Instant::now() < end, "process {id} is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn client(&self) -> Client {
        Client { timeout: LIMIT, ..Client::new(&self.folder.path().join("admin.sock")) }
    }

    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        block_on(self.client().get(path))
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        block_on(self.client().post(path, body))
    }

    pub fn status(&self) -> Status {
        let status = self.get("/status").unwrap_or_else(|error| panic!("{error:?}\n{}", self.log()));
        serde_json::from_value(status).unwrap()
    }

    pub fn reload(&self) -> Result<Done, ClientError> {
        self.post("/reload", &json!({})).map(|done| serde_json::from_value(done).unwrap())
    }

    pub fn say(&self, member: &str, state: &str, force: bool) -> Result<Done, ClientError> {
        let command = json!({ "subject": format!("{POOL}/{member}"), "state": state, "who": "a test", "why": "", "force": force });
        self.post("/operator", &command).map(|done| serde_json::from_value(done).unwrap())
    }

    /// The addresses of a name over UDP, ordered.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        let message = udp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port), &query(name, 1));
        let mut addresses: Vec<String> = message.answers.iter().filter_map(|record| address(&record.data)).collect();
        addresses.sort();
        addresses
    }

    pub fn wait_answer(&self, name: &str, expected: &[&str]) {
        let end = Instant::now() + LIMIT;
        loop {
            let found = self.addresses(name);
            if found == expected {
                return;
            }
            assert!(Instant::now() < end, "{name} answers {found:?}, expected {expected:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = self.process.as_ref().unwrap().id();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id as i32), signal).unwrap();
    }

    /// Has another process take over, and waits until it is ready and the one before has ended.
    pub fn take_over(&mut self) {
        let mut before = self.process.take().unwrap();
        let next = self.spawn(&["--takeover"]);
        let id = next.id();
        self.process = Some(next);
        self.wait_ready(id);
        assert!(wait_exit(&mut before, self).success(), "{}", self.log());
    }

    pub fn wait_exit(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        wait_exit(&mut process, self)
    }
}

pub fn wait_exit(process: &mut Child, daemon: &Daemon) -> ExitStatus {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < end, "process {} does not end:\n{}", process.id(), daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Two nameservers that are each other's peers, not started; each probes members of its own at the same addresses.
pub fn peers(members: [&Members; 2]) -> (Daemon, Daemon) {
    let mut one = Daemon::prepare(members[0]);
    let mut two = Daemon::prepare(members[1]);
    let (port_one, port_two) = (free_address().port(), free_address().port());
    let member = |daemon: &Daemon, port: u16| {
        let identity = Identity::make(&daemon.folder.path().join("identity.key")).unwrap();
        json!({ "address": format!("127.0.0.1:{port}"), "keys": [identity.public().to_string()] })
    };
    let table = json!({ "one": member(&one, port_one), "two": member(&two, port_two) });
    for (daemon, name, port) in [(&mut one, "one", port_one), (&mut two, "two", port_two)] {
        let key_file = daemon.folder.path().join("identity.key");
        daemon.document["name"] = json!(name);
        daemon.document["peers"] =
            json!({ "listen": format!("127.0.0.1:{port}"), "key_file": key_file, "members": table });
        daemon.write_document();
    }
    (one, two)
}

fn address(data: &RData) -> Option<String> {
    matches!(data, RData::A(_) | RData::AAAA(_)).then(|| data.to_string())
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn query(text: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![fastrand::u8(..), fastrand::u8(..), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(&name::from_text(text).unwrap());
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&1u16.to_be_bytes());
    query
}

/// One query over UDP, from and to exactly these addresses; no second try.
pub fn udp(server: SocketAddr, query: &[u8]) -> Message {
    try_udp(server, query).unwrap_or_else(|error| panic!("no answer from {server}: {error}"))
}

pub fn try_udp(server: SocketAddr, query: &[u8]) -> std::io::Result<Message> {
    let from: IpAddr = if server.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { server.ip() };
    let socket = UdpSocket::bind((from, 0))?;
    socket.set_read_timeout(Some(LIMIT))?;
    // Connected: an answer from any other address is not seen.
    socket.connect(server)?;
    socket.send(query)?;
    let mut buffer = [0; 65535];
    let length = socket.recv(&mut buffer)?;
    assert_eq!(buffer[..2], query[..2]);
    Ok(Message::from_vec(&buffer[..length]).unwrap())
}

pub fn write_framed(stream: &mut TcpStream, query: &[u8]) {
    let framed = [&(query.len() as u16).to_be_bytes()[..], query].concat();
    stream.write_all(&framed).unwrap();
}

pub fn read_framed(stream: &mut TcpStream) -> std::io::Result<Message> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(Message::from_vec(&message).unwrap())
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

pub fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

pub fn exists(path: &Path) -> Option<()> {
    path.exists().then_some(())
}
