//! `polder top` over running daemons: what visitors and resolvers do shows, and a daemon that hangs or is restarted spoils nothing.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "blocking clients poll with a limit")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ports.rs"]
mod ports;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ports::free_address;
use serde_json::{Value, json};

/// For anything that must happen.
const PATIENCE: Duration = Duration::from_secs(120);

struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, document: &Path, socket: &Path) -> Process {
    let daemon = Process(Command::new(program).arg("--config").arg(document).stderr(Stdio::null()).spawn().unwrap());
    let until = Instant::now() + PATIENCE;
    while !is_ready(socket) {
        assert!(Instant::now() < until, "{program} is not ready");
        std::thread::sleep(Duration::from_millis(5));
    }
    daemon
}

fn is_ready(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let _ = stream.write_all(b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.contains("\"ready\":true")
}

/// A fleet of one proxy and one nameserver, and what comes to them until it is dropped.
struct Fleet {
    folder: tempfile::TempDir,
    proxy: Option<Process>,
    nameserver: Process,
    is_over: Arc<AtomicBool>,
    load: Vec<JoinHandle<()>>,
}

impl Fleet {
    fn start() -> Fleet {
        let folder = tempfile::tempdir().unwrap();
        let (http, dns, backend) = (free_address().port(), free_address().port(), webserver());
        let dead = free_address();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("proxy-state")).unwrap();
        std::fs::create_dir(at("dns-state")).unwrap();
        std::fs::write(at("zone"), "$TTL 300\n@ SOA ns1 admin 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.1\n")
            .unwrap();
        let proxy = json!({ "version": 1, "name": "px-1", "state_dir": at("proxy-state"), "workers": 2,
            "admin": { "socket": at("proxy.sock") },
            "listeners": [{ "name": "http", "address": format!("127.0.0.1:{http}") }],
            "services": {
                "www": { "hosts": ["www.test"], "mode": "stateless", "check": { "path": "/" },
                         "backends": [{ "name": "a", "address": backend }] },
                "gone": { "hosts": ["gone.test"], "mode": "stateless", "backends": [{ "name": "a", "address": dead }] } } });
        let nameserver = json!({ "version": 1, "name": "ns-1", "state_dir": at("dns-state"),
            "admin": { "socket": at("dns.sock") }, "listeners": [format!("127.0.0.1:{dns}")],
            "zones": { "example.net": { "file": at("zone") } } });
        std::fs::write(at("proxy.json"), proxy.to_string()).unwrap();
        std::fs::write(at("dns.json"), nameserver.to_string()).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let load = |work: fn(u16), port| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                while !is_over.load(Relaxed) {
                    work(port);
                    std::thread::sleep(Duration::from_millis(5));
                }
            })
        };
        let nameserver = start(env!("CARGO_BIN_EXE_polder-dns"), &at("dns.json"), &at("dns.sock"));
        let load = vec![load(visit, http), load(query, dns)];
        let mut fleet = Fleet { folder, proxy: None, nameserver, is_over, load };
        fleet.start_proxy();
        fleet
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_proxy(&mut self) {
        let document = self.folder.path().join("proxy.json");
        self.proxy = Some(start(env!("CARGO_BIN_EXE_polder-proxy"), &document, &self.socket("proxy.sock")));
    }

    fn top(&self, arguments: &[&str]) -> Command {
        let mut top = Command::new(env!("CARGO_BIN_EXE_polder"));
        top.arg("top").arg("--socket").arg(self.socket("proxy.sock")).arg("--socket").arg(self.socket("dns.sock"));
        top.args(arguments).env_remove("POLDER_SOCKETS").env_remove("COLUMNS").stdin(Stdio::null());
        top
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        self.load.drain(..).for_each(|load| drop(load.join()));
    }
}

