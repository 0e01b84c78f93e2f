//! Against what `std::fmt` and jiff write.
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::tz::TimeZone;

use super::*;

const ROUNDS: usize = 20_000;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn random() -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

#[test]
fn a_moment_is_written_as_jiff_writes_it() {
    let mut random = random();
    let range = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    let usual = Timestamp::UNIX_EPOCH.as_nanosecond()..=4_102_444_800_000_000_000;
    let of_the_clock: Vec<i128> = (0..ROUNDS).map(|_| random.i128(usual.clone())).collect();
    let of_any = (0..ROUNDS).map(|_| random.i128(range.clone()));
    for nanosecond in of_the_clock.into_iter().chain(of_any).chain([*range.start(), *range.end(), 0, -1]) {
        let at = Timestamp::from_nanosecond(nanosecond).unwrap();
        assert_eq!(written(|out| moment(out, at)), format!("{at:.3}"));
        let as_haproxy = at.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S%.3f").to_string();
        assert_eq!(written(|out| haproxys_moment(out, at)), as_haproxy, "{at}");
    }
}

#[test]
fn the_end_of_a_connection_is_written_as_the_standard_library_writes_it() {
    let mut random = random();
    for _ in 0..ROUNDS {
        let v4 = Ipv4Addr::from_bits(random.u32(..));
        let v6 = Ipv6Addr::from_bits(random.u128(..));
        for address in [v4.into(), v6.into(), v4.to_ipv6_mapped().into()] {
            let end = SocketAddr::new(address, random.u16(..));
            assert_eq!(written(|out| peer(out, end)), end.to_string());
        }
    }
}
