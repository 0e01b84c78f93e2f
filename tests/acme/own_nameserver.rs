//! One of our own nameservers, as a process: it answers what the proxies tell it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use polder::daemon::peers::Identity;
use serde_json::{Value, json};

use super::eventually;
use crate::ports::free_address;

pub struct OwnNameserver {
    folder: tempfile::TempDir,
    pub address: SocketAddr,
    listen: SocketAddr,
    identity: Identity,
    process: Option<Child>,
}

impl Drop for OwnNameserver {
    fn drop(&mut self) {
        self.kill();
    }
}

impl OwnNameserver {
    /// One that serves `fleet.test` and hears these proxies (name, address, key).
    pub fn new(proxies: &[(String, SocketAddr, String)]) -> OwnNameserver {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("identity.key");
        let identity = Identity::make(&key_file).unwrap();
        let (address, listen) = (free_address(), free_address());
        let zone = "$TTL 5\n@ SOA ns1 hostmaster 1 3600 600 86400 5\n@ NS ns1\nns1 A 127.0.0.1\n";
        std::fs::write(folder.path().join("zone"), zone).unwrap();
        let from = |(name, address, key): &(String, SocketAddr, String)| {
            (name.clone(), json!({ "addresses": [address.ip()], "keys": [key] }))
        };
        let from: serde_json::Map<String, Value> = proxies.iter().map(from).collect();
        let document = json!({
            "version": 1,
            "name": "ns-1",
            "listeners": [address],
            "admin": { "socket": folder.path().join("admin.sock") },
            "state_dir": folder.path().join("state"),
            "workers": 1,
            "acme_challenges": { "listen": listen, "key_file": key_file, "from": from },
            "zones": { "fleet.test": { "file": "zone" } },
        });
        std::fs::create_dir(folder.path().join("state")).unwrap();
        std::fs::write(folder.path().join("dns.json"), document.to_string()).unwrap();
        OwnNameserver { folder, address, listen, identity, process: None }
    }

    /// As a proxy's document has it.
    pub fn member(&self) -> Value {
        json!({ "address": self.listen, "keys": [self.identity.public().to_string()] })
    }

    pub fn start(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_polder-dns"))
            .arg("--config")
            .arg(self.folder.path().join("dns.json"))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("LISTEN_FDS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.process = Some(process.unwrap());
        eventually("the nameserver listens", || std::net::TcpStream::connect(self.listen).is_ok());
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}
