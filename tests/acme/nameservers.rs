//! Nameservers that order the certificate of their encrypted transports by themselves, as processes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use polder::daemon::peers::Identity;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use super::ca::{Ca, exchange_over_tls};
use super::eventually;

/// The name that all of them are reached by.
pub const NAME: &str = "dns.fleet.test";

const ZONE: &str = "$TTL 5\n@ SOA ns1 hostmaster 1 3600 600 86400 5\n@ NS ns1\nns1 A 127.0.0.1\ndns A 192.0.2.7\n";

/// Some nameservers, each on an address of its own, with one port for all.
pub struct Nameservers {
    folder: tempfile::TempDir,
    network: [u8; 2],
    ports: [u16; 3],
    documents: Vec<Value>,
    processes: Vec<Option<Running>>,
}

struct Running {
    child: Child,
    log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a test that failed is looked into by.
impl Drop for Nameservers {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for nameserver in 0..self.documents.len() {
                eprintln!("{}: {}\n{}", name(nameserver), self.call(nameserver, "/status"), self.log(nameserver));
            }
        }
    }
}

fn name(nameserver: usize) -> String {
    format!("ns-{}", nameserver + 1)
}

impl Nameservers {
    /// So many, which get one certificate for [`NAME`] from this CA.
    pub fn new(count: usize, ca: &Ca) -> Nameservers {
        let (folder, network) = (tempfile::tempdir().unwrap(), [fastrand::u8(1..=254), fastrand::u8(1..=254)]);
        let ports = std::array::from_fn(|_| free_port(network));
        let [plain, tls, peers] = ports;
        let at = |nameserver: usize, port: u16| SocketAddr::from((address(network, nameserver), port));
        let key_file = |nameserver: usize| folder.path().join(name(nameserver)).join("identity.key");
        let mut members = serde_json::Map::new();
        for nameserver in 0..count {
            let own = folder.path().join(name(nameserver));
            std::fs::create_dir(&own).unwrap();
            std::fs::create_dir(own.join("state")).unwrap();
            std::fs::write(own.join("zone"), ZONE).unwrap();
            let key = Identity::make(&key_file(nameserver)).unwrap().public().to_string();
            members.insert(name(nameserver), json!({ "address": at(nameserver, peers), "keys": [key] }));
        }
        let document = |nameserver: usize| {
            let own = folder.path().join(name(nameserver));
            let acme = json!({ "directory": ca.url(), "ca_file": ca.ca_file(), "terms_of_service_agreed": true, "names": [NAME] });
            let mut document = json!({
                "version": 1,
                "name": name(nameserver),
                "listeners": [at(nameserver, plain)],
                "admin": { "socket": own.join("admin.sock") },
                "state_dir": own.join("state"),
                "workers": 1,
                "encrypted": { "tls": [at(nameserver, tls)], "acme": acme },
                "zones": { "fleet.test": { "file": "zone" } },
            });
            if count > 1 {
                let listen = at(nameserver, peers);
                document["peers"] = json!({ "listen": listen, "key_file": key_file(nameserver), "members": members });
            }
            document
        };
        let documents = (0..count).map(document).collect();
        let processes = (0..count).map(|_| None).collect();
        Nameservers { folder, network, ports, documents, processes }
    }

    /// Another document, from the next start on.
    pub fn change(&mut self, nameserver: usize, change: impl FnOnce(&mut Value)) {
        change(&mut self.documents[nameserver]);
    }

    fn own(&self, nameserver: usize) -> PathBuf {
        self.folder.path().join(name(nameserver))
    }

    /// Where its certificate lies.
    pub fn certificate_file(&self, nameserver: usize) -> PathBuf {
        self.own(nameserver).join("state/acme").join(format!("{NAME}.pem"))
    }

    /// Where it answers plain DNS.
    pub fn address(&self, nameserver: usize) -> SocketAddr {
        (address(self.network, nameserver), self.ports[0]).into()
    }

    /// Where it answers over TLS.
    pub fn over_tls(&self, nameserver: usize) -> SocketAddr {
        (address(self.network, nameserver), self.ports[1]).into()
    }

    pub fn start_all(&mut self) {
        (0..self.documents.len()).for_each(|nameserver| self.start(nameserver));
    }

