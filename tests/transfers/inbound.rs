//! polder-dns as a secondary.

use std::time::{Duration, Instant};

use crate::ports::free_address;
use crate::primaries::{Other, Ours};
use crate::servers::{self, Kind, Primary, kdig, records};
use crate::zone::Zone;
use crate::{number, records_at, wait};

/// Waits until ours has what the primary has, which has this serial or a later one.
fn are_equal(port: u16, ours: &Ours, serial: u32, when: &str, log: impl Fn() -> String) {
    wait(
        || format!("{when}: {:?}, and not {serial}:\n{}\n{}", servers::serial(ours.port), ours.log(), log()),
        || servers::serial(port) == Some(serial) && servers::serial(ours.port) == Some(serial),
    );
    let theirs =
        records_at(serial, port, true, || format!("{when}: the primary gives no zone of serial {serial}:\n{}", log()));
    let own = records(ours.port, false);
    assert!(own.len() > 100, "{own:#?}");
    let differ: Vec<_> = theirs.symmetric_difference(&own).collect();
    assert!(differ.is_empty(), "{when}: {differ:#?}");
}

#[test]
#[ignore = "needs NSD, Knot, BIND and kdig: see CONTRIBUTING.md"]
fn ours_has_what_a_primary_of_every_kind_has_after_each_change() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("SEED={seed}");
    let changes = number("CHANGES").unwrap_or(40) as usize / 2;
    let follows = |kind: Kind| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut zone = Zone::random(&mut rng, 200);
        let (port, own) = (free_address().port(), free_address().port());
        let primary = Other::start(kind, port, own, &zone);
        wait(|| format!("{kind:?}:\n{}", primary.log()), || servers::serial(port) == Some(zone.serial));
        let mut ours = Ours::start(own, &[port]);
        for change in 0..=changes {
            if change > 0 {
                zone.change(&mut rng);
                primary.load(&zone);
            }
            if change % 5 == 4 {
                ours.crash();
            }
            let when = format!("{:?} at change {change} (SEED={seed})", primary.kind);
            are_equal(primary.port, &ours, zone.serial, &when, || primary.log());
        }
        eprintln!("{kind:?}: {changes} changes, {} by what had changed", ours.differences());
        assert!(ours.differences() > changes / 2, "{kind:?}:\n{}\n{}", ours.log(), primary.log());
    };
    std::thread::scope(|scope| {
        for kind in [Kind::Nsd, Kind::Knot, Kind::Bind] {
            scope.spawn(move || follows(kind));
        }
    });
}

#[test]
#[ignore = "needs Knot and kdig: see CONTRIBUTING.md"]
fn ours_takes_a_zone_whose_digest_another_server_has_made() {
    let zone = Zone::random(&mut fastrand::Rng::with_seed(1), 200);
    let (port, own) = (free_address().port(), free_address().port());
    let primary = Other::with_digest(port, own, &zone);
    wait(|| primary.log(), || servers::serial(port).is_some());
    let ours = Ours::start(own, &[port]);
    are_equal(port, &ours, servers::serial(port).unwrap(), "with a digest", || primary.log());
    let digest = kdig(own, None, &["example.net", "ZONEMD", "+short"]);
    assert!(digest.contains(" 1 2 "), "SIMPLE, SHA-512: {digest}");
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn ours_that_lost_its_primaries_serves_until_the_zone_expires_also_after_a_crash_and_again_when_one_is_back() {
    let mut zone = Zone::random(&mut fastrand::Rng::with_seed(1), 200);
    zone.times = "2 1 15 300";
    let own = free_address().port();
    let mut primary = Primary::start(&zone, &[own]);
    let dead = free_address().port();
    let mut ours = Ours::start(own, &[dead, primary.port]);
    are_equal(primary.port, &ours, zone.serial, "at first, by the second primary", || primary.log());
    let answers = |port: u16| kdig(port, None, &["ns.example.net", "A", "+time=1"]);
    primary.running.process.kill().unwrap();
    primary.running.process.wait().unwrap();
    let lost = Instant::now();
    ours.crash();
    wait(|| format!("it serves what is stored:\n{}", ours.log()), || answers(own).contains("192.0.2.53"));
    assert!(lost.elapsed() < Duration::from_secs(15), "before it expired");
    wait(|| format!("it expires:\n{}", ours.log()), || answers(own).contains("SERVFAIL"));
    assert!(
        lost.elapsed() > Duration::from_secs(11),
        "{:?}: not earlier than two seconds' refresh before",
        lost.elapsed()
    );
    assert!(ours.log().contains("has expired"), "{}", ours.log());
    primary.crash();
    wait(|| format!("it is served again:\n{}", ours.log()), || answers(own).contains("192.0.2.53"));
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn ours_and_its_primary_are_killed_at_any_moment_and_no_serial_is_lost() {
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut zone = Zone::random(&mut rng, 200);
    zone.times = "2 1 600 300";
    let own = free_address().port();
    let mut primary = Primary::start(&zone, &[own]);
    let mut ours = Ours::start(own, &[primary.port]);
    are_equal(primary.port, &ours, zone.serial, "at first", || primary.log());
    for kill in 0..number("KILLS").unwrap_or(8) {
        for _ in 0..rng.usize(1..4) {
            zone.change(&mut rng);
            primary.load(&zone);
            #[allow(clippy::disallowed_methods, reason = "it dies at any moment")]
            std::thread::sleep(Duration::from_millis(rng.u64(0..60)));
        }
        match rng.bool() {
            true => ours.crash(),
            false => primary.crash(),
        }
        are_equal(primary.port, &ours, zone.serial, &format!("after kill {kill} (SEED={seed})"), || primary.log());
    }
}
