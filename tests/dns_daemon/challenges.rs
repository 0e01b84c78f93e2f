//! Challenges of certificate authorities, told by a proxy over a real channel.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::rr::RData;
use polder::config::PeerConfig;
use polder::daemon::challenges::{Challenges, Name, Spread, SpreadError, Teller, Value};
use polder::daemon::peers::Identity;
use serde_json::json;

use crate::fleet::*;
use crate::ports::free_address;

const TXT: u16 = 16;
const NAME: &str = "_acme-challenge.www.example.net";
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The value that can be told from others by its letter.
fn value(letter: char) -> String {
    letter.to_string().repeat(43)
}

fn challenges(names: &[(&str, &[char])]) -> Challenges {
    let challenge = |(name, letters): &(&str, &[char])| {
        let values = letters.iter().map(|letter| Value::try_from(value(*letter)).unwrap());
        (Name::try_from((*name).to_owned()).unwrap(), values.collect())
    };
    names.iter().map(challenge).collect()
}

/// Which proxy this is.
fn identity(n: u8) -> Identity {
    Identity::of([n; 32]).unwrap()
}

/// A nameserver that `proxy1` may tell, and its own key.
fn nameserver(members: &Members) -> (Daemon, PeerConfig) {
    let mut daemon = Daemon::prepare(members);
    daemon.write_zone(1, "www CNAME http0.l\naway NS ns.away.test.");
    let key_file = daemon.folder.path().join("challenges.key");
    let own = Identity::make(&key_file).unwrap();
    let address = free_address();
    daemon.document["acme_challenges"] = json!({
        "listen": address,
        "key_file": key_file,
        "from": { "proxy1": { "addresses": ["127.0.0.1"], "keys": [identity(1).public().to_string()] } },
    });
    daemon.write_document();
    daemon.run();
    (daemon, PeerConfig { address, keys: vec![own.public()] })
}

/// The TXT values at a name, ordered.
fn texts(daemon: &Daemon, name: &str) -> Vec<String> {
    let message = udp(SocketAddr::new(LOCALHOST, daemon.port), &query(name, TXT));
    let text = |data: &RData| matches!(data, RData::TXT(_)).then(|| data.to_string());
    let mut texts: Vec<String> = message.answers.iter().filter_map(|record| text(&record.data)).collect();
    texts.sort();
    texts
}

/// A proxy that tells nameservers, on a runtime and a thread of its own.
struct Proxy {
    runtime: tokio::runtime::Handle,
    teller: Teller,
    _until_dropped: tokio::sync::oneshot::Sender<()>,
}

impl Proxy {
    fn start(n: u8, nameservers: &[(&str, &PeerConfig)]) -> Proxy {
        let thread = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let runtime = thread.handle().clone();
        let (until_dropped, dropped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || thread.block_on(dropped));
        let nameservers = nameservers.iter().map(|(name, config)| ((*name).to_owned(), (*config).clone())).collect();
        let teller = runtime.block_on(async { Teller::start(identity(n), LOCALHOST, nameservers) });
        Proxy { runtime, teller, _until_dropped: until_dropped }
    }

    fn spread(&self, wanted: Challenges, patience: Duration) -> Result<Spread, SpreadError> {
        self.runtime.block_on(self.teller.spread(wanted, patience))
    }
}

#[test]
fn what_a_proxy_tells_is_answered_when_it_is_told_so_and_gone_when_it_wants_it_no_more() {
    let (daemon, config) = nameserver(&Members::start(1));
    let proxy = Proxy::start(1, &[("ns1", &config)]);
    let spread = proxy.spread(challenges(&[(NAME, &['a', 'b'])]), LIMIT).unwrap();
    assert_eq!((spread.answering, spread.warnings), (vec!["ns1".to_owned()], vec![]));
    assert_eq!(texts(&daemon, NAME), [value('a'), value('b')]);
    proxy.spread(challenges(&[(NAME, &['c'])]), LIMIT).unwrap();
    assert_eq!(texts(&daemon, NAME), [value('c')]);
    proxy.spread(Challenges::new(), LIMIT).unwrap();
    assert_eq!(texts(&daemon, NAME), [""; 0]);
    let zone = std::fs::read_to_string(daemon.folder.path().join("example.net.zone")).unwrap();
    assert!(!zone.contains("_acme"), "{zone}");
}

