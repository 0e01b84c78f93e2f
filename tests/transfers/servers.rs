//! polder-dns as the primary and the others as its secondaries, in folders of their own, on ports of loopback that were free.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ports::free_address;
use crate::zone::Zone;

pub const KEY: &str = "trans.key";
pub const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nsd,
    Knot,
    Bind,
}

pub struct Running {
    pub process: Child,
    pub folder: TempDir,
}

impl Running {
    pub fn start(folder: TempDir, command: Command) -> Running {
        let process = spawn(folder.path(), command);
        Running { process, folder }
    }

    /// Kills it, and starts this in its place.
    pub fn replace(&mut self, command: Command) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(self.folder.path(), command);
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn spawn(folder: &Path, mut command: Command) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).current_dir(folder);
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()))
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes what a polder-dns of one zone needs; gives the command that starts it.
pub fn prepare_polder_dns(at: &Path, port: u16, zone: &Value) -> Command {
    prepare_zones(at, port, &json!({ "example.net": zone }))
}

/// The same of these zones.
pub fn prepare_zones(at: &Path, port: u16, zones: &Value) -> Command {
    fs::create_dir(at.join("state")).unwrap();
    fs::write(at.join("secret"), SECRET).unwrap();
    write_document(at, port, zones);
    polder_dns(at)
}

/// Writes the document of a polder-dns with these zones.
pub fn write_document(at: &Path, port: u16, zones: &Value) {
    let document = json!({
        "version": 1,
        "name": "ns-ours",
        "listeners": [format!("127.0.0.1:{port}")],
        "admin": { "socket": at.join("admin.sock") },
        "state_dir": at.join("state"),
        "workers": 1,
        "tsig_keys": { KEY: { "algorithm": "hmac-sha256", "secret_file": "secret" } },
        "zones": zones,
    });
    fs::write(at.join("dns.json"), document.to_string()).unwrap();
}

pub struct Primary {
    pub running: Running,
    pub port: u16,
}

impl Primary {
    /// It tells those that listen there.
    pub fn start(zone: &Zone, secondaries: &[u16]) -> Primary {
        let folder = tempfile::tempdir().unwrap();
        let (at, port) = (folder.path(), free_address().port());
        let notify: Vec<_> =
            secondaries.iter().map(|port| json!({ "address": format!("127.0.0.1:{port}"), "key": KEY })).collect();
        fs::write(at.join("zone"), zone.text()).unwrap();
        let transfer = json!({ "allow": [{ "key": KEY, "networks": ["127.0.0.0/8"] }], "notify": notify });
        let command = prepare_polder_dns(at, port, &json!({ "file": "zone", "transfer": transfer }));
        Primary { running: Running::start(folder, command), port }
    }

    /// Puts the zone's file in its place.
    pub fn write(&self, zone: &Zone) {
        let folder = self.running.folder.path();
        fs::write(folder.join("next"), zone.text()).unwrap();
        fs::rename(folder.join("next"), folder.join("zone")).unwrap();
    }

    /// Dies and is started again.
    pub fn crash(&mut self) {
        let command = polder_dns(self.running.folder.path());
        self.running.replace(command);
    }

    /// How many transfers brought what had changed, and no whole zone.
    pub fn differences(&self) -> usize {
        self.log().matches(", what has changed since ").count()
    }

    /// Puts the zone in force.
    pub fn load(&self, zone: &Zone) {
        self.write(zone);
        kill(Pid::from_raw(self.running.process.id() as i32), Signal::SIGHUP).unwrap();
    }

    pub fn log(&self) -> String {
        self.running.log()
    }
}

pub fn polder_dns(at: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-dns"));
    command.arg("--config").arg(at.join("dns.json"));
    command
}

pub struct Secondary {
    pub kind: Kind,
    pub port: u16,
    running: Running,
}

impl Secondary {
    pub fn start(kind: Kind, port: u16, primary: u16) -> Secondary {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let command = match kind {
            Kind::Nsd => nsd(at, port, primary),
            Kind::Knot => knot(at, port, primary),
            Kind::Bind => bind(at, port, primary),
        };
        Secondary { kind, port, running: Running::start(folder, command) }
    }

