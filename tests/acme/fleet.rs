//! Proxies on addresses of their own, with one port for all, as real ones have.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use polder::daemon::peers::Identity;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use super::ca::{Ca, over_tls};
use super::eventually;

pub struct Fleet {
    folder: tempfile::TempDir,
    host: &'static str,
    network: [u8; 2],
    ports: Ports,
    documents: Vec<Value>,
    processes: Vec<Option<Process>>,
}

#[derive(Clone, Copy)]
struct Ports {
    http: u16,
    https: u16,
    peers: u16,
}

/// A daemon that runs; it ends with its test.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a test that failed is looked into by.
impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (proxy, process) in self.processes.iter().enumerate() {
                let log = process.as_ref().map(Process::log).unwrap_or_default();
                eprintln!("{}: {}\n{log}", self.name(proxy), self.call(proxy, "/status"));
            }
        }
    }
}

impl Process {
    /// All that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Reloads that it has done.
    pub fn reloads(&self) -> usize {
        self.log().matches("reloaded").count()
    }
}

impl Fleet {
    pub fn new(proxies: usize, ca: &Ca, host: &'static str) -> Fleet {
        let (folder, network) = (tempfile::tempdir().unwrap(), [fastrand::u8(1..=254), fastrand::u8(1..=254)]);
        let ports = Ports { http: free_port(network), https: free_port(network), peers: free_port(network) };
        let backend = start_backend();
        let names: Vec<String> = (1..=proxies).map(|number| format!("px-{number}")).collect();
        let at = |index: usize, port: u16| SocketAddr::from((address(network, index), port));
        let members: serde_json::Map<String, Value> = names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                std::fs::create_dir(folder.path().join(name)).unwrap();
                let identity = Identity::make(&folder.path().join(name).join("identity.key")).unwrap();
                let member = json!({ "address": at(index, ports.peers), "keys": [identity.public().to_string()] });
                (name.clone(), member)
            })
            .collect();
        let document = |(index, name): (usize, &String)| {
            let mut document = json!({
                "version": 1,
                "name": name,
                "listeners": [
                    { "name": "http", "address": at(index, ports.http) },
                    { "name": "https", "address": at(index, ports.https), "protocol": "https" },
                ],
                "admin": { "socket": folder.path().join(name).join("admin.sock") },
                "state_dir": folder.path().join(name).join("state"),
                "workers": 1,
                "acme": { "directory": ca.url(), "ca_file": ca.ca_file(), "terms_of_service_agreed": true },
                "services": { "www": {
                    "hosts": [host],
                    "mode": "stateless",
                    "backends": [{ "name": "web", "address": backend }],
                    "check": { "type": "tcp", "interval": "500ms" },
                    "tls": "acme",
                } },
            });
            if proxies > 1 {
                let key_file = folder.path().join(name).join("identity.key");
                document["peers"] =
                    json!({ "listen": at(index, ports.peers), "key_file": key_file, "members": members });
            }
            document
        };
        let documents = names.iter().enumerate().map(document).collect();
        let processes = names.iter().map(|_| None).collect();
        Fleet { folder, host, network, ports, documents, processes }
    }

    fn name(&self, proxy: usize) -> String {
        format!("px-{}", proxy + 1)
    }

    /// Another document, from the next start on.
    pub fn change(&mut self, proxy: usize, change: impl FnOnce(&mut Value)) {
        change(&mut self.documents[proxy]);
    }

    /// Each proxy's name, where it connects from, and its public key.
    pub fn identities(&self) -> Vec<(String, SocketAddr, String)> {
        let identity = |proxy: usize| {
            let key_file = self.folder.path().join(self.name(proxy)).join("identity.key");
            let key = Identity::read(&key_file).unwrap().public().to_string();
            (self.name(proxy), self.addresses()[proxy], key)
        };
        (0..self.documents.len()).map(identity).collect()
    }

    /// A file of that name beside the document, with this text.
    pub fn file(&self, proxy: usize, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(self.name(proxy)).join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    pub fn state_dir(&self, proxy: usize) -> PathBuf {
        self.folder.path().join(self.name(proxy)).join("state")
    }

    pub fn http_port(&self) -> u16 {
        self.ports.http
    }

    /// Where each is reached over http.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        (0..self.documents.len()).map(|index| (address(self.network, index), self.ports.http).into()).collect()
    }

    /// Starts a proxy, and waits until it is ready.
    pub fn start(&mut self, proxy: usize) {
        std::fs::create_dir_all(self.state_dir(proxy)).unwrap();
        let file = self.folder.path().join(self.name(proxy)).join("proxy.json");
        std::fs::write(file, self.documents[proxy].to_string()).unwrap();
        self.processes[proxy] = Some(self.spawn(proxy, &[]));
        eventually("the proxy is ready", || self.is_ready(proxy));
    }

    fn spawn(&self, proxy: usize, more: &[&str]) -> Process {
        let folder = self.folder.path().join(self.name(proxy));
        let log = folder.join(format!("log-{}", fastrand::u32(..)));
        let child = Command::new(env!("CARGO_BIN_EXE_polder-proxy"))
            .arg("--config")
            .arg(folder.join("proxy.json"))
            .args(more)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("LISTEN_FDS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Process { child, log }
    }

    fn is_ready(&self, proxy: usize) -> bool {
        serde_json::from_str(&self.call(proxy, "/status")).is_ok_and(|status: Value| status["ready"] == true)
    }

    pub fn process(&self, proxy: usize) -> &Process {
        self.processes[proxy].as_ref().unwrap()
    }

    /// Kills a proxy at once (SIGKILL).
    pub fn kill(&mut self, proxy: usize) {
        self.processes[proxy] = None;
    }

    /// Has a new process take over.
    pub fn hand_over(&mut self, proxy: usize) {
        let before = self.status(proxy)["pid"].clone();
        let next = self.spawn(proxy, &["--takeover"]);
        eventually("the new process is the daemon", || {
            let status: Option<Value> = serde_json::from_str(&self.call(proxy, "/status")).ok();
            status.is_some_and(|status| status["pid"] != before && status["ready"] == true)
        });
        self.processes[proxy] = Some(next);
    }

    /// What its admin API answers; empty if it does not.
    pub fn call(&self, proxy: usize, path: &str) -> String {
        let socket = self.folder.path().join(self.name(proxy)).join("admin.sock");
        let ask = || {
            let mut stream = UnixStream::connect(&socket).ok()?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
            body_of(stream)
        };
        ask().map(|(_, body)| body).unwrap_or_default()
    }

    pub fn status(&self, proxy: usize) -> Value {
        serde_json::from_str(&self.call(proxy, "/status")).unwrap()
    }

    pub fn alarms(&self, proxy: usize) -> String {
        self.status(proxy)["alarms"].to_string()
    }

    pub fn metrics(&self, proxy: usize) -> String {
        self.call(proxy, "/metrics")
    }

    /// Orders that ended with a certificate.
    pub fn orders(&self, proxy: usize) -> u64 {
        let metrics = self.metrics(proxy);
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("polder_acme_orders_total{daemon=\"proxy\",result=\"issued\"} "));
        line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
    }

    /// Asks in clear text.
    pub fn http(&self, proxy: usize, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.addresses()[proxy]).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host).unwrap();
        body_of(stream).unwrap()
    }

    /// Asks over TLS; gives the certificate.
    pub fn https(&self, proxy: usize, roots: &RootCertStore) -> Result<CertificateDer<'static>, String> {
        let at = (address(self.network, proxy), self.ports.https).into();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        let (certificate, answer) = over_tls(at, self.host, roots, &request)?;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(certificate)
    }
}

fn body_of(stream: impl Read) -> Option<(u16, String)> {
    let mut reply = BufReader::new(stream);
    let (mut line, mut status) = (String::new(), None);
    while reply.read_line(&mut line).ok()? > 2 {
        status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
        line.clear();
    }
    let mut body = String::new();
    reply.read_to_string(&mut body).ok()?;
    Some((status?, body))
}

fn address(network: [u8; 2], index: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, network[0], network[1], u8::try_from(index + 1).unwrap())
}

fn free_port(network: [u8; 2]) -> u16 {
    TcpListener::bind((address(network, 0), 0)).unwrap().local_addr().unwrap().port()
}

/// A backend that answers everything with 200.
fn start_backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).is_ok_and(|length| length > 0) {
                    // A check opens and closes.
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nweb\n");
                }
            });
        }
    });
    at
}