#[test]
fn a_nameserver_that_restarts_is_told_again_and_a_takeover_forgets_nothing() {
    let (mut daemon, config) = nameserver(&Members::start(1));
    let proxy = Proxy::start(1, &[("ns1", &config)]);
    proxy.spread(challenges(&[(NAME, &['a'])]), LIMIT).unwrap();
    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.wait_exit();
    daemon.run();
    wait_for("the challenge after a restart", || (texts(&daemon, NAME) == [value('a')]).then_some(()));

    drop(proxy);
    daemon.take_over();
    assert_eq!(texts(&daemon, NAME), [value('a')], "{}", daemon.log());
}

#[test]
fn a_key_that_is_not_listed_is_refused_and_says_what_to_mend() {
    let (daemon, config) = nameserver(&Members::start(1));
    let stranger = Proxy::start(2, &[("ns1", &config)]);
    let error = wait_for("the refusal", || {
        let error = stranger.spread(challenges(&[(NAME, &['a'])]), Duration::from_secs(1)).unwrap_err().to_string();
        (!error.contains("has not answered yet")).then_some(error)
    });
    assert!(error.starts_with(&format!("no nameserver answers {NAME}: nameserver ns1: ")), "{error}");
    assert!(error.contains("key mismatch: it does not list the public half of our key"), "{error}");
    let line = "none of those listed in `acme_challenges.from`";
    wait_for(line, || daemon.log().contains(line).then_some(()));
    assert_eq!(texts(&daemon, NAME), [""; 0]);
}

#[test]
fn names_outside_the_zones_are_refused_and_the_others_are_answered() {
    let (daemon, config) = nameserver(&Members::start(1));
    let proxy = Proxy::start(1, &[("ns1", &config)]);
    let outside = "_acme-challenge.www.example.org";
    let error = proxy.spread(challenges(&[(NAME, &['a']), (outside, &['b'])]), LIMIT).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no nameserver answers {outside}: nameserver ns1: {outside} is in none of this nameserver's zones")
    );
    assert_eq!(texts(&daemon, NAME), [value('a')]);
    assert!(
        daemon.log().contains(&format!("refused: {outside} is in none of this nameserver's zones")),
        "{}",
        daemon.log()
    );
}

#[test]
fn one_nameserver_that_answers_is_enough_and_the_other_is_a_warning() {
    let (daemon, config) = nameserver(&Members::start(1));
    let gone = PeerConfig { address: free_address(), ..config.clone() };
    let proxy = Proxy::start(1, &[("ns1", &config), ("ns2", &gone)]);
    // Long enough for the one that is there on the busiest machine.
    let spread = proxy.spread(challenges(&[(NAME, &['a'])]), Duration::from_secs(5)).unwrap();
    assert_eq!(spread.answering, ["ns1"]);
    assert!(spread.warnings.len() == 1 && spread.warnings[0].starts_with("nameserver ns2: "), "{:?}", spread.warnings);
    assert_eq!(texts(&daemon, NAME), [value('a')]);
    let health: BTreeMap<_, _> = proxy.teller.health();
    assert!(health["ns1"].error.is_none() && health["ns2"].error.is_some(), "{health:?}");
}

#[test]
fn a_reload_that_no_longer_lists_a_proxy_ends_its_challenges() {
    let (mut daemon, config) = nameserver(&Members::start(1));
    let proxy = Proxy::start(1, &[("ns1", &config)]);
    proxy.spread(challenges(&[(NAME, &['a'])]), LIMIT).unwrap();
    daemon.document["acme_challenges"]["from"]["proxy1"]["keys"] = json!([identity(3).public().to_string()]);
    daemon.document["acme_challenges"]["from"]["proxy3"] = daemon.document["acme_challenges"]["from"]["proxy1"].take();
    daemon.document["acme_challenges"]["from"].as_object_mut().unwrap().remove("proxy1");
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(texts(&daemon, NAME), [""; 0]);
    daemon.document.as_object_mut().unwrap().remove("acme_challenges");
    daemon.write_document();
    daemon.reload().unwrap();
    wait_for("nobody to listen there", || std::net::TcpStream::connect(config.address).is_err().then_some(()));
}
