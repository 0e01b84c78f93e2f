//! The zone at 127.0.0.1, signed and served by polder-dns or, to judge the judges, by BIND and NSD; the zones below it at 127.0.0.2, by these.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ask::Reply;
use crate::keys::{self, Anchor, Signing};
use crate::members::Members;
use crate::ports::free_address;
use crate::presigned::{self, Signer};
use crate::programs::{Running, program};
use crate::zone::{self, ALIASES, MEMBERS, POOL, ZONE, absolute};

/// No event is waited for longer.
pub const LIMIT: Duration = Duration::from_secs(60);

const PARENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const CHILDREN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What the keys' folder of the zone is called in each folder.
const KEYS: &str = "keys";

/// Waits until it is so.
pub fn wait(what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{}", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The nameservers, at one port.
pub struct Lab {
    pub anchor: Anchor,
    pub port: u16,
    pub members: Members,
    pub folder: TempDir,
    parent: Running,
    children: Running,
}

impl Lab {
    /// polder-dns has the zone and signs it.
    pub fn of_polder(signing: Signing) -> Lab {
        Lab::start(signing, |lab| {
            let at = lab.folder.join("parent");
            prepare_polder_dns(&at, lab.port, signing, lab.members, &lab.delegation_signer);
            polder_dns(&at)
        })
    }

    /// BIND has signed the zone, NSD serves what `change` makes of its text; the pool is records.
    pub fn of_bind(signing: Signing, change: impl Fn(&str) -> String) -> Lab {
        Lab::start(signing, |lab| {
            let at = lab.folder.join("parent");
            let signed = sign_by_bind(&at, signing, lab.delegation_signer);
            fs::write(at.join("changed"), change(&signed)).unwrap();
            nsd(&at, SocketAddr::new(PARENT.into(), lab.port), &[(ZONE, "changed")])
        })
    }

    /// Somebody else has signed the zone, polder-dns serves it as it is; the pool is records.
    pub fn of_presigned(signing: Signing, signer: Signer) -> Lab {
        Lab::start(signing, |lab| {
            let at = lab.folder.join("parent");
            let records = lab.delegation_signer + &zone::pool_as_records() + presigned::MORE;
            fs::write(at.join("zone"), zone::text(&records)).unwrap();
            signer.sign(&at, &at.join(KEYS), signing);
            prepare_without_pools(&at, lab.port, json!({ "file": "signed", "transfer": EVERYBODY.clone() }));
            polder_dns(&at)
        })
    }

    /// polder-dns signs the zone and makes a digest of it; the pool is records.
    pub fn of_polder_with_digest(signing: Signing) -> Lab {
        Lab::start(signing, |lab| {
            let at = lab.folder.join("parent");
            let records = lab.delegation_signer + &zone::pool_as_records();
            fs::write(at.join("zone"), zone::text(&records)).unwrap();
            let dnssec = json!({ "keys": KEYS, "denial": signing.denial, "zonemd": true });
            prepare_without_pools(
                &at,
                lab.port,
                json!({ "file": "zone", "dnssec": dnssec, "transfer": EVERYBODY.clone() }),
            );
            polder_dns(&at)
        })
    }

    /// A polder-dns that gets the zone from another nameserver.
    pub fn secondary_of(&self, primary: SocketAddr) -> (Running, SocketAddr) {
        let at = self.folder.path().join("secondary");
        fs::create_dir(&at).unwrap();
        let server = free_address();
        let zone = json!({ "primaries": [{ "address": primary.to_string() }], "transfer": EVERYBODY.clone() });
        prepare_without_pools(&at, server.port(), zone);
        let running = Running::start(&at, "secondary", polder_dns(&at));
        self.wait_for(server, ZONE, &running);
        (running, server)
    }

    /// NSD with the file that is served.
    pub fn the_same_by_nsd(&self) -> (Running, SocketAddr) {
        let at = self.folder.path().join("nsd");
        fs::create_dir(&at).unwrap();
        fs::copy(self.folder.path().join("parent/signed"), at.join("signed")).unwrap();
        let server = free_address();
        let running = Running::start(&at, "nsd", nsd(&at, server, &[(ZONE, "signed")]));
        self.wait_for(server, ZONE, &running);
        (running, server)
    }

    fn start(signing: Signing, prepare: impl FnOnce(Parent<'_>) -> Command) -> Lab {
        let folder = tempfile::tempdir().unwrap();
        let (parent, children) = (folder.path().join("parent"), folder.path().join("children"));
        let anchor = keys::make(&parent.join(KEYS), ZONE, signing);
        fs::create_dir(&children).unwrap();
        let port = free_port();
        let members = (0..100).find_map(|_| Members::start(MEMBERS).also_at_ipv6()).expect("a port for the members");
        let delegation_signer = prepare_children(&children);
        let names = ["secure", "insecure"].map(absolute);
        let command =
            nsd(&children, SocketAddr::new(CHILDREN.into(), port), &[(&names[0], "signed"), (&names[1], "insecure")]);
        let children = Running::start(&children, "children", command);
        let command = prepare(Parent { folder: folder.path(), port, members: &members, delegation_signer });
        let parent = Running::start(&parent, "parent", command);
        let lab = Lab { anchor, port, members, folder, parent, children };
        lab.wait_for(lab.parent(), ZONE, &lab.parent);
        lab.wait_for(lab.children(), &absolute("insecure"), &lab.children);
        wait(
            || format!("the pool answers {:?} and {:?}", lab.pool("A"), lab.pool("AAAA")),
            || (lab.pool("A").len(), lab.pool("AAAA").len()) == (MEMBERS.into(), 1),
        );
        lab
    }

    fn wait_for(&self, server: SocketAddr, zone: &str, process: &Running) {
        let is_served = || Reply::with_authority(server, zone, "SOA").is_ok_and(|reply| reply.answers.len() == 1);
        wait(|| format!("{zone} is not served:\n{}", process.log()), is_served);
    }

    /// Where the zone is.
    pub fn parent(&self) -> SocketAddr {
        SocketAddr::new(PARENT.into(), self.port)
    }

    /// Where the zones below it are.
    pub fn children(&self) -> SocketAddr {
        SocketAddr::new(CHILDREN.into(), self.port)
    }

    /// What the nameserver answers of the pool.
    pub fn pool(&self, rtype: &str) -> Vec<String> {
        Reply::with_authority(self.parent(), POOL, rtype).map(|reply| reply.answers).unwrap_or_default()
    }

    /// What the nameserver of the zone has said.
    pub fn log(&self) -> String {
        self.parent.log()
    }

    /// One of the numbers that polder-dns tells of itself.
    pub fn figure(&self, metric: &str) -> u64 {
        let mut stream = UnixStream::connect(self.folder.path().join("parent/admin.sock")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: polder\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let sample = format!("{metric}{{daemon=\"nameserver\"}} ");
        let of_metric = |line: &str| line.strip_prefix(&sample)?.parse().ok();
        page.lines().find_map(of_metric).unwrap_or_else(|| panic!("{metric} is not in:\n{page}"))
    }

    /// Another polder-dns with the same zone and the same keys.
    pub fn another_polder_dns(&self, signing: Signing) -> (Running, SocketAddr) {
        self.another("another", |at, server| {
            prepare_polder_dns(at, server.port(), signing, &self.members, &self.delegation_signer());
            polder_dns(at)
        })
    }

    /// What BIND makes of the same zone with the same keys.
    pub fn the_same_by_bind(&self, signing: Signing) -> (Running, SocketAddr) {
        self.another("bind", |at, server| {
            sign_by_bind(at, signing, self.delegation_signer());
            nsd(at, server, &[(ZONE, "signed")])
        })
    }

    fn another(&self, name: &str, prepare: impl FnOnce(&Path, SocketAddr) -> Command) -> (Running, SocketAddr) {
        let at = self.folder.path().join(name);
        keys::copy(&self.folder.path().join("parent").join(KEYS), &at.join(KEYS));
        let server = free_address();
        let running = Running::start(&at, name, prepare(&at, server));
        self.wait_for(server, ZONE, &running);
        (running, server)
    }

    fn delegation_signer(&self) -> String {
        delegation_signer(&self.folder.path().join("children"))
    }
}

/// What the nameserver of the zone is made of.
struct Parent<'l> {
    folder: &'l Path,
    port: u16,
    members: &'l Members,
    /// What it says of the zone below it that is signed.
    delegation_signer: String,
}

/// A port that is free at both addresses.
fn free_port() -> u16 {
    let is_free = |port: &u16| {
        let address = (IpAddr::V4(CHILDREN), *port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    };
    (0..100).map(|_| free_address().port()).find(is_free).expect("a port that is free at 127.0.0.1 and 127.0.0.2")
}

/// Writes both zones below, of which one is signed; gives its DS.
fn prepare_children(at: &Path) -> String {
    let signing = keys::SIGNINGS[0];
    let name = absolute("secure");
    keys::make(&at.join(KEYS), &name, signing);
    for child in ["secure", "insecure"] {
        fs::write(at.join(child), zone::child(child)).unwrap();
    }
    keys::signed_by_bind(at, &at.join(KEYS), &name, "secure", signing);
    delegation_signer(at)
}

fn delegation_signer(children: &Path) -> String {
    fs::read_to_string(children.join(format!("dsset-{}.", absolute("secure")))).unwrap()
}

/// Writes the zone with the pool as records, and what BIND makes of it with the keys that are there; gives that.
fn sign_by_bind(at: &Path, signing: Signing, delegation_signer: String) -> String {
    fs::write(at.join("zone"), zone::text(&(delegation_signer + &zone::pool_as_records()))).unwrap();
    keys::signed_by_bind(at, &at.join(KEYS), ZONE, "zone", signing)
}

/// Writes what a polder-dns with the zone needs; its keys are there.
fn prepare_polder_dns(at: &Path, port: u16, signing: Signing, members: &Members, delegation_signer: &str) {
    fs::create_dir(at.join("state")).unwrap();
    fs::write(at.join("zone"), zone::text(delegation_signer)).unwrap();
    let member = |n: u8| (format!("px-{n}"), json!({ "addresses": zone::addresses(n) }));
    let table: serde_json::Map<String, Value> = (0..MEMBERS).map(member).collect();
    let dnssec = json!({ "keys": KEYS, "denial": signing.denial });
    let zone = json!({ "file": "zone", "dnssec": dnssec, "transfer": *EVERYBODY });
    let mut document = document(at, port, zone);
    document["pools"] = json!({ POOL: {
        "ttl": 2,
        "aliases": ALIASES,
        "https": {},
        "keep_answer": "0s",
        "when_all_down": { "fallback": ["203.0.113.1"] },
        "members": table,
        "check": {
            "port": members.port, "path": "/ready", "interval": "20ms", "fast_interval": "10ms", "timeout": "1s", "rise": 1, "fall": 1
        }
    } });
    fs::write(at.join("dns.json"), document.to_string()).unwrap();
}

/// Who gets the zone: all on this machine.
static EVERYBODY: std::sync::LazyLock<Value> =
    std::sync::LazyLock::new(|| json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] }));

