//! Imported documents beside the program that they come from: both serve the same example on loopback, over the same backends, and
//! every request of a table gets the same status, from the same backend.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::certificates;
use crate::ports::free_address;

/// No event is waited for longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A backend for each address that an example names: it answers with that address in its body.
struct Backends(BTreeMap<String, SocketAddr>);

impl Backends {
    /// Addresses are those of loopback from 18100 on, which the examples use for backends.
    fn of(text: &str) -> Backends {
        let mut addresses = BTreeMap::new();
        for part in text.split("127.0.0.1:18").skip(1) {
            let port = format!("127.0.0.1:18{}", &part[..3]);
            if part.as_bytes()[0] != b'0' && !addresses.contains_key(&port) {
                addresses.insert(port.clone(), serve(port));
            }
        }
        Backends(addresses)
    }

    /// The example with the addresses where everything listens now.
    fn put_into(&self, text: &str, front: Fronts, certificates: &Path) -> String {
        let text =
            self.0.iter().fold(text.to_owned(), |text, (written, real)| text.replace(written, &real.to_string()));
        let fronts = [(18080, front.clear), (18043, front.secure)];
        let text = fronts.iter().fold(text, |text, (written, real)| {
            let text = text.replace(&format!("127.0.0.1:{written}"), &real.to_string());
            text.replace(&format!(":{written}"), &format!(":{}", real.port()))
        });
        text.replace("/certs/", &format!("{}/", certificates.display()))
    }
}

fn serve(name: String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let name = name.clone();
            std::thread::spawn(move || answer(stream, &name));
        }
    });
    address
}

/// Answers requests without bodies until the connection ends; what is no request (a check) ends it.
fn answer(stream: TcpStream, name: &str) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let body = format!("{name} {}", head.split(' ').nth(1).unwrap_or_default());
        let length = body.len();
        let response =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-Kept: yes\r\nX-Secret: inside\r\n\r\n");
        let body = if head.starts_with("HEAD ") { "" } else { &body };
        if reader.get_mut().write_all(format!("{response}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn field(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// A process that listens at an address.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(mut command: Command, address: SocketAddr, log: &Path) -> Server {
    let file = fs::File::create(log).unwrap();
    let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn();
    let mut server = Server(child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())));
    let end = Instant::now() + LIMIT;
    while TcpStream::connect(address).is_err() {
        let told = || fs::read_to_string(log).unwrap_or_default();
        assert!(server.0.try_wait().unwrap().is_none(), "{command:?} has ended:\n{}", told());
        assert!(Instant::now() < end, "{command:?} does not listen:\n{}", told());
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

fn program(name: &str) -> Command {
    // Debian keeps servers where only root's PATH looks.
    let found = Path::new("/usr/sbin").join(name);
    Command::new(if found.exists() { found } else { PathBuf::from(name) })
}

/// Where one of the two is reached.
#[derive(Debug, Clone, Copy)]
pub struct Fronts {
    pub clear: SocketAddr,
    /// Over TLS, where the example has that.
    pub secure: SocketAddr,
}

impl Fronts {
    fn free() -> Fronts {
        Fronts { clear: free_address(), secure: free_address() }
    }
}

/// The program with its own configuration and polder-proxy with what `polder import` makes of it.
pub struct Pair {
    pub theirs: Fronts,
    pub ours: Fronts,
    _backends: Backends,
    /// With the certificates in it.
    pub folder: tempfile::TempDir,
    _servers: [Server; 2],
}

impl Pair {
    pub fn start(kind: &str, example: &str) -> Pair {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import").join(kind).join(example);
        let text = fs::read_to_string(source).unwrap();
        let backends = Backends::of(&text);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        certificates::write(folder.path());
        let (theirs, ours) = (Fronts::free(), Fronts::free());
        fs::write(at("theirs"), backends.put_into(&text, theirs, folder.path())).unwrap();
        fs::write(at("ours"), backends.put_into(&text, ours, folder.path())).unwrap();
        let imported =
            Command::new(env!("CARGO_BIN_EXE_polder")).args(["import", kind]).arg(at("ours")).output().unwrap();
        let mut document: Value = serde_json::from_slice(&imported.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&imported.stderr)));
        // Of this machine, and not of what is imported: folders, keys, and how soon checks are there.
        document["admin"]["socket"] = at("admin.sock").to_str().unwrap().into();
        document["state_dir"] = at("state").to_str().unwrap().into();
        fs::create_dir(at("state")).unwrap();
        fs::write(at("cookies"), format!("{}=\n", "A".repeat(43))).unwrap();
        for service in document["services"].as_object_mut().unwrap().values_mut() {
            if !service["cookie"].is_null() {
                service["cookie"]["key_file"] = at("cookies").to_str().unwrap().into();
            }
        }
        fs::write(at("proxy.json"), document.to_string()).unwrap();
        let mut own = Command::new(env!("CARGO_BIN_EXE_polder-proxy"));
        own.arg("--config").arg(at("proxy.json"));
        let other = match kind {
            "haproxy" => {
                let mut command = program("haproxy");
                command.arg("-db").arg("-f").arg(at("theirs"));
                command
            }
            _ => {
                let mut command = program("caddy");
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(at("theirs"));
                command
                    .env("HOME", folder.path())
                    .env("XDG_DATA_HOME", folder.path())
                    .env("XDG_CONFIG_HOME", folder.path());
                command
            }
        };
        let servers = [start(other, theirs.clear, &at("theirs.log")), start(own, ours.clear, &at("ours.log"))];
        wait_ready(ours.clear, &at("ours.log"));
        Pair { theirs, ours, _backends: backends, folder, _servers: servers }
    }

    fn compare(&self, requests: &[(&str, &str)]) {
        for (host, target) in requests {
            // Balances begin anywhere: what counts is which backends answer at all, in as many requests as there are of them, twice.
            let asked = |address| (0..4).map(|_| ask(address, host, target, None)).collect::<Vec<_>>();
            let (mut theirs, mut ours) = (asked(self.theirs.clear), asked(self.ours.clear));
            let bodies = |answers: &[Answer]| {
                answers.iter().map(|answer| answer.body.clone()).collect::<std::collections::BTreeSet<_>>()
            };
            // A backend of little weight may have had none of so few.
            while bodies(&theirs) != bodies(&ours) && ours.len() < 100 {
                theirs.extend(asked(self.theirs.clear));
                ours.extend(asked(self.ours.clear));
            }
            assert_eq!(theirs[0].status, ours[0].status, "{host}{target}:\n{theirs:#?}\n{ours:#?}");
            assert_eq!(theirs[0].chosen, ours[0].chosen, "{host}{target}:\n{theirs:#?}\n{ours:#?}");
            if ours[0].status == 200 {
                assert_eq!(bodies(&theirs), bodies(&ours), "{host}{target}:\n{theirs:#?}\n{ours:#?}");
            }
        }
    }
}

