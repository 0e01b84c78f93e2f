//! `polder rehearse` with the real daemons: what it lets through, what it refuses and with which words, and that it leaves
//! nothing behind.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

#[path = "common/ports.rs"]
mod ports;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use polder::push::rehearsal::Rehearsed;
use ports::free_address;
use serde_json::{Value, json};
use tempfile::TempDir;

/// No event is waited for longer.
const LIMIT: Duration = Duration::from_secs(60);

const ZONE: &str = "example.test";
const POOL: &str = "http.example.test";

/// A machine: a running system, a new one, and backends.
struct Machine {
    folder: TempDir,
    /// Where visitors and resolvers are served.
    at: SocketAddr,
    web: SocketAddr,
    daemons: Vec<Child>,
}

impl Drop for Machine {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Machine {
    fn new() -> Machine {
        let folder = tempfile::tempdir().unwrap();
        for system in ["running", "new"] {
            let bin = folder.path().join(system).join("etc/polder/bin");
            fs::create_dir_all(&bin).unwrap();
            symlink(env!("CARGO_BIN_EXE_polder-proxy"), bin.join("polder-proxy")).unwrap();
            symlink(env!("CARGO_BIN_EXE_polder-dns"), bin.join("polder-dns")).unwrap();
        }
        fs::create_dir(folder.path().join("tmp")).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        Machine { folder, at: free_address(), web: webserver("200 OK"), daemons: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn documents(&self, system: &str) -> PathBuf {
        self.path(system).join("etc/polder")
    }

    fn write(&self, system: &str, name: &str, document: &Value) {
        fs::write(self.documents(system).join(name), document.to_string()).unwrap();
    }

    fn own(&self, name: &str) -> (Value, PathBuf) {
        (json!({ "socket": self.path(&format!("{name}.sock")) }), self.path("state"))
    }

    /// A stateful service with a primary and a backup, and a stateless one.
    fn proxy(&self) -> Value {
        let (admin, state_dir) = self.own("proxy");
        let check = json!({ "path": "/healthz", "interval": "200ms", "timeout": "1s" });
        json!({
            "version": 1, "name": "px", "workers": 1,
            "listeners": [{ "name": "http", "address": self.at }], "admin": admin, "state_dir": state_dir,
            "services": {
                "www": {
                    "hosts": ["www.example.test", "*.example.test"], "paths": ["/", "/app"], "mode": "stateless",
                    "backends": [{ "name": "web1", "address": self.web }], "check": check,
                },
                "shop": {
                    "hosts": ["shop.example.test"], "mode": "stateful", "failover": "permanent",
                    "backends": [
                        { "name": "shop1", "address": self.web },
                        { "name": "shop2", "address": webserver("200 OK"), "backup": true },
                    ],
                    "check": check,
                    "cookie": { "value": "address" },
                },
            },
        })
    }

    fn nameserver(&self, system: &str, serial: u32) -> Value {
        let zone = format!(
            "$ORIGIN {ZONE}.\n$TTL 60\n@ IN SOA ns hostmaster {serial} 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n"
        );
        fs::write(self.documents(system).join("example.zone"), zone).unwrap();
        let (admin, state_dir) = self.own("dns");
        json!({
            "version": 1, "name": "ns", "workers": 1, "listeners": [self.at], "admin": admin, "state_dir": state_dir,
            "zones": { ZONE: { "file": "example.zone" } },
            "pools": { POOL: {
                "aliases": [ZONE], "when_all_down": "empty", "members": { "px": { "addresses": [self.web.ip()] } },
                "check": { "path": "/healthz", "port": self.web.port(), "interval": "200ms", "timeout": "1s" },
            } },
        })
    }

    /// Starts the running system's daemon and waits until it is ready.
    fn run(&mut self, program: &str, document: &Value) {
        let name = if program == "polder-proxy" { "proxy.json" } else { "dns.json" };
        self.write("running", name, document);
        let documents = self.documents("running");
        let mut command = Command::new(documents.join("bin").join(program));
        command.arg("--config").arg(documents.join(name)).stdin(Stdio::null()).stderr(Stdio::null());
        self.daemons.push(command.spawn().unwrap());
        let socket = PathBuf::from(document["admin"]["socket"].as_str().unwrap());
        eventually(&format!("{program} is ready"), || {
            ask(&socket, "/status").is_some_and(|said| said["ready"] == true)
        });
    }

    /// `polder rehearse`, its answer and its exit code.
    fn rehearse(&self) -> (Rehearsed, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(["rehearse", "--json", "--system"])
            .arg(self.path("new"))
            .arg("--running")
            .arg(self.documents("running"))
            .env("TMPDIR", self.path("tmp"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let rehearsed =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}: {said}"));
        self.assert_nothing_is_left();
        (rehearsed, output.status.code().unwrap())
    }

    /// No file, and no process that names one.
    #[track_caller]
    fn assert_nothing_is_left(&self) {
        let left: Vec<PathBuf> = fs::read_dir(self.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(process_with(&self.path("tmp").to_string_lossy()), None);
    }

    /// What the state folder has, with its contents.
    fn state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.path("state")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap_or_default())).collect()
    }
}

/// Answers this to everything.
fn webserver(status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    answer_all(listener, status);
    at
}

fn answer_all(listener: TcpListener, status: &'static str) {
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
}

fn ask(socket: &Path, path: &str) -> Option<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(polder::api::client::Client::new(socket).get(path)).ok()
}

fn post(socket: &Path, path: &str, body: &Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(polder::api::client::Client::new(socket).post(path, body)).unwrap();
}

fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !happened() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The command line of a process that has this in it.
fn process_with(text: &str) -> Option<String> {
    fs::read_dir("/proc").unwrap().flatten().find_map(|process| {
        let words = fs::read(process.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        words.contains(text).then_some(words)
    })
}

#[track_caller]
fn assert_one(said: &[String], words: &[&str]) {
    let has_all = |line: &&String| words.iter().all(|word| line.contains(word));
    assert_eq!(said.iter().filter(has_all).count(), 1, "{words:?} in {said:#?}");
}

#[test]
fn a_good_proxy_is_let_through_and_every_route_is_told() {
    let mut machine = Machine::new();
    let document = machine.proxy();
    machine.run("polder-proxy", &document);
    machine.write("new", "proxy.json", &document);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, &rehearsed.notes, code), (&vec![], &vec![], 0));
    assert_eq!(rehearsed.proved.len(), 5, "{rehearsed:#?}");
    assert_one(&rehearsed.proved, &["www.example.test/app answers 200"]);
}

