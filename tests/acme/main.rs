//! Certificates for a fleet of proxies, and for one of nameservers, from a real CA: Pebble, the test CA of Let's Encrypt.
//!
//! Needs Pebble (Debian's pebble), and so is apart from `cargo test`: `cargo test --test acme -- --ignored`. The CA asks a nameserver of
//! the test's own, which says where it is to look, and can be silent.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a blocking nameserver on a thread of its own, and processes that are waited for"
)]
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::panic, missing_docs)]

mod by_nameservers;
mod ca;
mod fleet;
mod nameserver;
mod nameservers;
mod own_nameserver;
#[path = "../common/ports.rs"]
mod ports;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use ca::Ca;
use fleet::Fleet;
use own_nameserver::OwnNameserver;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

const HOST: &str = "www.fleet.test";

/// What Pebble says when it looks for challenges.
const LOOKS: &str = " validations.";

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A CA, and so many proxies that get their certificates there.
fn fleet(proxies: usize, ca: &Ca) -> Fleet {
    Fleet::new(proxies, ca, HOST)
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn a_new_proxy_serves_http_at_once_and_https_without_a_reload_once_the_ca_has_issued() {
    let ca = Ca::new();
    let mut fleet = fleet(1, &ca);
    // The CA is not there yet: nobody minds but the operator.
    fleet.start(0);
    assert_eq!(fleet.http(0, "/").0, 200);
    let refused = fleet.https(0, &ca.unrelated_roots()).unwrap_err();
    assert!(refused.contains("UnrecognisedName"), "{refused}");
    eventually("the alarm says why", || fleet.alarms(0).contains("the CA cannot be reached"));
    assert!(fleet.alarms(0).contains("cannot be ordered"), "{}", fleet.alarms(0));

    let ca = ca.start(fleet.http_port(), "60");
    ca.nameserver.answer_with(&fleet.addresses(), 0);
    eventually("https is served", || fleet.https(0, &ca.roots()).is_ok());
    assert_eq!(fleet.process(0).reloads(), 0);
    let status = fleet.status(0);
    assert_eq!(status["certificates"][0]["acme"]["orderer"], "px-1", "{status}");
    assert!(status["certificates"][0]["acme"]["renewal"].is_u64(), "{status}");
    eventually("the alarm ends", || fleet.alarms(0) == "[]");
    assert!(
        fleet.metrics(0).contains("polder_acme_orders_total{daemon=\"proxy\",result=\"issued\"} 1"),
        "{}",
        fleet.metrics(0)
    );
    assert_secret(&fleet, 0);
    assert!(ca.nameserver.seen(HOST) > 0);
    // Other paths there are the service's.
    assert_eq!(fleet.http(0, "/.well-known/acme-challenge/abc").0, 200, "the backend answers");
}

/// What is on the disk is for the daemon's user, and what it shows holds no key.
fn assert_secret(fleet: &Fleet, proxy: usize) {
    use std::os::unix::fs::PermissionsExt;
    let folder = fleet.state_dir(proxy).join("acme");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let accounts: Value = serde_json::from_slice(&std::fs::read(folder.join("accounts.json")).unwrap()).unwrap();
    let account = accounts["accounts"].as_object().unwrap().values().next().unwrap()["credentials"].as_str().unwrap();
    let account_key = serde_json::from_str::<Value>(account).unwrap()["key_pkcs8"].as_str().unwrap().to_owned();
    let pem = std::fs::read_to_string(folder.join("www.pem")).unwrap();
    let key = pem.lines().skip_while(|line| !line.contains("BEGIN PRIVATE KEY")).nth(1).unwrap().to_owned();
    for shown in
        [fleet.call(proxy, "/status"), fleet.call(proxy, "/"), fleet.metrics(proxy), fleet.process(proxy).log()]
    {
        assert!(!shown.is_empty());
        for secret in [&account_key, &key] {
            assert!(!shown.contains(secret.as_str()), "a key is shown: {shown}");
        }
    }
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn one_proxy_orders_the_ca_finds_its_challenge_at_another_one_and_all_serve_the_same_certificate() {
    let ca = Ca::new();
    let mut fleet = fleet(3, &ca);
    let ca = ca.start(fleet.http_port(), "3600");
    // The CA looks at a proxy that does not order.
    ca.nameserver.answer_with(&fleet.addresses(), 2);
    (0..3).for_each(|proxy| fleet.start(proxy));
    eventually("all serve https", || (0..3).all(|proxy| fleet.https(proxy, &ca.roots()).is_ok()));
    let first = fleet.https(0, &ca.roots()).unwrap();
    assert!((1..3).all(|proxy| fleet.https(proxy, &ca.roots()).unwrap() == first));
    let orders = (0..3).map(|proxy| fleet.orders(proxy));
    assert_eq!(orders.collect::<Vec<_>>(), [1, 0, 0], "one certificate was ordered, by the lowest name");

    // One is reinstalled: it has everything again before it says that it is ready, and orders nothing.
    fleet.kill(0);
    std::fs::remove_dir_all(fleet.state_dir(0)).unwrap();
    fleet.start(0);
    assert_eq!(fleet.https(0, &ca.roots()).unwrap(), first, "at its first ready");
    let account = |proxy: usize| std::fs::read_to_string(fleet.state_dir(proxy).join("acme/accounts.json")).unwrap();
    eventually("it has the account, too", || fleet.state_dir(0).join("acme/accounts.json").exists());
    assert_eq!(account(0), account(1));
    assert_eq!(fleet.orders(0), 0);
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn when_the_proxy_that_orders_is_killed_in_the_middle_another_one_orders() {
    let ca = Ca::new();
    let mut fleet = fleet(2, &ca);
    let ca = ca.start_with(fleet.http_port(), "3600", &[("PEBBLE_WFE_NONCEREJECT", "20")]);
    ca.nameserver.be_silent(true);
    (0..2).for_each(|proxy| fleet.start(proxy));
    // The challenge is known everywhere when the CA looks.
    eventually("the CA looks", || ca.nameserver.seen(HOST) > 0);
    fleet.kill(0);
    ca.nameserver.answer_with(&fleet.addresses()[1..], 0);
    ca.nameserver.be_silent(false);
    eventually("the other one serves https", || fleet.https(1, &ca.roots()).is_ok());
    assert_eq!(fleet.orders(1), 1);
    let served = fleet.https(1, &ca.roots()).unwrap();

    // The first one comes back and gets it, though it would be its turn to order.
    ca.nameserver.answer_with(&fleet.addresses(), 0);
    fleet.start(0);
    eventually("it serves https", || fleet.https(0, &ca.roots()).is_ok());
    assert_eq!(fleet.https(0, &ca.roots()).unwrap(), served);
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn certificates_are_renewed_before_they_end_and_survive_a_takeover() {
    let ca = Ca::new();
    let mut fleet = fleet(2, &ca);
    // Pebble's certificates begin at once.
    let ca = ca.start(fleet.http_port(), "24");
    ca.nameserver.answer_with(&fleet.addresses(), 1);
    (0..2).for_each(|proxy| fleet.start(proxy));
    eventually("all serve https", || (0..2).all(|proxy| fleet.https(proxy, &ca.roots()).is_ok()));
    let first = fleet.https(0, &ca.roots()).unwrap();
    fleet.hand_over(0);
    assert!(fleet.https(0, &ca.roots()).is_ok());
    let is_renewed = |proxy: usize| fleet.https(proxy, &ca.roots()).unwrap() != first;
    eventually("it is renewed everywhere", || (0..2).all(is_renewed));
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn a_ca_that_has_customers_gives_certificates_to_whoever_has_a_customers_key() {
    const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let ca = Ca::new().for_customer("kid-1", KEY);
    let mut fleet = fleet(1, &ca);
    let ca = ca.start(fleet.http_port(), "3600");
    ca.nameserver.answer_with(&fleet.addresses(), 0);
    fleet.start(0);
    eventually("the alarm says what the CA wants", || fleet.alarms(0).contains("(externalAccountRequired)"));

    restart_with_customers_key(&mut fleet, "b10lLJs8l1GP");
    eventually("a key that is not the customer's is refused", || {
        fleet.alarms(0).contains("the CA says: ") && !fleet.alarms(0).contains("(externalAccountRequired)")
    });
    restart_with_customers_key(&mut fleet, KEY);
    eventually("https is served", || fleet.https(0, &ca.roots()).is_ok());
}

/// With another document, which is tried at once, whatever failed before.
fn restart_with_customers_key(fleet: &mut Fleet, key: &str) {
    fleet.kill(0);
    // Files of keys end with a line feed, mostly.
    let key_file = fleet.file(0, &format!("{key}.key"), &format!("{key}\n"));
    fleet.change(0, |document| {
        document["acme"]["eab"] = json!({ "key_id": "kid-1", "hmac_key_file": key_file });
    });
    fleet.start(0);
}

/// Proxies that order a wildcard by dns-01, and two nameservers that they tell.
fn by_dns(ca: &Ca) -> (Fleet, [OwnNameserver; 2]) {
    let mut fleet = fleet(2, ca);
    let nameservers = [0, 1].map(|_| OwnNameserver::new(&fleet.identities()));
    for proxy in 0..2 {
        let members = json!({ "ns-1": nameservers[0].member(), "ns-2": nameservers[1].member() });
        fleet.change(proxy, |document| {
            let key_file = document["peers"]["key_file"].clone();
            document["acme"]["nameservers"] = json!({ "key_file": key_file, "members": members });
            document["services"]["www"]["hosts"] = json!(["*.fleet.test"]);
            document["services"]["www"]["tls"] = json!({ "acme": { "challenge": "dns-01" } });
        });
    }
    (fleet, nameservers)
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn a_wildcard_is_ordered_by_dns_01_and_our_nameservers_answer_the_ca_for_as_long_as_the_order_runs() {
    let ca = Ca::new();
    let (mut fleet, mut nameservers) = by_dns(&ca);
    nameservers.iter_mut().for_each(OwnNameserver::start);
    let ca = ca.start_asking(nameservers[1].address, fleet.http_port(), "3600");
    (0..2).for_each(|proxy| fleet.start(proxy));
    eventually("all serve https", || (0..2).all(|proxy| fleet.https(proxy, &ca.roots()).is_ok()));
    assert_eq!([fleet.orders(0), fleet.orders(1)], [1, 0]);
    for nameserver in &nameservers {
        let (told, gone) = (
            "px-1 has ACME challenges answered: _acme-challenge.fleet.test (1 value)",
            "px-1 has no ACME challenge answered",
        );
        eventually("it was told, and told no more", || {
            nameserver.log().contains(told) && nameserver.log().contains(gone)
        });
    }
    eventually("nothing is an alarm", || fleet.alarms(0) == "[]");
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn while_no_nameserver_hears_the_ca_is_not_told_to_look_and_one_that_hears_is_enough() {
    let ca = Ca::new();
    let (mut fleet, mut nameservers) = by_dns(&ca);
    let ca = ca.start_asking(nameservers[0].address, fleet.http_port(), "3600");
    (0..2).for_each(|proxy| fleet.start(proxy));
    eventually("the alarm says who does not hear", || {
        fleet.alarms(0).contains("no nameserver answers _acme-challenge.fleet.test")
    });
    assert!(fleet.https(0, &ca.roots()).is_err());
    assert!(!ca.log().contains(LOOKS), "{}", ca.log());
    nameservers[0].start();
    eventually("all serve https", || (0..2).all(|proxy| fleet.https(proxy, &ca.roots()).is_ok()));
    assert!(fleet.process(0).log().contains("nameserver ns-2: "), "{}", fleet.process(0).log());
    assert!(ca.log().contains(LOOKS), "what its log says when it looks: {}", ca.log());
}
