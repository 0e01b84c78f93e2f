//! A listed peer that means ill: whoever broke into its host has its key, and says over its channel what it likes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use polder::config::PublicKey;
use polder::daemon::peers::Identity;
use polder::demo::identities;
use serde_json::{Value, json};
use snow::{Builder, TransportState};

use crate::site::{Daemon, Site, assert_says, eventually, polder, run_together};

/// The last frame of a letter, and every other one.
const LAST: u8 = 0;
const MORE: u8 = 1;

/// A peer's end of one exchange, made of nothing but the Noise library.
struct Rogue {
    stream: TcpStream,
    noise: TransportState,
}

/// Why an exchange ended without an answer.
#[derive(Debug)]
enum Ended {
    /// The daemon refused the handshake with these bytes.
    Refused(Vec<u8>),
    /// The connection was closed under way: an exchange has a second, and this machine may be busy.
    Cut(#[expect(dead_code, reason = "shown by Debug")] io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Cut(error)
    }
}

impl Rogue {
    /// With a private key, from the address of its host.
    fn connect(to: SocketAddr, from: SocketAddr, key: &[u8; 32], theirs: PublicKey) -> Result<Rogue, Ended> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(from.ip(), 0).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(crate::site::LIMIT)).unwrap();
        let builder = Builder::new("Noise_IK_25519_ChaChaPoly_BLAKE2s".parse().unwrap());
        let builder = builder.prologue(b"polder peers 2").unwrap().local_private_key(key).unwrap();
        let mut noise = builder.remote_public_key(&theirs.0).unwrap().build_initiator().unwrap();
        let mut message = [0; 256];
        let length = noise.write_message(&[], &mut message).unwrap();
        write_frame(&mut stream, &message[..length])?;
        let answer = read_frame(&mut stream)?;
        if answer.len() < 2 {
            return Err(Ended::Refused(answer));
        }
        noise.read_message(&answer, &mut []).unwrap();
        Ok(Rogue { stream, noise: noise.into_transport_mode().unwrap() })
    }

    /// Says something in this name, and gives what is answered.
    fn say(mut self, name: &str, value: &Value) -> Result<Value, Ended> {
        let letter = json!({ "version": 2, "name": name, "value": value }).to_string();
        let mut parts = letter.as_bytes().chunks(60_000).peekable();
        while let Some(part) = parts.next() {
            let plain = [&[if parts.peek().is_some() { MORE } else { LAST }], part].concat();
            let mut sealed = vec![0; plain.len() + 16];
            let length = self.noise.write_message(&plain, &mut sealed).unwrap();
            write_frame(&mut self.stream, &sealed[..length])?;
        }
        let mut answer = Vec::new();
        loop {
            let sealed = read_frame(&mut self.stream)?;
            let mut plain = vec![0; sealed.len()];
            let length = self.noise.read_message(&sealed, &mut plain).unwrap();
            answer.extend_from_slice(&plain[1..length]);
            if plain[0] == LAST {
                return Ok(serde_json::from_slice(&answer).unwrap());
            }
        }
    }
}

fn write_frame(stream: &mut TcpStream, frame: &[u8]) -> io::Result<()> {
    stream.write_all(&(frame.len() as u16).to_be_bytes())?;
    stream.write_all(frame)
}

fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

/// The private key that a host's daemon keeps.
fn private(folder: &Path, name: &str) -> [u8; 32] {
    use base64::Engine;
    let text = std::fs::read_to_string(identities::file(folder, name)).unwrap();
    let line = text.lines().find(|line| !line.starts_with('#')).unwrap();
    base64::engine::general_purpose::STANDARD.decode(line).unwrap().try_into().unwrap()
}

/// What the daemon answers whoever has the key of px-2 and says this, again when an exchange was cut.
fn as_px_2(site: &Site, value: &Value) -> Value {
    let theirs = Identity::read(&identities::file(site.folder.path(), "px-1")).unwrap().public();
    let (to, from) = (site.addresses.proxy_peer(0), site.addresses.proxy_peer(1));
    let key = private(site.folder.path(), "px-2");
    let value = json!({ "version": 1, "latches": value["latches"], "operator": value["operator"] });
    heard(|| Rogue::connect(to, from, &key, theirs)?.say("px-2", &value)).unwrap_or_else(|answer| panic!("{answer:?}"))
}

/// What came of an exchange that was not cut.
fn heard<T>(mut exchange: impl FnMut() -> Result<T, Ended>) -> Result<T, Vec<u8>> {
    let cut = std::cell::RefCell::new(String::new());
    eventually(
        "an exchange that is not cut",
        || cut.borrow().clone(),
        || match exchange() {
            Ok(answer) => Some(Ok(answer)),
            Err(Ended::Refused(answer)) => Some(Err(answer)),
            Err(ended) => {
                *cut.borrow_mut() = format!("{ended:?}");
                None
            }
        },
    )
}