#[test]
fn a_proxy_that_speaks_https_is_rehearsed_in_clear_text_also_before_its_certificates_are_there() {
    let mut machine = Machine::new();
    let mut document = machine.proxy();
    let listener = json!({ "name": "https", "address": free_address(), "protocol": "https" });
    document["listeners"].as_array_mut().unwrap().insert(0, listener);
    let certificate = json!({ "chain_file": machine.path("www.pem"), "key_file": machine.path("www.key") });
    document["services"]["www"]["tls"] = json!({ "certificates": [certificate] });
    document["services"]["www"]["https"] = json!("redirect");
    document["services"]["www"]["hsts"] = json!({});
    document["tls"] = json!({ "default": "www" });
    machine.run("polder-proxy", &document);
    machine.write("new", "proxy.json", &document);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, &rehearsed.notes, code), (&vec![], &vec![], 0));
    assert_one(&rehearsed.proved, &["www.example.test/app answers 200"]);
    // Without its certificates visitors are served in clear text, so that can be compared.
    let mut wrong = document.clone();
    wrong["services"]["www"]["backends"][0]["address"] = json!(free_address());
    machine.write("new", "proxy.json", &wrong);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (5, 1), "{rehearsed:#?}");
    assert_one(&rehearsed.worse, &["www/web1 is up at", "and down at"]);
    assert_one(&rehearsed.worse, &["www.example.test/app answers 503, and 200 now"]);
}

