//! What running daemons answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::of_daemons;
use crate::ports::free_address;

/// For anything that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct Daemon {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Daemon {
    fn start(program: &str, document: impl FnOnce(&Path) -> Value) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let file = folder.path().join("document.json");
        std::fs::write(&file, document(folder.path()).to_string()).unwrap();
        let log = folder.path().join("log");
        let stderr = std::fs::File::create(&log).unwrap();
        let process = Command::new(program).arg("--config").arg(&file).stderr(stderr).spawn().unwrap();
        let daemon = Daemon { process, folder };
        let until = Instant::now() + PATIENCE;
        while daemon.get("*/*").is_none() {
            assert!(Instant::now() < until, "the daemon does not answer: {}", std::fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon
    }

    /// The head and the body of the answer to whoever accepts this.
    fn get(&self, accept: &str) -> Option<(String, String)> {
        let mut stream = UnixStream::connect(self.folder.path().join("admin.sock")).ok()?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| (head.to_owned(), body.to_owned()))
    }
}

fn proxy() -> Daemon {
    Daemon::start(env!("CARGO_BIN_EXE_polder-proxy"), |folder| {
        let backends = |stateful: bool| {
            json!([{ "name": "a", "address": free_address() },
                   { "name": "b", "address": free_address(), "backup": stateful }])
        };
        json!({ "version": 1, "name": "px", "state_dir": folder.join("state"), "workers": 2,
            "admin": { "socket": folder.join("admin.sock") },
            "listeners": [{ "name": "http", "address": free_address() }],
            "services": {
                "www": { "hosts": ["www.test"], "mode": "stateless", "backends": backends(false) },
                "shop": { "hosts": ["shop.test"], "mode": "stateful", "backends": backends(true), "cookie": { "value": "address" } },
                "old": { "hosts": ["old.test"], "redirect": { "host": "www.test" } } } })
    })
}

fn nameserver() -> Daemon {
    Daemon::start(env!("CARGO_BIN_EXE_polder-dns"), |folder| {
        let zone =
            "$TTL 300\n@ SOA ns1 admin 1 3600 600 86400 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n";
        std::fs::write(folder.join("zone"), zone).unwrap();
        json!({ "version": 1, "name": "ns", "state_dir": folder.join("state"),
            "admin": { "socket": folder.join("admin.sock") },
            "listeners": [free_address()],
            "zones": { "example.net": { "file": folder.join("zone") } },
            "pools": { "http0.example.net": { "members": { "px": { "addresses": ["127.0.0.1"] } },
                                              "check": { "port": free_address().port() } } } })
    })
}

#[test]
fn every_metric_of_a_page_is_in_the_table_and_its_samples_have_those_labels() {
    for (daemon, (name, families)) in [proxy(), nameserver()].iter().zip(of_daemons()) {
        let (_, page) = daemon.get("*/*").unwrap();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        for sample in samples {
            let (metric, rest) = sample.split_once('{').unwrap_or_else(|| panic!("{sample}"));
            let endings = ["", "_bucket", "_sum", "_count"];
            let is_of = |family: &str| endings.iter().any(|ending| metric.strip_suffix(ending) == Some(family));
            let family = families.iter().find(|family| is_of(family.name));
            let family = family.unwrap_or_else(|| panic!("{sample}: no table has it"));
            let labels: Vec<_> = rest.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
            let known: Vec<_> = ["daemon"].into_iter().chain(family.labels.iter().map(|label| label.name)).collect();
            let bound = metric.ends_with("_bucket").then_some("le");
            assert_eq!(labels, known.into_iter().chain(bound).collect::<Vec<_>>(), "{name}: {sample}");
        }
    }
}

