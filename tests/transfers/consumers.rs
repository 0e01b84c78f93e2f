//! BIND and Knot that learn from a catalog what to serve, and polder-dns with several zones.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::servers::{KEY, Kind, Running, SECRET, polder_dns, prepare_zones, server, write_document};

pub const CATALOG: &str = "catalog.example.net";

/// polder-dns with these zones.
pub struct Ours {
    pub running: Running,
    pub port: u16,
}

impl Ours {
    /// `files` are zone files by name.
    pub fn start(port: u16, zones: &Value, files: &[(&str, String)]) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (name, text) in files {
            fs::write(at.join(name), text).unwrap();
        }
        let command = prepare_zones(at, port, zones);
        Ours { running: Running::start(folder, command), port }
    }

    /// Puts a document with these zones in force.
    pub fn load(&self, zones: &Value) {
        write_document(self.running.folder.path(), self.port, zones);
        kill(Pid::from_raw(self.running.process.id() as i32), Signal::SIGHUP).unwrap();
    }

    /// Dies and is started again.
    pub fn crash(&mut self) {
        let command = polder_dns(self.running.folder.path());
        self.running.replace(command);
    }

    pub fn log(&self) -> String {
        self.running.log()
    }
}

/// A server that serves what a catalog names.
pub struct Consumer {
    pub kind: Kind,
    pub port: u16,
    running: Running,
}

impl Consumer {
    pub fn start(kind: Kind, port: u16, primary: u16) -> Consumer {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let command = match kind {
            Kind::Bind => bind(at, port, primary),
            Kind::Knot => knot(at, port, primary),
            Kind::Nsd => panic!("Debian 12's NSD knows no catalogs"),
        };
        Consumer { kind, port, running: Running::start(folder, command) }
    }

    pub fn log(&self) -> String {
        self.running.log()
    }
}

fn bind(at: &Path, port: u16, primary: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; allow-transfer {{ any; }}; notify no; \
         dnssec-validation no; empty-zones-enable no; check-names secondary ignore; catalog-zones {{ zone \"{CATALOG}\" \
         default-primaries {{ 127.0.0.1 port {primary} key \"{KEY}\"; }} in-memory yes min-update-interval 1; }}; }};\n\
         controls {{ }};\nkey \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         zone \"{CATALOG}\" {{ type secondary; file \"catalog\"; primaries {{ 127.0.0.1 port {primary} key \"{KEY}\"; }}; }};\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("named");
    command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
    command
}

fn knot(at: &Path, port: u16, primary: u16) -> Command {
    fs::create_dir(at.join("db")).unwrap();
    let folder = at.display();
    let text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{folder}/db\"\ncontrol:\n  listen: \"{folder}/control\"\n\
         key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\nremote:\n  - id: primary\n    \
         address: 127.0.0.1@{primary}\n    key: {KEY}\nacl:\n  - id: told\n    address: 127.0.0.1\n    key: {KEY}\n    \
         action: notify\n  - id: copied\n    address: 127.0.0.1\n    action: transfer\ntemplate:\n  - id: member\n    \
         storage: \"{folder}\"\n    master: primary\n    acl: [told, copied]\n    semantic-checks: off\nzone:\n  \
         - domain: {CATALOG}\n    storage: \"{folder}\"\n    master: primary\n    acl: [told, copied]\n    \
         catalog-role: interpret\n    catalog-template: member\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("knotd");
    command.arg("-c").arg(at.join("conf"));
    command
}
