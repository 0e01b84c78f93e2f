//! NSD, Knot and BIND as secondaries of polder-dns, and as its primaries: they get its zone by a signed transfer, are told of each new serial, and then
//! have what it has; and so does it of theirs, over TLS too. BIND and Knot learn from its catalog which zones there are, and it from theirs (Debian 12's NSD knows none).
//!
//! Needs those three and kdig (Debian's nsd, knot, bind9 and knot-dnsutils), and so is apart from `cargo test`:
//! `cargo test --test transfers -- --ignored --nocapture`. `CHANGES` is how many times the zone changes (40), `KILLS` how many times the primary
//! is killed (8), `SEED` where it begins (random).

#![allow(clippy::disallowed_methods, reason = "blocking clients poll with a limit")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod catalogs;
mod consumers;
mod inbound;
mod over_tls;
#[path = "../common/ports.rs"]
mod ports;
mod primaries;
mod producers;
mod servers;
mod zone;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ports::free_address;
use servers::{KEY, Kind, Primary, SECRET, Secondary, kdig, records};
use zone::Zone;

/// No event is waited for longer.
const LIMIT: Duration = Duration::from_secs(60);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Waits until it is so.
fn wait(what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{}", what());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs NSD, Knot, BIND and kdig: see CONTRIBUTING.md"]
fn secondaries_of_every_kind_have_what_the_primary_has_after_each_change() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut zone = Zone::random(&mut rng, 400);
    let ports = [Kind::Nsd, Kind::Knot, Kind::Bind].map(|kind| (kind, free_address().port()));
    let primary = Primary::start(&zone, &ports.map(|(_, port)| port));
    let secondaries = ports.map(|(kind, port)| Secondary::start(kind, port, primary.port));
    let changes = number("CHANGES").unwrap_or(40) as usize;
    for change in 0..=changes {
        if change > 0 {
            zone.change(&mut rng);
            primary.load(&zone);
        }
        all_are_equal(&primary, &secondaries, &zone, &format!("at change {change} (SEED={seed})"));
    }
    // Each gets the zone whole first, and once more at the first change: what was served before the journal began is not known.
    let differences = primary.differences();
    eprintln!("{changes} changes, three secondaries: {differences} transfers of differences");
    assert!(differences >= 3 * (changes - 1), "{differences} of {changes} changes:\n{}", primary.log());
}

/// Waits until all have what the primary has, and it has that.
fn all_are_equal(primary: &Primary, secondaries: &[Secondary], zone: &Zone, when: &str) {
    wait(
        || format!("the primary does not serve serial {} {when}:\n{}", zone.serial, primary.log()),
        || servers::serial(primary.port) == Some(zone.serial),
    );
    let ours = records(primary.port, true);
    assert!(ours.len() > 100, "{ours:#?}");
    for secondary in secondaries {
        wait(
            || format!("{:?} has no serial {} {when}:\n{}", secondary.kind, zone.serial, secondary.log()),
            || servers::serial(secondary.port) == Some(zone.serial),
        );
        let theirs = records_at(zone.serial, secondary.port, false, || {
            format!("{:?} gives no zone of serial {} {when}:\n{}", secondary.kind, zone.serial, secondary.log())
        });
        let differ: Vec<_> = ours.symmetric_difference(&theirs).collect();
        assert!(differ.is_empty(), "{:?} differs {when}: {differ:#?}", secondary.kind);
    }
}

/// All records of a server once it gives this serial. A process of NSD from before its reload may answer over TCP when another one answers the new
/// serial over UDP already.
fn records_at(serial: u32, port: u16, is_signed: bool, why: impl Fn() -> String) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let serial = format!(" {serial} ");
    wait(why, || {
        found = records(port, is_signed);
        found.iter().any(|line| line.contains(" in soa ") && line.contains(&serial))
    });
    found
}

#[test]
#[ignore = "needs NSD, Knot, BIND and kdig: see CONTRIBUTING.md"]
fn a_primary_that_is_killed_at_any_moment_loses_no_serial_and_still_sends_differences() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut zone = Zone::random(&mut rng, 400);
    let ports = [Kind::Nsd, Kind::Knot, Kind::Bind].map(|kind| (kind, free_address().port()));
    let mut primary = Primary::start(&zone, &ports.map(|(_, port)| port));
    let secondaries = ports.map(|(kind, port)| Secondary::start(kind, port, primary.port));
    all_are_equal(&primary, &secondaries, &zone, "at first");
    for kill in 0..number("KILLS").unwrap_or(8) {
        for _ in 0..rng.usize(0..4) {
            zone.change(&mut rng);
            primary.load(&zone);
            #[allow(clippy::disallowed_methods, reason = "it dies at any moment")]
            std::thread::sleep(Duration::from_millis(rng.u64(0..60)));
        }
        if rng.bool() {
            zone.change(&mut rng);
            primary.write(&zone);
        }
        primary.crash();
        all_are_equal(&primary, &secondaries, &zone, &format!("after kill {kill} (SEED={seed})"));
        for _ in 0..2 {
            zone.change(&mut rng);
            primary.load(&zone);
            all_are_equal(&primary, &secondaries, &zone, &format!("some time after kill {kill} (SEED={seed})"));
        }
    }
    assert!(primary.differences() > 0, "{}", primary.log());
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn who_has_no_key_or_another_one_gets_nothing_and_a_signed_answer_verifies() {
    let zone = Zone::random(&mut fastrand::Rng::with_seed(1), 3);
    let primary = Primary::start(&zone, &[]);
    let mut rejected = String::new();
    wait(|| primary.log(), || servers::serial(primary.port) == Some(zone.serial));
    for (key, expected) in [
        (None, "REFUSED"),
        (Some(format!("hmac-sha256:{KEY}:{}", "B".repeat(43) + "=")), "BADSIG"),
        (Some(format!("hmac-sha512:{KEY}:{SECRET}")), "BADKEY"),
        (Some(format!("hmac-sha256:nobody.test:{SECRET}")), "BADKEY"),
    ] {
        let said = kdig(primary.port, key.as_deref(), &["example.net", "AXFR"]);
        if !said.contains(expected) {
            rejected.push_str(&format!("{key:?}: expected {expected}:\n{said}\n"));
        }
    }
    assert!(rejected.is_empty(), "{rejected}");
    // kdig verifies what it gets, over UDP too, and says so where it cannot.
    let key = format!("hmac-sha256:{KEY}:{SECRET}");
    for query in [&["example.net", "SOA"][..], &["example.net", "SOA", "+tcp"], &["nothing.example.net", "A"]] {
        let said = kdig(primary.port, Some(&key), query);
        assert!(
            said.contains("TSIG PSEUDOSECTION") && !said.contains(";; WARNING") && !said.contains(";; ERROR"),
            "{query:?}:\n{said}"
        );
    }
}
