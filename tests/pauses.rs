//! Processes that stop for a while (SIGSTOP; a sleep of the machine looks alike): a proxy that goes on after it, and a proxy whose
//! successor does not.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_types, reason = "threads of a test share what came to a backend")]
#![allow(
    clippy::disallowed_methods,
    reason = "a pause is as long as it is, and what follows it is polled with a limit"
)]

#[path = "common/ports.rs"]
mod ports;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use polder::api::client::Client;
use ports::free_address;
use serde_json::{Value, json};
use tempfile::TempDir;

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);

/// Longer than the checks below need for a verdict, a busy machine's lateness included.
const PAUSE: Duration = Duration::from_secs(4);

/// A webserver that notes the paths of all requests, and fails its checks while it is told to.
struct Backend {
    address: SocketAddr,
    well: Arc<AtomicBool>,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    fn start() -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let well = Arc::new(AtomicBool::new(true));
        let paths = Arc::<Mutex<Vec<String>>>::default();
        let (told, seen) = (Arc::clone(&well), Arc::clone(&paths));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, seen) = (Arc::clone(&told), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &told, &seen));
            }
        });
        Backend { address, well, paths }
    }

    fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }

    fn forget(&self) {
        self.paths.lock().unwrap().clear();
    }

    fn pages(&self) -> usize {
        self.paths().iter().filter(|path| *path == "/page").count()
    }
}

