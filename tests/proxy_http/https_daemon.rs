//! https by the daemon itself: certificates that are renewed, that cannot be used, and that a new process takes over.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, HandshakeKind};
use serde_json::{Value, json};

use crate::authority::{Authority, TlsClient};
use crate::backend_tls::{BOTH, Secure, shows};
use crate::harness::{GET, OK, Script, eventually, refusing};

pub struct Daemon {
    process: Ended,
    pub folder: tempfile::TempDir,
}

/// A process that ends with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn document(folder: &Path, backend: SocketAddr, authority: &Authority) -> Value {
    let file = |name: &str| authority.folder.path().join(name).display().to_string();
    let mut document = json!({
        "version": 1,
        "name": "px",
        "listeners": [{ "name": "https", "address": refusing().to_string(), "protocol": "https" }],
        "admin": { "socket": folder.join("admin.sock") },
        "state_dir": folder,
        "workers": 1,
        "services": { "www": {
            "hosts": ["www.test"],
            "mode": "stateless",
            "backends": [{ "name": "web", "address": backend.to_string() }],
            "check": { "type": "tcp" },
            "tls": { "certificates": [{ "chain_file": file("www.pem"), "key_file": file("www.key") }] },
        } },
    });
    if authority.folder.path().join("tickets").exists() {
        document["tls"] = json!({ "tickets": { "key_file": file("tickets") } });
    }
    document
}