/// A proxy that has heard its peer, which has nothing.
fn run_with_px_2(site: &Site) -> Daemon<'_> {
    let mut proxy = site.proxy(0, &[0, 1]);
    proxy.run_in_doubt();
    as_px_2(site, &json!({ "latches": {}, "operator": {} }));
    proxy.wait_ready();
    proxy
}

fn word(state: &str) -> Value {
    json!({ "state": state, "who": "rogue", "when": 1, "by": "px-2", "why": "forged", "until": null })
}

fn latch(epoch: u64) -> Value {
    json!({ "epoch": epoch, "by": "zzzz", "at": u64::MAX, "active": "shop2", "spent": ["shop1"], "reason": "forged" })
}

fn with(mut value: Value, key: &str, to: Value) -> Value {
    value[key] = to;
    value
}

fn untaken(proxy: &Daemon<'_>) -> u64 {
    proxy.metric("peer_values_rejected_total", &["peer=\"px-2\""])
}

#[test]
fn words_and_epochs_from_the_far_future_move_nothing_and_raise_an_alarm_that_names_the_peer() {
    let site = Site::new();
    let mut proxy = run_with_px_2(&site);
    let future = with(word("maint"), "when", json!(u64::MAX));
    let answer = as_px_2(
        &site,
        &json!({ "latches": { "shop": latch(u64::MAX) }, "operator": { "www/web1": future, "shop/shop2": word("drain") } }),
    );
    assert_eq!(answer["value"]["version"], 1, "{answer}");
    proxy.wait_alarm("peer px-2 sent values that were rejected");
    let alarms = proxy.alarms();
    assert_says(&alarms, &["the operator state of www/web1: it is dated more than 48 h in the future"]);
    assert_says(&alarms, &["the latch of shop: its epoch 18446744073709551615 is more than 1048576 ahead of ours, 0"]);
    proxy.assert_serves();
    assert_eq!(proxy.visit_shop(), (200, "shop1".to_owned()));
    assert_eq!(proxy.latch()["epoch"], 0);
    assert_eq!(untaken(&proxy), 2);
    // What is good of the same letter counts.
    let word = proxy.status()["services"].to_string();
    assert!(word.contains("\"drain\""), "{word}");
    // So does the next move, which is one step ahead.
    polder(&proxy, &["failover", "shop", "--to", "shop2"]).assert(1, &["shop2"]);
    polder(&proxy, &["ready", "shop/shop2"]).assert(0, &[]);
    polder(&proxy, &["failover", "shop", "--to", "shop2"]).assert(0, &[]);
    proxy.wait_latch("an operator's step", |latch| latch["active"] == "shop2" && latch["epoch"] == 1);
}

#[test]
fn unknown_subjects_by_the_thousand_are_neither_kept_nor_passed_on() {
    let site = Site::new();
    let proxy = run_with_px_2(&site);
    // Many letters and no large one: an exchange has its time, also on a busy machine.
    for round in 0..10 {
        let ghosts: serde_json::Map<String, Value> = (0..500)
            .map(|at| (format!("ghost{round}/b{at}"), with(word("maint"), "why", json!("y".repeat(400)))))
            .collect();
        let latches: serde_json::Map<String, Value> = (0..500).map(|at| (format!("ghost{at}"), latch(1))).collect();
        as_px_2(&site, &json!({ "latches": latches, "operator": ghosts }));
    }
    let told = as_px_2(&site, &json!({ "latches": {}, "operator": {} }));
    assert_eq!(told["value"]["operator"], json!({}), "nothing is passed on");
    assert_eq!(told["value"]["latches"].as_object().unwrap().keys().collect::<Vec<_>>(), ["shop"]);
    polder(&proxy, &["drain", "www/web1", "--force"]).assert(0, &[]);
    let kept = eventually(
        "the word on disk",
        || proxy.said(),
        || std::fs::read_to_string(proxy.state_file("operator.json")).ok(),
    );
    assert!(kept.contains("www/web1") && !kept.contains("ghost"), "{kept}");
    assert!(
        !proxy.alarms().contains("px-2 sent values"),
        "a peer's document may be newer than ours: {}",
        proxy.alarms()
    );
}

#[test]
fn a_text_of_any_size_is_not_taken_from_a_peer_and_refused_to_an_operator_with_the_bound() {
    let site = Site::new();
    let proxy = run_with_px_2(&site);
    let long = "y".repeat(100_000);
    as_px_2(&site, &json!({ "latches": {}, "operator": { "www/web1": with(word("drain"), "why", json!(long)) } }));
    proxy.wait_alarm("the operator state of www/web1: why has 100000 bytes: expected at most 500");
    let command = json!({ "subject": "www/web1", "state": "drain", "who": "alice", "why": long, "force": true });
    assert_says(&proxy.post("/operator", &command).unwrap_err(), &["why has 100000 bytes: expected at most 500"]);
    let command = json!({ "service": "shop", "to": "shop2", "who": "a\nb" });
    assert_says(&proxy.post("/failover", &command).unwrap_err(), &["who has a control character"]);
    let mut nameserver = site.nameserver();
    nameserver.run();
    let command = json!({ "subject": "http0.l.polder.test/px-1", "state": "drain", "who": "w".repeat(101) });
    assert_says(&nameserver.post("/operator", &command).unwrap_err(), &["who has 101 bytes: expected at most 100"]);
    // The exchange goes on.
    as_px_2(&site, &json!({ "latches": {}, "operator": {} }));
    proxy.wait_no_alarms("px-2 sent values");
}

