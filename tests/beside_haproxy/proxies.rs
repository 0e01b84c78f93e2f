//! polder-proxy and HAProxy over backends of the same kind, set up alike.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::ports::free_address;
use crate::scripts::Backends;

/// No event is waited for longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Another process may take a port between its choice and its use.
const ATTEMPTS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Polder,
    HaProxy,
}

pub struct Proxy {
    pub address: SocketAddr,
    pub backends: Backends,
    process: Child,
    folder: TempDir,
}

impl Proxy {
    pub fn start(kind: Kind) -> Proxy {
        let end = Instant::now() + LIMIT;
        for _ in 0..ATTEMPTS {
            let mut proxy = Proxy::spawn(kind);
            while proxy.process.try_wait().unwrap().is_none() {
                if TcpStream::connect(proxy.address).is_ok() {
                    return proxy;
                }
                assert!(Instant::now() < end, "{kind:?} does not listen:\n{}", proxy.log());
                std::thread::sleep(Duration::from_millis(10));
            }
            eprintln!("{kind:?} has ended:\n{}", proxy.log());
        }
        panic!("{kind:?} does not start");
    }

    fn spawn(kind: Kind) -> Proxy {
        let backends = Backends::start();
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut command = match kind {
            Kind::Polder => polder(&folder, address, &backends),
            Kind::HaProxy => haproxy(&folder, address, &backends),
        };
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; install haproxy", command.get_program().display());
        });
        Proxy { address, backends, process, folder }
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn polder(folder: &TempDir, address: SocketAddr, backends: &Backends) -> Command {
    let at = folder.path();
    let backend = |name: &str| json!({ "name": name, "address": backends.address(name) });
    let check = json!({ "type": "tcp", "interval": "1h" });
    let service = |host: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| backend(name)).collect();
        json!({ "hosts": [host], "mode": "stateless", "backends": names, "check": check, "retries": 1 })
    };
    let mut www = service("www.test", &["a", "b"]);
    www["mode"] = "stateful".into();
    www["cookie"] = json!({ "name": "polder-www", "value": "address" });
    let document = json!({
        "version": 1,
        "name": "px-test",
        "listeners": [{ "name": "http", "address": address }],
        "admin": { "socket": at.join("admin.sock") },
        "state_dir": at.join("state"),
        "workers": 1,
        "limits": { "connections_per_address": 1000, "connections": 1000 },
        "services": { "www": www, "plain": service("plain.test", &["a", "b"]), "none": service("none.test", &["dead"]) },
    });
    fs::create_dir(at.join("state")).unwrap();
    fs::write(at.join("proxy.json"), document.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
    command.arg("--config").arg(at.join("proxy.json"));
    command
}

/// What polder does by itself is asked of HAProxy in words: forwarded fields, other spellings of fields, retries of what may be
/// sent again, 404 for unknown hosts.
fn haproxy(folder: &TempDir, address: SocketAddr, backends: &Backends) -> Command {
    let (a, b, dead) = (backends.address("a"), backends.address("b"), backends.address("dead"));
    let text = format!(
        "global\n  maxconn 1000\n  nbthread 1\n\
         defaults\n  mode http\n  timeout connect 4s\n  timeout client 30s\n  timeout server 30s\n  timeout http-request 10s\n  \
         timeout http-keep-alive 60s\n  timeout tunnel 1h\n  retries 1\n  option redispatch\n  http-reuse always\n  option forwardfor\n  \
         option http-restrict-req-hdr-names delete\n  retry-on conn-failure empty-response\n\
         frontend http\n  bind {address}\n  acl www req.hdr(host),host_only,lower -m str www.test\n  \
         acl plain req.hdr(host),host_only,lower -m str plain.test\n  acl none req.hdr(host),host_only,lower -m str none.test\n  \
         http-request return status 404 unless www or plain or none\n  use_backend www if www\n  use_backend plain if plain\n  \
         use_backend none if none\n\
         backend www\n  cookie polder-www insert indirect nocache\n  http-request disable-l7-retry unless METH_GET\n  \
         server a {a} cookie {a}\n  server b {b} cookie {b}\n\
         backend plain\n  http-request disable-l7-retry unless METH_GET\n  server a {a}\n  server b {b}\n\
         backend none\n  server dead {dead}\n"
    );
    let config = folder.path().join("haproxy.cfg");
    fs::write(&config, text).unwrap();
    // Debian keeps it where only root's PATH looks.
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join("haproxy")).find(|file| file.exists());
    let mut command = Command::new(found.unwrap_or_else(|| "haproxy".into()));
    command.arg("-db").arg("-f").arg(config);
    command
}