pub fn program(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
    command
        .arg("--config")
        .arg(folder.join("proxy.json"))
        .args(more)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("LISTEN_FDS")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

impl Daemon {
    fn start(backend: SocketAddr, authority: &Authority) -> Daemon {
        let daemon = Daemon::start_with(|folder| document(folder, backend, authority));
        eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
        daemon
    }

    /// Not ready yet.
    pub fn start_with(document: impl Fn(&Path) -> Value) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("proxy.json"), document(folder.path()).to_string()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Ended(program(folder.path(), &[]).stderr(log).spawn().unwrap());
        Daemon { process, folder }
    }

    pub fn call(&self, request: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.folder.path().join("admin.sock")).ok()?;
        stream
            .write_all(
                format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
            )
            .ok()?;
        let mut reply = BufReader::new(stream);
        let mut line = String::new();
        while reply.read_line(&mut line).ok()? > 2 {
            line.clear();
        }
        let mut body = String::new();
        reply.read_to_string(&mut body).ok()?;
        Some(body)
    }

    pub fn status(&self) -> Option<Value> {
        serde_json::from_str(&self.call("GET /status")?).ok()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn alarms(&self) -> String {
        self.status().map_or_else(String::new, |status| status["alarms"].to_string())
    }

    fn address(&self) -> SocketAddr {
        self.status().unwrap()["listeners"][0].as_str().unwrap().parse().unwrap()
    }

    /// What `polder explain` gets to hear.
    pub fn explain(&self, query: &str) -> Value {
        serde_json::from_str(&self.call(&format!("GET /explain?{query}")).unwrap()).unwrap()
    }

    /// Whether a visit resumes a session.
    fn resumes(&self, visitor: &ClientConfig) -> bool {
        let mut client = TlsClient::over_tls(self.address(), visitor.clone(), "www.test");
        client.send(GET);
        assert_eq!(client.response().status(), 200);
        client.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Has another process take over; gives the last one.
    fn hand_over(&mut self) -> Ended {
        let pid = self.status().unwrap()["pid"].clone();
        let next = program(self.folder.path(), &["--takeover"]).stderr(Stdio::null()).spawn().unwrap();
        let last = Ended(std::mem::replace(&mut self.process.0, next));
        eventually("another process is the daemon", || self.status().is_some_and(|status| status["pid"] != pid));
        last
    }

    /// The certificate that a visitor gets now.
    fn certificate(&self, authority: &Authority) -> CertificateDer<'static> {
        let mut client = TlsClient::over_tls(self.address(), authority.trusting(), "www.test");
        client.send(GET);
        assert_eq!(client.response().status(), 200);
        client.stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

fn on_disk(authority: &Authority) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(authority.folder.path().join("www.pem")).unwrap()
}

#[test]
fn a_renewed_certificate_is_used_and_a_bad_one_is_an_alarm_and_no_outage() {
    let authority = Authority::new();
    authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let daemon = Daemon::start(backend.address, &authority);
    let first = on_disk(&authority);
    assert_eq!(daemon.certificate(&authority), first);
    let status = daemon.status().unwrap();
    assert_eq!(status["certificates"][0]["hosts"], json!(["www.test"]), "{status}");

    authority.issue("www", &["www.test"]);
    let second = on_disk(&authority);
    eventually("the renewed certificate is in force", || daemon.certificate(&authority) == second);

    std::fs::write(authority.folder.path().join("www.pem"), "broken").unwrap();
    eventually("the broken certificate is an alarm", || daemon.alarms().contains("a new certificate is not used"));
    assert_eq!(daemon.certificate(&authority), second);
    let refused = daemon.call("POST /reload").unwrap();
    assert!(refused.contains("services.www.tls.certificates[0]"), "{refused}");
    assert_eq!(daemon.certificate(&authority), second);

    authority.issue("www", &["www.test"]);
    let third = on_disk(&authority);
    let done = daemon.call("POST /reload").unwrap();
    assert!(done.contains("reloaded"), "{done}");
    assert_eq!(daemon.certificate(&authority), third);
    eventually("the alarm is over", || !daemon.alarms().contains("certificate"));
}

#[test]
fn a_certificate_that_cannot_be_used_at_the_start_keeps_nobody_else_out() {
    let authority = Authority::new();
    authority.issue("www", &["www.test"]);
    std::fs::write(authority.folder.path().join("www.pem"), "broken").unwrap();
    let backend = Script::answering(OK);
    let daemon = Daemon::start(backend.address, &authority);
    assert!(daemon.alarms().contains("whoever needs it is refused"), "{}", daemon.alarms());
    let mut client = TlsClient::over_tls(daemon.address(), authority.trusting(), "www.test");
    assert!(client.handshake().is_err());
    authority.issue("www", &["www.test"]);
    let good = on_disk(&authority);
    let serves = || TlsClient::over_tls(daemon.address(), authority.trusting(), "www.test").handshake().is_ok();
    eventually("the mended certificate is in force", serves);
    assert_eq!(daemon.certificate(&authority), good);
}

#[test]
fn a_process_that_takes_over_goes_on_with_tls() {
    let authority = Authority::new();
    authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let mut daemon = Daemon::start(backend.address, &authority);
    let mut visitor = TlsClient::over_tls(daemon.address(), authority.trusting(), "www.test");
    visitor.send(GET);
    assert_eq!(visitor.response().status(), 200);
    let address = daemon.address();
    let mut last = daemon.hand_over();
    assert_eq!(daemon.address(), address);
    visitor.send(GET);
    assert_eq!(visitor.response().status(), 200, "the old process serves what is open");
    assert_eq!(daemon.certificate(&authority), on_disk(&authority));
    drop(visitor);
    eventually("the old process ends", || last.0.try_wait().unwrap().is_some());
}

#[test]
fn a_visitor_resumes_at_another_daemon_after_a_reload_and_after_a_takeover() {
    let authority = Authority::new();
    authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let alone = Daemon::start(backend.address, &authority);
    let key = authority.folder.path().join("tickets");
    std::fs::write(&key, "a2V5IG9mIHRpY2tldHMsIDMyIGJ5dGVzIG9mIGl0Li4=\n").unwrap();
    let (first, mut second) = (Daemon::start(backend.address, &authority), Daemon::start(backend.address, &authority));
    let visitor = authority.trusting();
    assert!(!first.resumes(&visitor));
    assert!(second.resumes(&visitor), "at another daemon");
    assert!(second.call("POST /reload").unwrap().contains("reloaded"));
    assert!(second.resumes(&visitor), "after a reload");
    let _last = second.hand_over();
    assert!(second.resumes(&visitor), "after a takeover");
    assert!(!alone.resumes(&visitor), "without the file a daemon has keys of its own");
    std::fs::write(&key, "no key").unwrap();
    let refused = second.call("POST /reload").unwrap();
    assert!(refused.contains("tls.tickets.key_file") && refused.contains("tickets:1: not base64"), "{refused}");
}

#[test]
fn check_config_tells_what_is_wrong_with_a_certificate() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.json");
    std::fs::write(&file, document(folder.path(), ([192, 0, 2, 1], 80).into(), &authority).to_string()).unwrap();
    let check = || {
        let output = program(folder.path(), &["--check-config"]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, words) = check();
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("warning: ") && words.contains("www.pem: cannot be read"), "{words}");
    authority.issue("www", &["other.test"]);
    let (code, words) = check();
    assert_eq!(code, Some(1));
    assert!(
        words.contains("services.www.tls: no certificate is for the host www.test: they are for other.test"),
        "{words}"
    );
    authority.issue("www", &["*.test"]);
    assert_eq!(check(), (Some(0), String::new()));
}