#[test]
fn a_page_in_place_of_a_backend_that_cannot_be_reached_is_no_response_of_that_backend() {
    let port = free_address().port();
    // It answers its first check, and is gone.
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = backend.local_addr().unwrap();
    let checked = std::thread::spawn(move || {
        let (mut stream, _) = backend.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    });
    let daemon = Daemon::start(env!("CARGO_BIN_EXE_polder-proxy"), |folder| {
        std::fs::write(folder.join("page"), "later").unwrap();
        json!({ "version": 1, "name": "px", "state_dir": folder.join("state"), "workers": 1,
            "admin": { "socket": folder.join("admin.sock") },
            "listeners": [{ "name": "http", "address": format!("127.0.0.1:{port}") }],
            "services": { "www": { "hosts": ["www.test"], "mode": "stateless",
                "check": { "path": "/", "interval": "1h", "timeout": "5s" },
                "error_pages": { "503": folder.join("page") },
                "backends": [{ "name": "a", "address": address.to_string() }] } } })
    });
    checked.join().unwrap();
    let until = Instant::now() + PATIENCE;
    while !daemon.get("*/*").unwrap().1.contains("polder_check_up{daemon=\"proxy\",service=\"www\",backend=\"a\"} 1") {
        assert!(Instant::now() < until, "the backend is up");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut visitor = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    visitor.write_all(b"GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 503 ") && answer.ends_with("later"), "{answer}");
    loop {
        let (_, page) = daemon.get("*/*").unwrap();
        let value = |name: &str| {
            let line = page.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains("\"www\""));
            line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.to_owned())
        };
        if value("polder_request_duration_seconds_count").as_deref() == Some("1") {
            assert_eq!(value("polder_backend_response_duration_seconds_count").as_deref(), Some("0"), "{page}");
            break;
        }
        assert!(Instant::now() < until, "the request is counted");
    }
}

#[test]
fn open_metrics_are_for_whoever_asks_for_them_and_say_the_same() {
    for daemon in [proxy(), nameserver()] {
        let (head, page) = daemon.get("*/*").unwrap();
        assert!(head.contains("content-type: text/plain; version=0.0.4\r\n"), "{head}");
        let (head, open) = daemon.get("application/openmetrics-text;version=1.0.0,text/plain;q=0.5").unwrap();
        assert!(head.contains(&format!("content-type: {OPEN_METRICS}\r\n")), "{head}");
        assert_eq!(open.matches("# EOF").count(), 1, "{open}");
        assert!(open.ends_with("\n# EOF\n"), "{open}");
        let names = |page: &str| {
            let samples = page.lines().filter(|line| !line.starts_with('#'));
            samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&page), names(&open));
        assert!(open.contains("# TYPE polder_build info\n") && open.contains("\npolder_build_info{"), "{open}");
        assert!(open.contains("# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"), "{open}");
    }
}

#[test]
fn the_page_of_documentation_says_how_many_samples_there_are() {
    let checked = |daemon: &Daemon| {
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, page) = daemon.get("*/*").unwrap();
            if page.matches("\npolder_check_up{").count() > 0 && !page.contains("generation{daemon=\"proxy\"} 0") {
                return page;
            }
            assert!(Instant::now() < until, "nothing was checked: {page}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let count = |page: &str, label: &str, without: &str| {
        let samples = page.lines().filter(|line| !line.starts_with('#') && line.contains(label));
        samples.filter(|line| without.is_empty() || !line.contains(without)).count()
    };
    let page = checked(&proxy());
    let (service, backend) =
        (count(&page, "service=\"www\"", "backend="), count(&page, "service=\"www\",backend=\"a\"", ""));
    let page = checked(&nameserver());
    let pool = count(&page, "pool=\"", "member=");
    let (member, zone) = (count(&page, "member=\"px\"", ""), count(&page, "zone=\"example.net\"", ""));
    let words = format!(
        "A service has {service}\nsamples and {backend} more for each backend, a pool {pool}, its member {member}, a zone {zone}."
    );
    assert!(include_str!("../../docs/metrics.md").contains(&words), "{words}");
}