    /// Starts one, and waits until it is ready.
    pub fn start(&mut self, nameserver: usize) {
        std::fs::write(self.own(nameserver).join("dns.json"), self.documents[nameserver].to_string()).unwrap();
        self.processes[nameserver] = Some(self.spawn(nameserver, &[]));
        eventually("the nameserver is ready", || self.status(nameserver).is_some_and(|status| status["ready"] == true));
    }

    fn spawn(&self, nameserver: usize, more: &[&str]) -> Running {
        let log = self.own(nameserver).join(format!("log-{}", fastrand::u32(..)));
        let child = Command::new(env!("CARGO_BIN_EXE_polder-dns"))
            .arg("--config")
            .arg(self.own(nameserver).join("dns.json"))
            .args(more)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("LISTEN_FDS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Running { child, log }
    }

    /// Kills one at once (SIGKILL).
    pub fn kill(&mut self, nameserver: usize) {
        self.processes[nameserver] = None;
    }

    /// Forgets all that outlives a process.
    pub fn reinstall(&self, nameserver: usize) {
        std::fs::remove_dir_all(self.own(nameserver).join("state")).unwrap();
        std::fs::create_dir(self.own(nameserver).join("state")).unwrap();
    }

    /// Has a new process take over.
    pub fn hand_over(&mut self, nameserver: usize) {
        let before = self.status(nameserver).unwrap()["pid"].clone();
        let next = self.spawn(nameserver, &["--takeover"]);
        eventually("the new process is the daemon", || {
            self.status(nameserver).is_some_and(|status| status["pid"] != before && status["ready"] == true)
        });
        self.processes[nameserver] = Some(next);
    }

    /// All that it has logged.
    pub fn log(&self, nameserver: usize) -> String {
        let running = self.processes[nameserver].as_ref();
        running.map(|running| std::fs::read_to_string(&running.log).unwrap()).unwrap_or_default()
    }

    /// What its admin API answers; empty if it does not.
    pub fn call(&self, nameserver: usize, path: &str) -> String {
        let ask = || {
            let mut stream = UnixStream::connect(self.own(nameserver).join("admin.sock")).ok()?;
            write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
        };
        ask().unwrap_or_default()
    }

    /// Its status; none while it does not answer.
    pub fn status(&self, nameserver: usize) -> Option<Value> {
        serde_json::from_str(&self.call(nameserver, "/status")).ok()
    }

    pub fn alarms(&self, nameserver: usize) -> String {
        self.status(nameserver).unwrap_or_default()["alarms"].to_string()
    }

    /// Orders that its process has ended with a certificate.
    pub fn orders(&self, nameserver: usize) -> u64 {
        let metrics = self.call(nameserver, "/metrics");
        let begin = "polder_acme_orders_total{daemon=\"nameserver\",result=\"issued\"} ";
        let line = metrics.lines().find_map(|line| line.strip_prefix(begin));
        line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }

    /// Asks over TLS for the address of [`NAME`]; gives the certificate, which is verified.
    pub fn asked(&self, nameserver: usize, roots: &RootCertStore) -> Result<CertificateDer<'static>, String> {
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(NAME).unwrap(), RecordType::A));
        let query = query.to_vec().unwrap();
        let framed = [&u16::try_from(query.len()).unwrap().to_be_bytes(), &query[..]].concat();
        let (certificate, answer) = exchange_over_tls(self.over_tls(nameserver), NAME, roots, &framed, |tls| {
            let mut length = [0; 2];
            tls.read_exact(&mut length)?;
            let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
            tls.read_exact(&mut answer)?;
            Ok(answer)
        })?;
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!(answer.answers.len(), 1, "{answer:?}");
        Ok(certificate)
    }
}

fn address(network: [u8; 2], nameserver: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, network[0], network[1], u8::try_from(nameserver + 1).unwrap())
}

/// A port that is free for UDP and TCP.
fn free_port(network: [u8; 2]) -> u16 {
    loop {
        let tcp = TcpListener::bind((address(network, 0), 0)).unwrap();
        let at = tcp.local_addr().unwrap();
        if UdpSocket::bind(at).is_ok() {
            return at.port();
        }
    }
}