/// A proxy in clear text before a backend over TLS.
fn document_of_backend(folder: &Path, backend: SocketAddr, authority: &Authority) -> Value {
    let mut document = document(folder, backend, authority);
    document["listeners"][0]["protocol"] = json!("http");
    let service = document["services"]["www"].as_object_mut().unwrap();
    service.remove("tls");
    service.insert("backend_tls".to_owned(), json!({ "ca_file": authority.ca_file(), "server_name": "web.test" }));
    service.insert("check".to_owned(), json!({ "path": "/healthz", "interval": "50ms", "rise": 1, "fall": 1 }));
    document
}

#[test]
fn a_check_over_tls_believes_whom_requests_would_and_says_what_is_wrong() {
    let authority = Authority::new();
    let good = Secure::answering(shows(&authority.issue("web", &["web.test"]), &BOTH));
    let daemon = Daemon::start_with(|folder| document_of_backend(folder, good.address, &authority));
    let backend = || daemon.status().map_or(Value::Null, |status| status["services"][0]["backends"][0].clone());
    eventually("the check goes over TLS", || backend()["check"] == "up");
    assert!(good.seen()[0].heads[0].starts_with("GET /healthz HTTP/1.1\r\n"), "{:?}", good.seen());

    for (files, why) in [
        (authority.issue_expired("old", &["web.test"]), "TLS: its certificate has expired"),
        (authority.issue("other", &["other.test"]), "TLS: its certificate is for other.test, and not for web.test"),
        (Authority::new().issue("stranger", &["web.test"]), "TLS: its certificate is not from an authority in "),
    ] {
        let bad = Secure::answering(shows(&files, &BOTH));
        let daemon = Daemon::start_with(|folder| document_of_backend(folder, bad.address, &authority));
        let backend = || daemon.status().map_or(Value::Null, |status| status["services"][0]["backends"][0].clone());
        eventually("the backend is down", || backend()["check"] == "down");
        let reason = backend()["check_reason"].as_str().unwrap().to_owned();
        assert!(reason.starts_with(why), "{reason}");
        assert_eq!(bad.requests(), 0);
    }
}

#[test]
fn the_files_for_backends_are_checked_watched_and_refused_at_a_reload() {
    let authority = Authority::new();
    let backend = Secure::answering(shows(&authority.issue("web", &["web.test"]), &BOTH));
    let daemon = Daemon::start_with(|folder| document_of_backend(folder, backend.address, &authority));
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    std::fs::write(authority.folder.path().join("ca.pem"), "broken").unwrap();
    eventually("the broken file is an alarm", || daemon.alarms().contains("a file has changed and is not used"));
    assert_eq!(daemon.status().unwrap()["ready"], true, "what it held before goes on");
    let refused = daemon.call("POST /reload").unwrap();
    assert!(refused.contains("services.www.backend_tls") && refused.contains("holds no certificate"), "{refused}");
    let output = program(daemon.folder.path(), &["--check-config"]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("services.www.backend_tls: ") && words.contains("ca.pem: holds no certificate"), "{words}");

    std::fs::write(authority.folder.path().join("ca.pem"), Authority::new().issuer.pem()).unwrap();
    let status = || daemon.status().map_or(Value::Null, |status| status["services"][0]["backends"][0]["check"].clone());
    eventually("another authority is believed, and this backend is not", || status() == "down");
    authority.ca_file();
    eventually("the mended file is in force", || status() == "up");
}

