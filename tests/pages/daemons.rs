//! A proxy and a nameserver, each with what a page shows: two services, a pool in a signed zone, events; over a backend that is well or not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::ports::free_address;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Fleet {
    folder: TempDir,
    processes: Vec<Child>,
    pages: [(&'static str, String); 2],
    visitors: u16,
    well: Arc<AtomicBool>,
}

/// Answers every request with 200; at 127.0.0.1, and not at the other loopback addresses, with 503 while it is not well.
fn backend(well: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let well = Arc::clone(well);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let is_moody = stream.local_addr().is_ok_and(|address| address.ip() == Ipv4Addr::LOCALHOST);
            let status = if !is_moody || well.load(Ordering::Relaxed) { "200 OK" } else { "503 No" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

impl Fleet {
    pub fn start() -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let well = Arc::new(AtomicBool::new(true));
        let steady = Arc::new(AtomicBool::new(true));
        let (moody, steady) = (backend(&well), backend(&steady));
        let (visitors, questions) = (free_address().port(), free_address().port());
        let (proxy_page, nameserver_page) = (free_address().port(), free_address().port());
        let check = json!({ "path": "/", "interval": "100ms", "timeout": "5s" });
        let path = |name: &str| folder.path().join(name);
        let url = |port: u16| format!("http://127.0.0.1:{port}/");
        let fleet = json!({
            "proxies": { "px-nl": url(proxy_page), "px-ch": "https://polder.example.net/px-ch/",
                "px-a-name-that-is-as-long-as-such-names-get": "http://[2001:db8::11]:8404/" },
            "nameservers": { "ns-nl": "http://192.0.2.1:8453/", "ns-ch": url(nameserver_page) },
        });
        let proxy = json!({
            "version": 1,
            "name": "px-nl",
            "listeners": [{ "name": "http", "address": format!("127.0.0.1:{visitors}") }],
            "admin": { "socket": path("proxy.sock"), "address": format!("127.0.0.1:{proxy_page}"), "pages": fleet },
            "state_dir": path("proxy"),
            "services": {
                "www": { "mode": "stateless", "hosts": ["www.example.net", "example.net", "a-name-that-is-as-long-as-such-names-get.example.net"],
                    "backends": [
                        { "name": "web1", "address": format!("127.0.0.1:{moody}") },
                        { "name": "web2", "address": format!("127.0.0.1:{steady}") }],
                    "check": check },
                "shop": { "hosts": ["shop.example.net"], "mode": "stateful",
                    "backends": [
                        { "name": "shop1", "address": format!("127.0.0.1:{steady}") },
                        { "name": "shop2", "address": format!("127.0.0.1:{moody}"), "backup": true }],
                    "cookie": { "value": "address" }, "check": check },
                "old": { "hosts": ["old.example.net"], "redirect": { "host": "www.example.net" } }
            }
        });
        std::fs::write(
            path("example.net.zone"),
            "$ORIGIN example.net.\n$TTL 60\n@ SOA ns1 hostmaster 7 7200 3600 1209600 60\n@ NS ns1\nns1 A 192.0.2.1\nwww CNAME http0.l\n",
        )
        .unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(["dnssec", "keygen", "example.net", "--folder"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let nameserver = json!({
            "version": 1,
            "name": "ns-ch",
            "listeners": [format!("127.0.0.1:{questions}")],
            "admin": { "socket": path("dns.sock"), "address": format!("127.0.0.1:{nameserver_page}"), "pages": fleet },
            "state_dir": path("dns"),
            "zones": { "example.net": { "file": "example.net.zone", "dnssec": { "keys": folder.path() } } },
            "pools": { "http0.l.example.net": {
                "members": { "px-nl": { "addresses": ["127.0.0.1"] }, "px-ch": { "addresses": ["127.0.0.2"] },
                    "px-be": { "addresses": ["127.0.0.3"] } },
                "check": { "port": moody, "path": "/", "interval": "100ms", "timeout": "5s" } } }
        });
        let start = |program: &str, name: &str, document: &Value| {
            std::fs::create_dir(path(name)).unwrap();
            let file = path(&format!("{name}.json"));
            std::fs::write(&file, document.to_string()).unwrap();
            let log = std::fs::File::create(path(&format!("{name}.log"))).unwrap();
            Command::new(program)
                .arg("--config")
                .arg(file)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap()
        };
        let processes = vec![
            start(env!("CARGO_BIN_EXE_polder-proxy"), "proxy", &proxy),
            start(env!("CARGO_BIN_EXE_polder-dns"), "dns", &nameserver),
        ];
        let pages = [("proxy", url(proxy_page)), ("nameserver", url(nameserver_page))];
        let mut fleet = Fleet { folder, processes, pages, visitors, well };
        for (name, port) in [("proxy", proxy_page), ("dns", nameserver_page)] {
            fleet.wait_until_ready(name, port);
        }
        fleet
    }

    fn wait_until_ready(&mut self, name: &str, port: u16) {
        let limit = Instant::now() + Duration::from_secs(60);
        let is_ready = || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
            write!(stream, "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.contains("\"ready\":true").then_some(())
        };
        while is_ready().is_none() {
            let file = self.folder.path().join(format!("{name}.log"));
            let log = || std::fs::read_to_string(&file).unwrap_or_default();
            let has_ended = self.processes.iter_mut().any(|process| process.try_wait().unwrap().is_some());
            assert!(!has_ended && Instant::now() < limit, "{name} is not ready:\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn pages(&self) -> [(&'static str, String); 2] {
        self.pages.clone()
    }

    /// Comes to a host as a visitor does, and has its response.
    pub fn visit(&self, host: &str) {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.visitors)).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }

    /// A daemon hangs: it keeps its connections, and says nothing.
    pub fn freeze(&self, daemon: &str) {
        self.signal(daemon, Signal::SIGSTOP);
    }

    /// It goes on.
    pub fn thaw(&self, daemon: &str) {
        self.signal(daemon, Signal::SIGCONT);
    }

    /// A daemon dies.
    pub fn kill(&self, daemon: &str) {
        self.signal(daemon, Signal::SIGKILL);
    }

    fn signal(&self, daemon: &str, signal: Signal) {
        let place = self.pages.iter().position(|(name, _)| *name == daemon).unwrap();
        let process = Pid::from_raw(self.processes[place].id().try_into().unwrap());
        nix::sys::signal::kill(process, signal).unwrap();
    }

    /// Whether web1, shop2 and px-nl answer as it should.
    pub fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
