//! BIND and Knot that serve a catalog with the zones that it lists: BIND's is written by hand, Knot makes its own.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::consumers::CATALOG;
use crate::servers::{KEY, Kind, Running, SECRET, server};

pub struct Producer {
    pub kind: Kind,
    pub port: u16,
    /// Who is told.
    told: u16,
    running: Running,
}

impl Producer {
    /// With these zones in the catalog, each with its file `a`, `b`.
    pub fn start(kind: Kind, port: u16, told: u16, members: &[&str], files: &[(&str, String)]) -> Producer {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (name, text) in files {
            fs::write(at.join(name), text).unwrap();
        }
        fs::create_dir(at.join("db")).unwrap();
        let command = match kind {
            Kind::Bind => {
                write_bind(at, port, told, members, 1);
                let mut command = server("named");
                command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
                command
            }
            Kind::Knot => {
                write_knot(at, port, told, members);
                let mut command = server("knotd");
                command.arg("-c").arg(at.join("conf"));
                command
            }
            Kind::Nsd => panic!("Debian 12's NSD knows no catalogs"),
        };
        Producer { kind, port, told, running: Running::start(folder, command) }
    }

    /// Has these zones in the catalog from now on. The serial is for the one that people write.
    pub fn load(&self, members: &[&str], serial: u32) {
        let at = self.running.folder.path();
        match self.kind {
            Kind::Bind => write_bind(at, self.port, self.told, members, serial),
            _ => write_knot(at, self.port, self.told, members),
        }
        kill(Pid::from_raw(self.running.process.id() as i32), Signal::SIGHUP).unwrap();
    }

    pub fn log(&self) -> String {
        self.running.log()
    }

    pub fn kill(&mut self) {
        self.running.process.kill().unwrap();
        self.running.process.wait().unwrap();
    }
}

fn write_bind(at: &Path, port: u16, told: u16, members: &[&str], serial: u32) {
    let folder = at.display();
    let mut catalog =
        format!("$TTL 0\n@ SOA invalid. invalid. {serial} 3600 600 86400 0\n@ NS invalid.\nversion TXT \"2\"\n");
    let mut text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; allow-transfer {{ key \"{KEY}\"; }}; notify explicit; \
         notify-delay 0; dnssec-validation no; empty-zones-enable no; ixfr-from-differences yes; \
         also-notify {{ 127.0.0.1 port {told} key \"{KEY}\"; }}; }};\ncontrols {{ }};\n\
         key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\nzone \"{CATALOG}\" {{ type primary; file \"catalog\"; }};\n"
    );
    for member in members {
        let file = member.trim_end_matches(".example");
        writeln!(catalog, "label-{file}.zones PTR {member}.").unwrap();
        writeln!(text, "zone \"{member}\" {{ type primary; file \"{file}\"; }};").unwrap();
    }
    fs::write(at.join("catalog"), catalog).unwrap();
    fs::write(at.join("conf"), text).unwrap();
}

fn write_knot(at: &Path, port: u16, told: u16, members: &[&str]) {
    let folder = at.display();
    let mut text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{folder}/db\"\ncontrol:\n  listen: \"{folder}/control\"\n\
         key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\nremote:\n  - id: ours\n    \
         address: 127.0.0.1@{told}\n    key: {KEY}\nacl:\n  - id: keyed\n    address: 127.0.0.1\n    key: {KEY}\n    \
         action: transfer\nzone:\n  - domain: {CATALOG}\n    storage: \"{folder}\"\n    notify: ours\n    acl: keyed\n    \
         catalog-role: generate\n"
    );
    for member in members {
        let file = member.trim_end_matches(".example");
        write!(
            text,
            "  - domain: {member}\n    storage: \"{folder}\"\n    file: {file}\n    notify: ours\n    acl: keyed\n    \
             semantic-checks: off\n    catalog-role: member\n    catalog-zone: {CATALOG}\n"
        )
        .unwrap();
    }
    fs::write(at.join("conf"), text).unwrap();
}