#[test]
fn explain_says_what_a_visitor_over_https_meets() {
    let backend = Script::answering(OK);
    let authority = Authority::new();
    authority.issue("www", &["www.test", "*.www.test"]);
    let daemon = Daemon::start_with(|folder| {
        let mut document = document(folder, backend.address, &authority);
        let clear = json!({ "name": "clear", "address": refusing().to_string() });
        document["listeners"].as_array_mut().unwrap().push(clear);
        document["services"]["www"]["https"] = json!("redirect");
        document["services"]["www"]["hsts"] = json!({});
        let target = json!({ "host": "www.test", "scheme": "https", "path": "/moved" });
        document["services"]["old"] = json!({ "hosts": ["old.test"], "redirect": target });
        let files = document["services"]["www"]["tls"].clone();
        document["services"]["api"] =
            json!({ "hosts": ["api.www.test"], "redirect": { "host": "www.test" }, "tls": files });
        document["services"]["in-clear"] = json!({ "hosts": ["clear.www.test"], "redirect": { "host": "www.test" } });
        document["tls"] = json!({ "default": "api" });
        document
    });
    eventually("the daemon is ready", || daemon.status().is_some_and(|status| status["ready"] == true));
    let status = daemon.status().unwrap();
    let ports: Vec<&str> = status["listeners"].as_array().unwrap().iter().map(port_of).collect();
    let (https, clear) = (ports[0], ports[1]);
    let told = |query: &str| {
        let told = daemon.explain(query);
        let because: Vec<_> = told["because"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        (because.join("; "), told["target"].clone(), told["refusal"].clone(), told["backend"].clone())
    };

    let (words, _, refusal, backend) = told(&format!("scheme=https&host=www.test&port={https}"));
    assert!(words.contains("the listener https (") && words.contains("shown is the certificate /"), "{words}");
    assert!(words.contains("(from files, for www.test, *.www.test), which is valid for "), "{words}");
    assert!(words.ends_with("the response says Strict-Transport-Security: max-age=31536000"), "{words}");
    assert_eq!((refusal, backend), (Value::Null, json!("web")));

    let (words, target, refusal, _) = told(&format!("scheme=http&host=www.test&port={clear}&path=/a&query=%3Fb%3Dc"));
    assert!(words.contains(&format!("it is sent to https://www.test:{https}/a?b=c (308)")), "{words}");
    assert_eq!((target, refusal), (json!("redirect"), Value::Null));

    let (words, _, refusal, _) = told(&format!("scheme=https&host=old.test&port={https}"));
    assert!(words.contains("no service with \"tls\" has the host old.test: shown is the certificate /"), "{words}");
    assert!(words.contains("as tls.default says (service api)") && words.contains("answered 421"), "{words}");
    assert_eq!(refusal, json!("421"));

    let (words, _, refusal, _) = told(&format!("scheme=https&host=clear.www.test&port={https}"));
    assert!(words.ends_with("in-clear has no \"tls\": over https it is answered 421"), "{words}");
    assert_eq!(refusal, json!("421"));

    let (words, target, ..) = told(&format!("scheme=https&host=api.www.test&port={https}&path=/x&query=%3Fy"));
    assert!(words.ends_with("it is sent to https://www.test/x?y (302)"), "{words}");
    assert_eq!(target, json!("redirect"));

    let (words, _, refusal, _) = told(&format!("scheme=https&host=www.test&port={clear}"));
    assert!(words.ends_with("which does not speak https"), "{words}");
    assert_eq!(refusal, json!("no connection"));
}

fn port_of(address: &Value) -> &str {
    address.as_str().unwrap().rsplit(':').next().unwrap()
}
