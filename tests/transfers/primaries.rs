//! NSD, Knot and BIND as primaries, and polder-dns as their secondary.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::servers::{KEY, Kind, Running, SECRET, polder_dns, prepare_polder_dns, server};
use crate::zone::Zone;

pub struct Other {
    pub kind: Kind,
    pub port: u16,
    running: Running,
}

impl Other {
    /// It tells who listens there.
    pub fn start(kind: Kind, port: u16, ours: u16, zone: &Zone) -> Other {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("zone"), zone.text()).unwrap();
        let command = match kind {
            Kind::Nsd => nsd(at, port, ours),
            Kind::Knot => knot(at, port, ours, ""),
            Kind::Bind => bind(at, port, ours),
        };
        Other { kind, port, running: Running::start(folder, command) }
    }

    /// Knot, which puts the digest of a zone into it (ZONEMD), and a serial of its own.
    pub fn with_digest(port: u16, ours: u16, zone: &Zone) -> Other {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("zone"), zone.text()).unwrap();
        let command = knot(folder.path(), port, ours, "    zonemd-generate: zonemd-sha512\n");
        Other { kind: Kind::Knot, port, running: Running::start(folder, command) }
    }

    pub fn load(&self, zone: &Zone) {
        let folder = self.running.folder.path();
        fs::write(folder.join("next"), zone.text()).unwrap();
        fs::rename(folder.join("next"), folder.join("zone")).unwrap();
        kill(Pid::from_raw(self.running.process.id() as i32), Signal::SIGHUP).unwrap();
    }

    pub fn log(&self) -> String {
        self.running.log()
    }
}

/// polder-dns with zones from these.
pub struct Ours {
    pub running: Running,
    pub port: u16,
}

impl Ours {
    pub fn start(port: u16, primaries: &[u16]) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let primaries: Vec<_> =
            primaries.iter().map(|port| json!({ "address": format!("127.0.0.1:{port}"), "key": KEY })).collect();
        let transfer = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
        let command = prepare_polder_dns(at, port, &json!({ "primaries": primaries, "transfer": transfer }));
        Ours { running: Running::start(folder, command), port }
    }

    /// Dies and is started again.
    pub fn crash(&mut self) {
        let command = polder_dns(self.running.folder.path());
        self.running.replace(command);
    }

    pub fn log(&self) -> String {
        self.running.log()
    }

    /// How many times what had changed has come, and no whole zone.
    pub fn differences(&self) -> usize {
        self.log()
            .lines()
            .filter(|line| line.contains("has come from") && line.contains("what has changed since"))
            .count()
    }
}

fn nsd(at: &Path, port: u16, ours: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/pid\"\n zonelistfile: \"{folder}/list\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
         verbosity: 2\nremote-control:\n control-enable: no\nkey:\n name: \"{KEY}\"\n algorithm: hmac-sha256\n secret: \"{SECRET}\"\n\
         zone:\n name: \"example.net\"\n zonefile: \"zone\"\n store-ixfr: yes\n create-ixfr: yes\n notify: 127.0.0.1@{ours} {KEY}\n \
         provide-xfr: 127.0.0.1 {KEY}\n provide-xfr: 127.0.0.1 NOKEY\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("nsd");
    command.arg("-d").arg("-c").arg(at.join("conf"));
    command
}

fn knot(at: &Path, port: u16, ours: u16, more: &str) -> Command {
    fs::create_dir(at.join("db")).unwrap();
    let folder = at.display();
    let text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{folder}/db\"\ncontrol:\n  listen: \"{folder}/control\"\n\
         key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\nremote:\n  - id: ours\n    \
         address: 127.0.0.1@{ours}\n    key: {KEY}\nacl:\n  - id: keyed\n    address: 127.0.0.1\n    key: {KEY}\n    \
         action: transfer\n  - id: copied\n    address: 127.0.0.1\n    action: transfer\nzone:\n  - domain: example.net\n    \
         storage: \"{folder}\"\n    file: zone\n    notify: ours\n    acl: [keyed, copied]\n    semantic-checks: off\n    \
         zonefile-load: difference\n    zonefile-sync: -1\n    journal-content: changes\n{more}"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("knotd");
    command.arg("-c").arg(at.join("conf"));
    command
}

fn bind(at: &Path, port: u16, ours: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; allow-transfer {{ any; }}; notify explicit; notify-delay 0; \
         dnssec-validation no; empty-zones-enable no; ixfr-from-differences yes; check-names primary ignore; }};\ncontrols {{ }};\n\
         key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         zone \"example.net\" {{ type primary; file \"zone\"; also-notify {{ 127.0.0.1 port {ours} key \"{KEY}\"; }}; }};\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("named");
    command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
    command
}