#[test]
fn services_without_backends_are_rehearsed_as_they_are_written() {
    let mut machine = Machine::new();
    let document = machine.proxy();
    machine.run("polder-proxy", &document);
    let mut new = document.clone();
    fs::create_dir(machine.path("www")).unwrap();
    fs::write(machine.path("www/index.html"), "home").unwrap();
    let services = &mut new["services"];
    services["old"] = json!({ "hosts": ["old.example.test"], "redirect": { "host": "www.example.test" } });
    services["static"] = json!({ "hosts": ["static.example.test"], "files": { "folder": machine.path("www") } });
    // It was served by backends, and is closed now.
    services["www"] =
        json!({ "hosts": ["www.example.test", "*.example.test"], "answer": { "status": 503, "body": "closed" } });
    machine.write("new", "proxy.json", &new);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, &rehearsed.notes, code), (&vec![], &vec![], 0));
    for proved in ["old.example.test/ answers 302", "static.example.test/ answers 200", "www.example.test/ answers 503"]
    {
        assert_one(&rehearsed.proved, &[proved]);
    }
}

#[test]
fn a_folder_that_is_not_there_is_refused_where_pages_are_served_now() {
    let mut machine = Machine::new();
    let mut document = machine.proxy();
    fs::create_dir(machine.path("www")).unwrap();
    fs::write(machine.path("www/index.html"), "home").unwrap();
    document["services"]["static"] =
        json!({ "hosts": ["static.example.test"], "files": { "folder": machine.path("www") } });
    machine.run("polder-proxy", &document);
    document["services"]["static"]["files"]["folder"] = json!(machine.path("nowhere"));
    machine.write("new", "proxy.json", &document);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (1, 1), "{rehearsed:#?}");
    assert_one(&rehearsed.worse, &["service static: static.example.test/ answers 503, and 200 now"]);
}

#[test]
fn a_wrong_port_of_a_backend_is_refused_with_the_service_and_the_reason() {
    let mut machine = Machine::new();
    let document = machine.proxy();
    machine.run("polder-proxy", &document);
    let mut wrong = document.clone();
    let refusing = free_address();
    wrong["services"]["www"]["backends"][0]["address"] = json!(refusing);
    machine.write("new", "proxy.json", &wrong);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (5, 1), "{rehearsed:#?}");
    assert_one(
        &rehearsed.worse,
        &["service www: www.example.test/app answers 503", "and 200 now", "web1", &refusing.to_string(), "refused"],
    );
    assert_one(&rehearsed.worse, &["www/web1 is up at", "and down at", "`polder maint www/web1` first"]);
    assert_one(&rehearsed.proved, &["shop.example.test/"]);
}

#[test]
fn a_backup_that_would_be_lost_is_refused_though_every_route_is_served() {
    let mut machine = Machine::new();
    let document = machine.proxy();
    machine.run("polder-proxy", &document);
    let mut wrong = document.clone();
    let refusing = free_address();
    wrong["services"]["shop"]["backends"][1]["address"] = json!(refusing);
    machine.write("new", "proxy.json", &wrong);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (1, 1), "{rehearsed:#?}");
    assert_one(&rehearsed.worse, &["shop/shop2 is up at", &format!("down at {refusing}"), "refused"]);
    assert_one(&rehearsed.proved, &["shop.example.test/ answers 200"]);
}