    pub fn log(&self) -> String {
        self.running.log()
    }
}

fn nsd(at: &Path, port: u16, primary: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/pid\"\n zonelistfile: \"{folder}/list\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
         verbosity: 2\nremote-control:\n control-enable: no\nkey:\n name: \"{KEY}\"\n algorithm: hmac-sha256\n secret: \"{SECRET}\"\n\
         zone:\n name: \"example.net\"\n zonefile: \"copy\"\n request-xfr: 127.0.0.1@{primary} {KEY}\n allow-notify: 127.0.0.1 {KEY}\n \
         provide-xfr: 127.0.0.1 NOKEY\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("nsd");
    command.arg("-d").arg("-c").arg(at.join("conf"));
    command
}

fn knot(at: &Path, port: u16, primary: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "server:\n  rundir: \"{folder}\"\n  listen: 127.0.0.1@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{folder}/db\"\ncontrol:\n  listen: \"{folder}/control\"\n\
         key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {SECRET}\nremote:\n  - id: primary\n    \
         address: 127.0.0.1@{primary}\n    key: {KEY}\nacl:\n  - id: told\n    address: 127.0.0.1\n    key: {KEY}\n    \
         action: notify\n  - id: copied\n    address: 127.0.0.1\n    action: transfer\nzone:\n  - domain: example.net\n    \
         storage: \"{folder}\"\n    file: copy\n    master: primary\n    acl: [told, copied]\n    semantic-checks: off\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("knotd");
    command.arg("-c").arg(at.join("conf"));
    command
}

fn bind(at: &Path, port: u16, primary: u16) -> Command {
    let folder = at.display();
    let text = format!(
        "options {{ directory \"{folder}\"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; allow-transfer {{ any; }}; notify no; \
         dnssec-validation no; empty-zones-enable no; check-names secondary ignore; }};\ncontrols {{ }};\n\
         key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         zone \"example.net\" {{ type secondary; file \"copy\"; primaries {{ 127.0.0.1 port {primary} key \"{KEY}\"; }}; }};\n"
    );
    fs::write(at.join("conf"), text).unwrap();
    let mut command = server("named");
    command.arg("-g").arg("-n").arg("1").arg("-c").arg(at.join("conf"));
    command
}

/// What kdig says, the question first.
pub fn kdig(port: u16, key: Option<&str>, query: &[&str]) -> String {
    let mut command = Command::new("kdig");
    command.args(["@127.0.0.1", "-p", &port.to_string(), "+retry=0", "+time=20"]);
    if let Some(key) = key {
        command.args(["-y", key]);
    }
    let output = command.args(query).output().unwrap_or_else(|error| panic!("kdig: {error}; install knot-dnsutils"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The serial that is answered there.
pub fn serial(port: u16) -> Option<u32> {
    serial_of(port, "example.net", None)
}

/// The serial of a zone that is answered there to a query that is signed with this key, or with none.
pub fn serial_of(port: u16, zone: &str, key: Option<&str>) -> Option<u32> {
    let said = kdig(port, key, &[zone, "SOA", "+short", "+time=1"]);
    said.lines().find(|line| !line.starts_with(';'))?.split(' ').nth(2)?.parse().ok()
}

/// All records of the zone, by a transfer: lines of text, owners in lower case.
pub fn records(port: u16, is_signed: bool) -> BTreeSet<String> {
    let key = format!("hmac-sha256:{KEY}:{SECRET}");
    let query = ["example.net", "AXFR", "+noall", "+answer"];
    let said = kdig(port, is_signed.then_some(&*key), &query);
    let lines = said.lines().filter(|line| !line.is_empty() && !line.starts_with(';'));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()).collect()
}

/// Debian keeps servers where only root's PATH looks.
pub fn server(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.exists());
    Command::new(found.unwrap_or_else(|| name.into()))
}