#[test]
fn the_key_of_a_peer_opens_its_own_name_alone_and_an_unlisted_key_nothing() {
    let site = Site::new();
    let _proxy = run_with_px_2(&site);
    let theirs = Identity::read(&identities::file(site.folder.path(), "px-1")).unwrap().public();
    let (to, from) = (site.addresses.proxy_peer(0), site.addresses.proxy_peer(1));
    let key = private(site.folder.path(), "px-2");
    for name in ["px-1", "px-3"] {
        let answer = heard(|| Rogue::connect(to, from, &key, theirs)?.say(name, &json!({ "version": 1 }))).unwrap();
        assert_says(&answer["refused"].to_string(), &["the key of px-2 was used in the name of"]);
    }
    for (unlisted, from) in [([7; 32], from), (private(site.folder.path(), "px-3"), from)] {
        assert_eq!(
            heard(|| Rogue::connect(to, from, &unlisted, theirs)).err(),
            Some(vec![1]),
            "told that it is not listed, no more"
        );
    }
    // With the key of its own public half alone nobody is who they called.
    let other = Identity::read(&identities::file(site.folder.path(), "px-3")).unwrap().public();
    assert_eq!(heard(|| Rogue::connect(to, from, &key, other)).err(), Some(vec![]));
}

#[test]
fn random_letters_of_a_listed_peer_end_nothing() {
    let site = Site::new();
    let mut proxy = run_with_px_2(&site);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let values = [
        json!(0),
        json!(1),
        json!(u64::MAX),
        json!(u64::MAX - 1),
        json!(-1),
        json!(1e300),
        json!(null),
        json!("x"),
        json!([]),
        json!({}),
    ];
    let names = ["shop1", "shop2", "", "nope", "\u{202e}"];
    for _ in 0..300 {
        let mut any = |from: &[Value]| from[random.usize(..from.len())].clone();
        let numbers = [(); 5].map(|()| any(&values));
        let mut name = || names[random.usize(..names.len())];
        let latch = json!({ "epoch": numbers[0], "by": name(), "at": numbers[1], "active": name(), "spent": vec![name(); 3], "reason": "r" });
        let word =
            json!({ "state": "maint", "who": "w", "when": numbers[2], "by": "b", "why": "", "until": numbers[3] });
        as_px_2(&site, &json!({ "latches": { "shop": latch }, "operator": { "www/web1": word } }));
        assert!(proxy.process.as_mut().unwrap().child.try_wait().unwrap().is_none(), "seed {seed}: {}", proxy.said());
    }
    // Whatever was taken can be undone.
    polder(&proxy, &["forget", "web1"]).assert(0, &[]);
    polder(&proxy, &["forget", "--latch", "shop"]).assert(0, &["begins anew on shop1"]);
    proxy.wait_latch("a new beginning", |latch| latch["active"] == "shop1" && latch["spent"] == json!([]));
    proxy.assert_serves();
}

#[test]
fn what_a_broken_peer_said_and_moved_is_forgotten_on_all_daemons() {
    let site = Site::new();
    let mut one = site.proxy(0, &[0, 1, 2]);
    let mut three = site.proxy(2, &[0, 1, 2]);
    run_together(&mut [&mut one, &mut three]);
    as_px_2(&site, &json!({ "latches": { "shop": latch(1 << 20) }, "operator": { "www/web1": word("maint") } }));
    for proxy in [&one, &three] {
        proxy.wait_latch("the forged latch", |latch| latch["epoch"] == 1 << 20);
    }
    let told = |arguments: &[&str]| {
        let sockets = format!("{}:{}", one.admin_socket().display(), three.admin_socket().display());
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(arguments)
            .env("POLDER_SOCKETS", sockets)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    };
    told(&["forget", "www/web1"]);
    told(&["forget", "--latch", "shop"]);
    for proxy in [&mut one, &mut three] {
        proxy.wait_latch("the primary", |latch| latch["active"] == "shop1" && latch["spent"] == json!([]));
        let state = || proxy.status()["services"].to_string();
        eventually("web1 to be ready", state, || (!state().contains("maint")).then_some(()));
        assert_eq!(proxy.visit_shop(), (200, "shop1".to_owned()));
        proxy.assert_serves();
    }
}