#[test]
fn a_backend_that_is_down_anyway_is_a_note_and_a_new_service_without_one_is_not() {
    let mut machine = Machine::new();
    let mut document = machine.proxy();
    let dead = free_address();
    document["services"]["www"]["backends"][0]["address"] = json!(dead);
    machine.run("polder-proxy", &document);
    let mut new = document["services"]["www"].clone();
    new["hosts"] = json!(["new.example.net"]);
    new["paths"] = json!(["/"]);
    document["services"]["new"] = new;
    machine.write("new", "proxy.json", &document);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!(code, 1);
    assert_one(&rehearsed.worse, &["service new: new.example.net/ answers 503, and is new"]);
    assert_one(&rehearsed.notes, &["www.example.test/app answers 503, as it does now"]);
}

#[test]
fn the_state_of_the_running_proxy_is_left_alone_and_its_latch_followed() {
    let mut machine = Machine::new();
    let document = machine.proxy();
    machine.run("polder-proxy", &document);
    let socket = machine.path("proxy.sock");
    post(&socket, "/failover", &json!({ "service": "shop", "to": "shop2", "who": "test" }));
    let on_backup = || {
        let status = ask(&socket, "/status").unwrap();
        let shop = status["services"].as_array().unwrap().iter().find(|service| service["name"] == "shop").unwrap();
        shop["latch"]["active"] == "shop2" && shop["latch"]["stored"] == true
    };
    eventually("the backup is active", on_backup);
    let latches = || machine.state().into_iter().filter(|(file, _)| file.to_string_lossy().contains("latch"));
    let before: Vec<_> = latches().collect();
    assert!(!before.is_empty(), "{:?}", machine.state());
    // The primary goes; visitors are on the backup, and must be in the rehearsal.
    let mut without = document.clone();
    without["services"]["shop"]["backends"][0]["address"] = json!(free_address());
    without["services"]["shop"]["failover_drain"] = json!("0s");
    machine.write("new", "proxy.json", &without);
    // An operator who means it takes it out first.
    post(&socket, "/operator", &json!({ "subject": "shop/shop1", "state": "maint", "who": "test", "why": "moves" }));
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, code), (&vec![], 0));
    assert_one(&rehearsed.proved, &["shop.example.test/ answers 200"]);
    assert_eq!(latches().collect::<Vec<_>>(), before);
}

#[test]
fn a_first_push_is_compared_with_nothing() {
    let machine = Machine::new();
    let mut document = machine.proxy();
    document["services"]["www"]["backends"][0]["address"] = json!(free_address());
    machine.write("new", "proxy.json", &document);
    machine.write("new", "dns.json", &machine.nameserver("new", 1));
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, code), (&vec![], 0));
    assert_one(&rehearsed.notes, &["no proxy runs here"]);
    assert_one(&rehearsed.notes, &["service www: www.example.test/app", "nothing to compare with"]);
    assert_one(&rehearsed.proved, &["zone example.test answers with serial 1 over UDP and TCP"]);
    assert!(machine.state().is_empty());
}

#[test]
fn a_key_file_that_is_not_there_is_refused_and_none_is_read() {
    let machine = Machine::new();
    let mut document = machine.proxy();
    let key = machine.path("no-such-key");
    document["services"]["shop"]["cookie"] = json!({ "value": "sealed", "key_file": key });
    machine.write("new", "proxy.json", &document);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!(code, 1);
    assert_one(&rehearsed.worse, &[key.to_str().unwrap(), "this host has no such key file"]);
}

#[test]
fn a_document_that_is_not_valid_is_refused_with_its_findings() {
    let machine = Machine::new();
    let mut document = machine.proxy();
    document["services"]["www"]["mode"] = json!("statless");
    machine.write("new", "proxy.json", &document);
    machine.write("new", "dns.json", &json!({ "version": 1 }));
    let (rehearsed, code) = machine.rehearse();
    assert_eq!(code, 1);
    assert_one(&rehearsed.worse, &["polder-proxy", "statless"]);
    assert_one(&rehearsed.worse, &["polder-dns", "zones"]);
}

