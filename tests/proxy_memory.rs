//! What connections cost a proxy in memory while little happens on them. A process of its own, since it is measured as a whole.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ports.rs"]
mod ports;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ports::free_address;
use serde_json::json;

/// Connections: as many again to the backend, and no more descriptors than a process has anywhere.
const MANY: usize = 400;

/// Before any is counted.
const WARM_UP: usize = 40;

const PATIENCE: Duration = Duration::from_secs(60);

struct Daemon {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Daemon {
    fn start(backend: SocketAddr) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("state")).unwrap();
        let address = free_address();
        let document = json!({
            "version": 1, "name": "px1", "state_dir": path("state"), "workers": 1,
            "admin": { "socket": path("admin.sock") },
            "listeners": [{ "name": "http", "address": address }],
            "limits": { "connections": 450, "connections_per_address": 450 },
            "services": { "www": { "hosts": ["www.test"], "mode": "stateless", "check": { "type": "tcp", "interval": "1h" },
                                   "backends": [{ "name": "web1", "address": backend }] } },
        });
        std::fs::write(path("proxy.json"), document.to_string()).unwrap();
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_polder-proxy")));
        let process = command.arg("--config").arg(path("proxy.json")).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Daemon { process, address, _folder: folder };
        let until = Instant::now() + PATIENCE;
        while !daemon.is_ready() {
            assert!(Instant::now() < until, "the daemon is not ready");
            std::thread::yield_now();
        }
        daemon
    }

    fn is_ready(&self) -> bool {
        let Ok(mut client) = TcpStream::connect(self.address) else { return false };
        let mut answer = String::new();
        let asked = client.write_all(b"GET /.polder/ready HTTP/1.0\r\nHost: www.test\r\n\r\n");
        asked.is_ok() && client.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
    }

    /// Memory that is its own, in bytes.
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// What each of many connections costs, of which `open` opens one and brings it to rest.
    fn cost(&self, open: impl Fn() -> TcpStream) -> usize {
        let warm: Vec<TcpStream> = (0..WARM_UP).map(|_| open()).collect();
        let before = self.resident();
        let many: Vec<TcpStream> = (0..MANY).map(|_| open()).collect();
        let cost = self.resident().saturating_sub(before) / MANY;
        drop((warm, many));
        cost
    }
}

/// A backend that tells of every piece that it reads, and answers heads without a body.
fn backend() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn(move || {
                    let mut piece = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut piece) {
                        if piece.starts_with(b"GET") {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                        }
                        if sender.send(piece[..count].to_vec()).is_err() {
                            return;
                        }
                    }
                })
                .unwrap();
        }
    });
    (address, pieces)
}

#[test]
fn an_idle_kept_alive_connection_costs_2_kib_at_most() {
    let (backend, _pieces) = backend();
    let daemon = Daemon::start(backend);
    let cost = daemon.cost(|| {
        let mut client = daemon.connect();
        client.write_all(b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok") {
            let mut piece = [0; 1024];
            let count = client.read(&mut piece).unwrap();
            assert!(count > 0, "{}", answer.escape_ascii());
            answer.extend_from_slice(&piece[..count]);
        }
        client
    });
    println!("{cost} bytes");
    assert!(cost <= 2 * 1024, "{cost} bytes");
}

#[test]
fn a_body_that_comes_slowly_costs_8_kib_at_most() {
    let (backend, pieces) = backend();
    let daemon = Daemon::start(backend);
    let cost = daemon.cost(|| {
        let mut client = daemon.connect();
        client.write_all(b"POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 1000000\r\n\r\n").unwrap();
        while !pieces.recv_timeout(PATIENCE).unwrap().starts_with(b"POST") {}
        client.write_all(b"x").unwrap();
        while !pieces.recv_timeout(PATIENCE).unwrap().ends_with(b"x") {}
        client
    });
    println!("{cost} bytes");
    assert!(cost <= 8 * 1024, "{cost} bytes");
}