/// The backends have been found up.
fn wait_ready(address: SocketAddr, log: &Path) {
    let end = Instant::now() + LIMIT;
    while ask(address, "any", "/.polder/ready", None).status != 200 {
        assert!(Instant::now() < end, "it is not ready:\n{}", fs::read_to_string(log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Answer {
    status: u16,
    body: String,
    cookie: Option<String>,
    /// The fields of the response that examples speak of.
    chosen: Vec<(&'static str, Option<String>)>,
}

/// The fields that both programs send, or neither, by the configuration.
const COMPARED: [&str; 6] = ["location", "x-kept", "x-secret", "x-frame-options", "x-served-by", "www-authenticate"];

fn ask(address: SocketAddr, host: &str, target: &str, cookie: Option<&str>) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    stream
        .write_all(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{cookie}Connection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{host}{target}: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let cookie = field(head, "set-cookie").map(|cookie| cookie.split(';').next().unwrap().to_owned());
    let chosen = COMPARED.into_iter().map(|name| (name, field(head, name))).collect();
    Answer { status, body: body.to_owned(), cookie, chosen }
}

#[test]
#[ignore = "needs HAProxy: see CONTRIBUTING.md"]
fn an_imported_shop_answers_as_haproxy_does() {
    let pair = Pair::start("haproxy", "shop.cfg");
    pair.compare(&[
        ("api.example.net", "/"),
        ("API.example.net", "/v1/x"),
        ("api.example.net", "/v2/x?y=1"),
        ("api.example.net", "/v22/x"),
        ("www.shop.example.net", "/"),
        ("a.static.example.net", "/logo.svg"),
        ("a.b.static.example.net", "/v2/logo.svg"),
        ("static.example.net", "/logo.svg"),
        ("other.example.net", "/basket/1"),
        ("other.example.net", "/"),
    ]);
    // A visitor with a cookie stays on his backend, with either program.
    for address in [pair.theirs.clear, pair.ours.clear] {
        let first = ask(address, "shop.example.net", "/basket/1", None);
        let cookie = first.cookie.clone().unwrap_or_else(|| panic!("{first:?}"));
        assert!(cookie.starts_with("BASKET="), "{cookie}");
        for _ in 0..4 {
            let next = ask(address, "shop.example.net", "/basket/1", Some(&cookie));
            assert_eq!((next.body, next.cookie), (first.body.clone(), None), "{address}");
        }
    }
}

#[test]
#[ignore = "needs Caddy: see CONTRIBUTING.md"]
fn an_imported_site_answers_as_caddy_does() {
    let pair = Pair::start("caddy", "plain.Caddyfile");
    pair.compare(&[
        ("a.test", "/static/x.css"),
        ("a.test", "/static/private/x"),
        ("a.test", "/assets/y"),
        ("a.test", "/api/v2/z"),
        ("a.test", "/api/v1/z"),
        ("a.test", "/"),
        ("a.test", "/other"),
    ]);
}