/// Answers 500 to `/broken` and 200 to all else.
fn webserver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let status = if head[..length].starts_with(b"GET /broken") { "500 Broken" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// One good request, one that the backend answers 500, one without a backend.
fn visit(port: u16) {
    for (host, path) in [("www.test", "/"), ("www.test", "/broken"), ("gone.test", "/")] {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// `ns1.example.net` A, and a name that does not exist.
fn query(port: u16) {
    for label in ["ns1", "no1"] {
        let mut message = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in [label, "example", "net"] {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let _ = socket.set_read_timeout(Some(Duration::from_millis(200)));
        let _ = socket.send_to(&message, ("127.0.0.1", port)).and_then(|_| socket.recv(&mut [0; 512]));
    }
}

/// `top --json`, line by line.
struct Lines {
    process: Process,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Lines {
    fn of(mut top: Command) -> Lines {
        let mut child = top.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Lines { process: Process(child), lines }
    }

    /// The first line of which this is true; all until then are looked at by `each`.
    fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool, each: impl Fn(&Value)) -> Value {
        let until = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        for line in self.lines.by_ref() {
            last = serde_json::from_str(&line.unwrap()).unwrap();
            each(&last);
            if is_so(&last) {
                return last;
            }
            assert!(Instant::now() < until, "{what}: not in time; last: {last:#}");
        }
        panic!("{what}: polder top has ended; last: {last:#}");
    }
}

fn number(line: &Value, pointer: &str) -> f64 {
    line.pointer(pointer).and_then(Value::as_f64).unwrap_or_default()
}

/// No more than two load threads can make in a second, and nothing below nothing.
fn is_sane(line: &Value) {
    for pointer in
        ["/services/www/requests", "/services/www/errors/proxy", "/proxies/px-1/requests", "/zones/example.net/NOERROR"]
    {
        assert!((0.0..2_000.0).contains(&number(line, pointer)), "{pointer}: {line:#}");
    }
}

#[test]
fn requests_errors_causes_times_and_queries_show_within_an_interval_of_running_daemons() {
    let fleet = Fleet::start();
    let mut lines = Lines::of(fleet.top(&["--json", "--interval", "200ms"]));
    let is_whole = |line: &Value| {
        let all = [
            "/services/www/requests",
            "/services/www/errors/backend",
            "/services/gone/errors/proxy",
            "/services/www/whole/p50_ms",
            "/services/www/backend/p99_ms",
            "/proxies/px-1/requests",
            "/zones/example.net/NOERROR",
            "/zones/example.net/NXDOMAIN",
            "/nameservers/ns-1/responses/NXDOMAIN",
        ];
        all.into_iter().all(|pointer| number(line, pointer) > 0.0)
    };
    let line = lines.until("everything shows", is_whole, is_sane);
    assert_eq!(number(&line, "/services/www/errors/proxy"), 0.0, "{line:#}");
    assert_eq!(number(&line, "/services/gone/errors/backend"), 0.0, "{line:#}");
    let cause = line.pointer("/services/gone/unavailable/0").unwrap();
    assert_eq!(cause["cause"], "SC", "{line:#}");
    assert!(cause["words"].as_str().unwrap().contains("no backend was usable"), "{line:#}");
    assert!(number(&line, "/services/www/whole/p50_ms") <= number(&line, "/services/www/whole/p99_ms"));
    assert_eq!(line["silent"], json!({}));

    let once = fleet.top(&["--once", "--interval", "200ms"]).output().unwrap();
    let table = String::from_utf8(once.stdout).unwrap();
    assert_eq!(once.status.code(), Some(0), "{table}");
    for heading in ["SERVICE ", "PROXY ", "ZONE ", "NAMESERVER ", "www ", "gone ", "px-1 ", "ns-1 ", "example.net "] {
        assert!(table.lines().any(|line| line.starts_with(heading)), "{heading}:\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 80) && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn a_daemon_that_hangs_is_named_while_the_others_go_on_and_one_that_is_restarted_counts_anew() {
    let mut fleet = Fleet::start();
    let mut lines = Lines::of(fleet.top(&["--json", "--interval", "200ms"]));
    let has_both =
        |line: &Value| number(line, "/services/www/requests") > 0.0 && number(line, "/zones/example.net/NOERROR") > 0.0;
    lines.until("both answer", has_both, is_sane);

    fleet.nameserver.signal(Signal::SIGSTOP);
    let is_named = |line: &Value| line["silent"]["ns-1"].is_string() && number(line, "/services/www/requests") > 0.0;
    lines.until("the one that hangs is named, and the other one goes on", is_named, is_sane);
    let once = fleet.top(&["--once", "--interval", "200ms"]).output().unwrap();
    let table = String::from_utf8(once.stdout).unwrap();
    assert!(table.contains("does not answer") && table.contains("www "), "{table}");
    fleet.nameserver.signal(Signal::SIGCONT);
    lines.until("it is back", has_both, is_sane);

    // It comes back before anybody could call it silent, or after: its numbers are those of the new process alone.
    drop(fleet.proxy.take());
    fleet.start_proxy();
    let is_back = |line: &Value| line["silent"] == json!({}) && number(line, "/services/www/requests") > 0.0;
    lines.until("the proxy is back", is_back, is_sane);
    drop(lines.process);
}

#[test]
fn where_no_daemon_answers_it_says_so_and_exits_3() {
    let folder = tempfile::tempdir().unwrap();
    let mut top = Command::new(env!("CARGO_BIN_EXE_polder"));
    top.arg("top").arg("--socket").arg(folder.path().join("none.sock")).args(["--once", "--interval", "100ms"]);
    let ended = top.env_remove("POLDER_SOCKETS").stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{words}");
    assert!(words.contains("no daemon has answered") && words.contains("no daemon listens at"), "{words}");
}
