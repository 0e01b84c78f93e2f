//! A proxy with a document of the test's, as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ports::free_address;
use serde_json::{Value, json};

/// For anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Daemon {
    process: Child,
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
    /// Where https is spoken.
    pub https: SocketAddr,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for something to become true.
pub fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Daemon {
    /// With these services, in a folder that `prepare` fills; files are named relative to it. `tls`: the document's services may
    /// have it.
    pub fn start_with(prepare: impl FnOnce(&Path), services: Value, tls: bool) -> Daemon {
        let daemon = Daemon::spawn(prepare, &services, tls);
        eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
        daemon
    }

    /// The same with services of which none can be ready.
    pub fn start_unready(prepare: impl FnOnce(&Path), services: Value) -> Daemon {
        let daemon = Daemon::spawn(prepare, &services, false);
        eventually("the daemon answers", || daemon.status().is_some());
        eventually("its listener is open", || std::net::TcpStream::connect(daemon.address).is_ok());
        daemon
    }

    fn spawn(prepare: impl FnOnce(&Path), services: &Value, tls: bool) -> Daemon {
        Daemon::spawn_as(prepare, services, tls, &json!({}))
    }

    fn spawn_as(prepare: impl FnOnce(&Path), services: &Value, tls: bool, keys: &Value) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (address, https) = (free_address(), free_address());
        let mut document = document(folder.path(), address, tls.then_some(https), services);
        document.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        std::fs::write(folder.path().join("proxy.json"), document.to_string()).unwrap();
        let process = program(folder.path()).stderr(Stdio::null()).spawn().unwrap();
        Daemon { process, folder, address, https }
    }

    /// With these services.
    pub fn start(services: Value) -> Daemon {
        Daemon::start_with(|_| {}, services, false)
    }

    /// With these services, and these keys of the document besides; none of them need be ready.
    pub fn start_as(services: &Value, keys: &Value) -> Daemon {
        let daemon = Daemon::spawn_as(|_| {}, services, false, keys);
        eventually("the daemon answers", || daemon.status().is_some());
        eventually("its listener is open", || std::net::TcpStream::connect(daemon.address).is_ok());
        daemon
    }

    /// Ends it as a crash would, and starts it again.
    pub fn crash(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = program(self.folder.path()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it answers again", || self.status().is_some());
    }

    fn call(&self, request: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(self.folder.path().join("admin.sock")).ok()?;
        let length = body.len();
        let head =
            format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(head.as_bytes()).ok()?;
        let mut reply = BufReader::new(stream);
        let mut line = String::new();
        reply.read_line(&mut line).ok()?;
        let status = line.get(9..12)?.parse().ok()?;
        while reply.read_line(&mut line).ok()? > 2 {}
        let mut body = String::new();
        reply.read_to_string(&mut body).ok()?;
        Some((status, body))
    }

    pub fn get(&self, path: &str) -> Option<String> {
        Some(self.call(&format!("GET {path}"), "")?.1)
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, String) {
        self.call(&format!("POST {path}"), &body.to_string()).expect("the daemon answers")
    }

    pub fn status(&self) -> Option<Value> {
        serde_json::from_str(&self.get("/status")?).ok()
    }

    pub fn alarms(&self) -> String {
        self.status().map_or_else(String::new, |status| status["alarms"].to_string())
    }

    /// The sentences about a request.
    pub fn explain(&self, host: &str, path: &str) -> String {
        self.explained(&format!("host={host}&path={path}"))
    }

    /// The same of a visitor.
    pub fn explain_from(&self, host: &str, path: &str, from: &str) -> String {
        self.explained(&format!("host={host}&path={path}&from={from}"))
    }

    fn explained(&self, query: &str) -> String {
        let reply = self.get(&format!("/explain?{query}")).expect("the daemon answers");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let sentences = reply["because"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        // That of the listener, whose port the kernel has chosen.
        sentences
            .filter(|sentence| !sentence.starts_with("no listener of this proxy has port"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The value of a metric, over all its samples.
    pub fn metric(&self, name: &str) -> u64 {
        let page = self.get("/metrics").expect("the daemon answers");
        let samples = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Takes a document with other services.
    pub fn reload(&self, services: &Value) -> (u16, String) {
        let document = document(self.folder.path(), self.address, None, services);
        std::fs::write(self.folder.path().join("proxy.json"), document.to_string()).unwrap();
        self.post("/reload", &json!({}))
    }

    /// What `--check-config` says of a document with these services: the code that it ends with, and what it finds.
    pub fn check(&self, services: &Value) -> (Option<i32>, String) {
        let document = document(self.folder.path(), self.address, None, services);
        std::fs::write(self.folder.path().join("proxy.json"), document.to_string()).unwrap();
        let output = program(self.folder.path()).arg("--check-config").stdout(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// The lines of the access log, once there are so many.
    pub fn log(&self, lines: usize) -> Vec<Value> {
        let read = || -> Vec<Value> {
            let text = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        eventually("the access log has its lines", || read().len() >= lines);
        read()
    }
}

fn document(folder: &Path, http: SocketAddr, https: Option<SocketAddr>, services: &Value) -> Value {
    let mut listeners = vec![json!({ "name": "http", "address": http.to_string() })];
    let tls = https.map(|https| json!({ "name": "https", "address": https.to_string(), "protocol": "https" }));
    listeners.extend(tls);
    json!({
        "version": 1,
        "name": "px",
        "listeners": listeners,
        "admin": { "socket": folder.join("admin.sock") },
        "state_dir": folder.join("state"),
        "workers": 1,
        "access_log": { "path": folder.join("access.log"), "format": "json" },
        "services": services,
    })
}

fn program(folder: &Path) -> Command {
    std::fs::create_dir_all(folder.join("state")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
    command.arg("--config").arg(folder.join("proxy.json"));
    command.env_remove("NOTIFY_SOCKET").env_remove("LISTEN_FDS").stdin(Stdio::null()).stdout(Stdio::null());
    command
}
