use super::*;
use crate::zone::serial::is_newer;

/// Records of a master file, the SOA first.
fn stored(text: &str) -> Vec<u8> {
    let text = format!("$TTL 300\n{text}");
    let file = zone::parse("example.net", Path::new("z"), text, Checks::Lenient).unwrap();
    let mut records = Vec::new();
    file.records.iter().for_each(|record| put(&mut records, record.owner, record.rtype, record.ttl, record.rdata));
    records
}

fn zone_text(serial: u32, records: &str) -> String {
    format!("@ SOA ns host {serial} 100 10 1000 300\n@ NS ns\nns A 192.0.2.53\n{records}")
}

fn difference(from: u32, removed: &str, to: u32, added: &str) -> Difference {
    // Only what is different: SOA, NS and the address stand in both.
    let only = |serial: u32, records: &str| {
        let all = stored(&zone_text(serial, records));
        let mut kept = Vec::new();
        for record in each(&all).filter(|record| {
            record.rtype == rtype::SOA
                || !matches!(record.owner, b"\x02ns\x07example\x03net\x00" | b"\x07example\x03net\x00")
        }) {
            put(&mut kept, record.owner, record.rtype, record.ttl, record.rdata);
        }
        kept
    };
    Difference { removed: only(from, removed), added: only(to, added) }
}

#[test]
fn differences_one_after_the_other_make_the_zone_that_the_primary_has() {
    let held = stored(&zone_text(5, "a A 192.0.2.1\nA A 192.0.2.2\n"));
    let steps = vec![difference(5, "A 60 A 192.0.2.1\n", 6, "b TXT x\n"), difference(6, "b TXT x\n", 8, "c TXT y\n")];
    let records = records(Brought::Differences(steps), Some(&held)).unwrap().unwrap();
    let made = zone("example.net", &records, Checks::Lenient).unwrap();
    assert_eq!((made.zone.serial, made.zone.records), (8, 5));
    assert_eq!(made.times, Times::new(100, 10, 1000));
    assert_eq!(each(&records).next().map(|first| first.rtype), Some(rtype::SOA), "the SOA is the first");
}

#[test]
fn a_difference_that_does_not_fit_is_none() {
    let held = stored(&zone_text(5, "a A 192.0.2.1\n"));
    for step in [
        difference(5, "b A 192.0.2.1\n", 6, ""),
        difference(5, "", 6, "a A 192.0.2.1\n"),
        difference(4, "", 6, "b A 192.0.2.1\n"),
    ] {
        assert_eq!(records(Brought::Differences(vec![step]), Some(&held)), Err(Unfit::Difference(5)));
    }
    assert_eq!(records(Brought::Differences(Vec::new()), None), Err(Unfit::Stored));
}

#[test]
fn what_a_zone_file_would_be_refused_for_is_refused_and_so_is_another_digest() {
    let wrong = |text: &str, expected: &str| {
        let why = zone("example.net", &stored_raw(text), Checks::Lenient).map(|made| made.zone.serial).unwrap_err();
        assert!(why.to_string().contains(expected), "{expected}: {why}");
    };
    wrong("a CNAME b\na TXT x\n", "CNAME");
    wrong("digest", "ZONEMD");
}

/// With something that [`stored`] would refuse.
fn stored_raw(what: &str) -> Vec<u8> {
    let mut records = stored(&zone_text(1, ""));
    let owner = b"\x01a\x07example\x03net\x00";
    match what {
        "a RRSIG" => put(&mut records, owner, 46, 300, &[0; 30]),
        "digest" => put(&mut records, &owner[2..], 63, 300, &[&[0, 0, 0, 1, 1, 1][..], &[7; 48]].concat()),
        _ => {
            put(&mut records, owner, 5, 300, b"\x01b\0");
            put(&mut records, owner, 16, 300, b"\x01x");
        }
    }
    records
}

#[test]
fn random_changes_made_by_differences_are_equal_to_the_zone_whole() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut held = stored(&zone_text(1, ""));
        let mut serial = 1_u32;
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..10 {
            let mut step = Difference::default();
            let old = stored(&zone_text(serial, &lines.concat()));
            let next = serial.wrapping_add(random.u32(1..1 << 20));
            assert!(is_newer(next, serial));
            for _ in 0..random.usize(..3).min(lines.len()) {
                lines.swap_remove(random.usize(..lines.len()));
            }
            lines.extend((0..random.usize(..3)).map(|_| format!("h{} TXT {}\n", random.u32(..50), random.u64(..))));
            let new = stored(&zone_text(next, &lines.concat()));
            let missing = |of: &[u8], other: &[u8], out: &mut Vec<u8>| {
                for record in each(of).filter(|record| !each(other).any(|one| key(one) == key(*record))) {
                    put(out, record.owner, record.rtype, record.ttl, record.rdata);
                }
            };
            missing(&old, &new, &mut step.removed);
            missing(&new, &old, &mut step.added);
            held = records(Brought::Differences(vec![step]), Some(&held)).unwrap().unwrap();
            let sorted = |records: &[u8]| {
                let mut all: Vec<_> = each(records).map(key).collect();
                all.sort();
                all
            };
            assert_eq!(sorted(&held), sorted(&new), "SEED={seed}");
            serial = next;
        }
    }
}