#[test]
fn a_good_nameserver_is_let_through_and_a_lower_serial_is_a_note() {
    let mut machine = Machine::new();
    let document = machine.nameserver("running", 7);
    machine.run("polder-dns", &document);
    for serial in [7, 8] {
        machine.write("new", "dns.json", &machine.nameserver("new", serial));
        let (rehearsed, code) = machine.rehearse();
        assert_eq!((&rehearsed.worse, &rehearsed.notes, code), (&vec![], &vec![], 0));
        let zone = format!("zone {ZONE} answers with serial {serial} over UDP and TCP");
        assert_eq!(
            rehearsed.proved,
            [zone, format!("{POOL} answers with 1 address"), format!("{ZONE} answers with 1 address")]
        );
    }
    machine.write("new", "dns.json", &machine.nameserver("new", 6));
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, code), (&vec![], 0));
    assert_one(&rehearsed.notes, &["zone example.test: serial 6 is lower than 7"]);
}

#[test]
fn a_pool_that_would_be_empty_is_refused_with_its_members() {
    let mut machine = Machine::new();
    let document = machine.nameserver("running", 7);
    machine.run("polder-dns", &document);
    let mut wrong = machine.nameserver("new", 7);
    wrong["pools"][POOL]["check"]["port"] = json!(free_address().port());
    machine.write("new", "dns.json", &wrong);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (3, 1), "{rehearsed:#?}");
    assert_one(
        &rehearsed.worse,
        &["http.example.test answers A with no address, and with 1 address now", "px at 127.0.0.1 is down"],
    );
}

#[test]
fn a_member_that_would_be_lost_is_refused_though_its_pool_is_answered_and_one_that_leaves_is_not() {
    // Members of a pool have one port, which must be free on both addresses.
    let two_members = |_| {
        let machine = Machine::new();
        let other = TcpListener::bind(("127.0.0.2", machine.web.port())).ok()?;
        Some((machine, other))
    };
    let (mut machine, other) = (0..32).find_map(two_members).unwrap();
    answer_all(other, "200 OK");
    let mut document = machine.nameserver("running", 7);
    document["pools"][POOL]["members"]["py"] = json!({ "addresses": ["127.0.0.2"] });
    machine.run("polder-dns", &document);
    machine.nameserver("new", 7);

    let mut wrong = document.clone();
    wrong["pools"][POOL]["members"]["py"]["addresses"] = json!(["127.0.0.3"]);
    machine.write("new", "dns.json", &wrong);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((rehearsed.worse.len(), code), (1, 1), "{rehearsed:#?}");
    assert_one(&rehearsed.worse, &["http.example.test/py is up, and down at 127.0.0.3", "`polder drain"]);

    let mut without = document.clone();
    without["pools"][POOL]["members"].as_object_mut().unwrap().remove("py");
    machine.write("new", "dns.json", &without);
    let (rehearsed, code) = machine.rehearse();
    assert_eq!((&rehearsed.worse, code), (&vec![], 0));
}

#[test]
fn what_is_no_system_could_not_be_rehearsed() {
    let output = Command::new(env!("CARGO_BIN_EXE_polder")).args(["rehearse", "--system", "/no/such/system"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/system"));
}

#[test]
fn a_rehearsal_that_is_killed_takes_its_daemon_along() {
    let machine = Machine::new();
    let mut document = machine.proxy();
    // A backend that accepts and says nothing keeps the first round of checks, and so the rehearsal, waiting.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    document["services"]["www"]["backends"][0]["address"] = json!(silent.local_addr().unwrap());
    document["services"]["www"]["check"]["timeout"] = json!("15s");
    machine.write("new", "proxy.json", &document);
    let mut rehearsal = Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(["rehearse", "--system"])
        .arg(machine.path("new"))
        .env("TMPDIR", machine.path("tmp"))
        .spawn()
        .unwrap();
    silent.accept().unwrap();
    rehearsal.kill().unwrap();
    rehearsal.wait().unwrap();
    let folder = machine.path("tmp").to_string_lossy().into_owned();
    eventually("the daemon has ended", || process_with(&folder).is_none());
}