/// Writes what a polder-dns with the zone needs, which comes from where this says.
fn prepare_without_pools(at: &Path, port: u16, zone: Value) {
    fs::create_dir(at.join("state")).unwrap();
    fs::write(at.join("dns.json"), document(at, port, zone).to_string()).unwrap();
}

fn document(at: &Path, port: u16, zone: Value) -> Value {
    json!({
        "version": 1,
        "name": "ns-test",
        "listeners": [format!("127.0.0.1:{port}")],
        "admin": { "socket": at.join("admin.sock") },
        "state_dir": at.join("state"),
        "workers": 1,
        "rate_limit": { "exempt": ["127.0.0.0/8"] },
        "zones": { ZONE: zone }
    })
}

pub fn polder_dns(at: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder-dns"));
    command.arg("--config").arg(at.join("dns.json"));
    command
}

fn nsd(at: &Path, listen: SocketAddr, zones: &[(&str, &str)]) -> Command {
    let folder = at.display();
    let mut text = format!(
        "server:\n ip-address: {}@{}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
         pidfile: \"{folder}/pid\"\n zonelistfile: \"{folder}/list\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n \
         rrl-ratelimit: 0\nremote-control:\n control-enable: no\n",
        listen.ip(),
        listen.port()
    );
    for (zone, file) in zones {
        text += &format!("zone:\n name: \"{zone}\"\n zonefile: \"{file}\"\n provide-xfr: 127.0.0.0/8 NOKEY\n");
    }
    let config: PathBuf = at.join("nsd.conf");
    fs::write(&config, text).unwrap();
    let mut command = program("nsd");
    command.arg("-d").arg("-c").arg(config);
    command
}