fn serve(mut stream: TcpStream, well: &AtomicBool, paths: &Mutex<Vec<String>>) {
    while let Some(head) = read_head(&mut stream) {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let fails = path == "/healthz" && !well.load(Ordering::SeqCst);
        paths.lock().unwrap().push(path);
        let status = if fails { "503 Unwell" } else { "200 OK" };
        if write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// A proxy with one service over these backends.
struct Proxy {
    document: Value,
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Proxy {
    fn start(service: Value, backends: &[&Backend]) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let backends = backends.iter().enumerate();
        let backends = backends.map(|(index, backend)| {
            json!({ "name": format!("web{}", index + 1), "address": backend.address.to_string(), "backup": index > 0 })
        });
        let mut service = service;
        service["hosts"] = json!(["www.test"]);
        service["backends"] = backends.collect();
        service["check"] = json!({
            "path": "/healthz", "interval": "50ms", "fast_interval": "50ms", "timeout": "500ms", "fall": 3
        });
        let state = folder.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let document = json!({
            "version": 1, "name": "px", "state_dir": state, "workers": 1,
            "listeners": [{ "name": "http", "address": address.to_string() }],
            "admin": { "socket": folder.path().join("admin.sock") },
            "services": { "www": service },
        });
        let config = folder.path().join("proxy.json");
        std::fs::write(&config, document.to_string()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        drop(log);
        let process = spawn(folder.path(), &[]);
        let proxy = Proxy { document, process, address, folder };
        proxy.until_ready(proxy.process.id());
        proxy
    }

    /// Waits until this process is the daemon, and ready.
    fn until_ready(&self, process: u32) {
        let client = Client::new(&self.folder.path().join("admin.sock"));
        self.eventually("ready", || {
            let status = block_on(client.get("/status")).ok()?;
            (status["pid"] == process && status["ready"] == true).then_some(())
        });
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn eventually<T>(&self, what: &str, mut met: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = met() {
                return found;
            }
            assert!(Instant::now() < end, "in vain: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id() as i32), signal).unwrap();
    }

    /// Stops the proxy for longer than its checks need; `meanwhile` happens then. A visitor's request is there when it wakes.
    fn pause(&self, meanwhile: impl FnOnce()) -> Visitor {
        self.signal(Signal::SIGSTOP);
        self.eventually("stopped", || self.is_stopped().then_some(()));
        meanwhile();
        let visitor = self.visit();
        // The time is the test's input.
        std::thread::sleep(PAUSE);
        self.signal(Signal::SIGCONT);
        visitor
    }

    /// Whether none of its threads runs any more: the signal reaches one after the other.
    fn is_stopped(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        })
    }

    fn visit(&self) -> Visitor {
        visit(self.address)
    }
}

fn visit(address: SocketAddr) -> Visitor {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"GET /page HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n").unwrap();
    Visitor(stream)
}

/// Starts a process with the document that lies there.
fn spawn(folder: &Path, more: &[&str]) -> Child {
    let log = std::fs::File::options().append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
    command.arg("--config").arg(folder.join("proxy.json")).args(more).stderr(log).stdin(Stdio::null());
    command.spawn().unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

struct Visitor(TcpStream);

impl Visitor {
    fn status(mut self) -> String {
        let head = read_head(&mut self.0).expect("a response");
        head.split(' ').nth(1).unwrap().to_owned()
    }
}

#[test]
fn a_backend_that_died_while_the_proxy_was_stopped_gets_no_request() {
    let backend = Backend::start();
    let proxy = Proxy::start(json!({ "mode": "stateless" }), &[&backend]);
    assert_eq!(proxy.visit().status(), "200");
    let visitor = proxy.pause(|| {
        backend.forget();
        backend.well.store(false, Ordering::SeqCst);
    });
    assert_eq!(visitor.status(), "503");
    assert_eq!(backend.pages(), 0, "{:?}\n{}", backend.paths(), proxy.log());
    // Of the checks, or of the probe that was under way.
    let is_told = |log: &str| log.contains("no target was probed for") || log.contains("this process was stopped for");
    proxy.eventually("a line in the log", || is_told(&proxy.log()).then_some(()));
}

#[test]
fn a_backend_that_is_well_gets_a_request_once_it_was_probed_again() {
    let backend = Backend::start();
    let proxy = Proxy::start(json!({ "mode": "stateless" }), &[&backend]);
    assert_eq!(proxy.visit().status(), "200");
    let visitor = proxy.pause(|| backend.forget());
    assert_eq!(visitor.status(), "200");
    let paths = backend.paths();
    let page = paths.iter().position(|path| path == "/page").unwrap();
    assert!(paths[..page].iter().any(|path| path == "/healthz"), "{paths:?}");
}

#[test]
fn a_request_goes_to_whichever_backend_was_probed_again_and_not_to_the_dead_one() {
    let (dead, well) = (Backend::start(), Backend::start());
    let proxy = Proxy::start(json!({ "mode": "stateless" }), &[&dead, &well]);
    assert_eq!(proxy.visit().status(), "200");
    let visitor = proxy.pause(|| {
        dead.forget();
        dead.well.store(false, Ordering::SeqCst);
    });
    assert_eq!(visitor.status(), "200");
    assert_eq!(dead.pages(), 0, "{:?}\n{}", dead.paths(), proxy.log());
}

#[test]
fn a_latched_service_is_failed_over_by_what_is_probed_after_the_pause() {
    let (primary, backup) = (Backend::start(), Backend::start());
    let service = json!({ "mode": "stateful", "failover": "permanent", "cookie": { "value": "address" } });
    let proxy = Proxy::start(service, &[&primary, &backup]);
    assert_eq!(proxy.visit().status(), "200");
    let visitor = proxy.pause(|| {
        primary.forget();
        primary.well.store(false, Ordering::SeqCst);
    });
    assert_eq!(visitor.status(), "200");
    assert_eq!((primary.pages(), backup.pages()), (0, 1), "{:?}\n{}", primary.paths(), proxy.log());
}

#[test]
fn while_a_new_process_that_said_ready_does_not_answer_the_old_one_serves_visitors() {
    let backend = Backend::start();
    let proxy = Proxy::start(json!({ "mode": "stateless" }), &[&backend]);
    // Says ready, gets the final state, and never accepts anybody.
    let succession = block_on(async {
        let socket = proxy.folder.path().join("admin.sock");
        let (sockets, takeover) =
            polder::daemon::takeover::request(&socket, &socket.with_file_name("state"), "polder-proxy").await.unwrap();
        let succession = takeover.ready().await.unwrap();
        for _ in 0..20 {
            assert_eq!(proxy.visit().status(), "200");
        }
        drop(sockets);
        succession
    });
    proxy.eventually("its patience ends", || proxy.log().contains("the takeover did not happen").then_some(()));
    assert!(block_on(succession.taken()).is_err(), "it is too late");
    proxy.until_ready(proxy.process.id());
    assert_eq!(proxy.visit().status(), "200");
}

#[test]
fn the_heir_of_a_killed_process_serves_at_once_and_not_when_it_has_checked_everything() {
    let backend = Backend::start();
    let mut proxy = Proxy::start(json!({ "mode": "stateless" }), &[&backend]);
    // A second backend, whose first check takes most of this test's patience.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = &mut proxy.document["services"]["www"];
    let second = json!({ "name": "web2", "address": silent.local_addr().unwrap().to_string() });
    service["backends"].as_array_mut().unwrap().push(second);
    service["check"]["interval"] = json!("50s");
    service["check"]["timeout"] = json!("50s");
    std::fs::write(proxy.folder.path().join("proxy.json"), proxy.document.to_string()).unwrap();
    let next = spawn(proxy.folder.path(), &["--takeover"]);
    proxy.eventually("the takeover", || proxy.log().contains("taking over").then_some(()));
    let mut old = std::mem::replace(&mut proxy.process, next);
    old.kill().unwrap();
    old.wait().unwrap();
    proxy.until_ready(proxy.process.id());
    assert_eq!(proxy.visit().status(), "200");
    let client = Client::new(&proxy.folder.path().join("admin.sock"));
    let status = block_on(client.get("/status")).unwrap();
    assert_eq!(status["services"][0]["backends"][1]["check"], "unchecked", "{status}");
}

#[test]
fn a_takeover_is_proved_by_every_worker_and_visitors_notice_nothing() {
    let backend = Backend::start();
    let mut proxy = Proxy::start(json!({ "mode": "stateless" }), &[&backend]);
    proxy.document["workers"] = json!(3);
    std::fs::write(proxy.folder.path().join("proxy.json"), proxy.document.to_string()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (address, told) = (proxy.address, Arc::clone(&stop));
    let visitors = std::thread::spawn(move || {
        while !told.load(Ordering::SeqCst) {
            assert_eq!(visit(address).status(), "200");
        }
    });
    let next = spawn(proxy.folder.path(), &["--takeover"]);
    let mut old = std::mem::replace(&mut proxy.process, next);
    proxy.until_ready(proxy.process.id());
    assert!(old.wait().unwrap().success(), "{}", proxy.log());
    stop.store(true, Ordering::SeqCst);
    visitors.join().unwrap();
    assert_eq!(proxy.visit().status(), "200");
}
