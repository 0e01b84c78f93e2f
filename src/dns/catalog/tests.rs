use std::path::Path;

use super::production::{Other, members, next_serial, records};
use super::reading::Broken;
use super::*;
use crate::config::dns::Checks;
use crate::dns::compiled::Zone;
use crate::dns::secondary::made;
use crate::zone::name;
use crate::zone::serial::is_newer;

fn wanted(zones: &[(&str, &str)]) -> Members {
    let group = |group: &str| Some(group.to_owned()).filter(|group| !group.is_empty());
    members(&zones.iter().map(|(apex, of)| ((*apex).to_owned(), group(of))).collect())
}

fn made(members: &Members, serial: u32) -> Zone {
    let apex = "catalog.example.net";
    let records = records(&name::from_text(apex).unwrap(), members, serial);
    made::zone(apex, &records, Checks::Strict).unwrap().zone
}

/// A catalog as people write one.
fn written(records: &str) -> Result<Members, Broken> {
    let text = format!("$TTL 0\n@ SOA invalid. invalid. 1 3600 600 86400 0\n@ NS invalid.\n{records}");
    let file = crate::zone::parse("catalog.example.net", Path::new("z"), text, Checks::Lenient).unwrap();
    let none = BTreeMap::new();
    let owners = crate::dns::compiled::PoolOwners::new(Path::new("d"), vec![file.apex.clone()], &none).unwrap();
    reading::members(&crate::dns::compiled::compile_zone(&file, &owners).unwrap())
}

#[test]
fn what_is_made_is_read_as_what_was_to_be_said() {
    let all = wanted(&[("example.com", ""), ("example.net", "a"), (".", ""), ("0/25.2.0.192.in-addr.arpa", "")]);
    let zone = made(&all, 7);
    assert_eq!(reading::members(&zone), Ok(all.clone()));
    assert_eq!((zone.serial, zone.records), (7, 3 + 4 + 1));
    let one = &all["example.net"];
    assert_eq!(one.label.len(), 40);
    assert_eq!(one.label, wanted(&[("example.net", "")])["example.net"].label, "a label is a matter of the name alone");
}

#[test]
fn a_digest_is_another_one_when_anything_is() {
    let base = wanted(&[("example.com", ""), ("example.net", "a")]);
    assert_eq!(digest(&base), digest(&wanted(&[("example.net", "a"), ("example.com", "")])));
    let mut moved = base.clone();
    moved.get_mut("example.com").unwrap().moves_to = Some("other.example".to_owned());
    let mut labelled = base.clone();
    labelled.get_mut("example.com").unwrap().label = b"x".as_slice().into();
    let others = [
        wanted(&[("example.net", "a")]),
        wanted(&[("example.com", "a"), ("example.net", "")]),
        wanted(&[("example.com", ""), ("example.net", "ab")]),
        moved,
        labelled,
    ];
    let digests: BTreeSet<String> = others.iter().chain([&base]).map(digest).collect();
    assert_eq!(digests.len(), others.len() + 1);
}

#[test]
fn a_catalog_without_a_version_or_with_another_or_with_names_that_stand_in_it_twice_is_broken() {
    let rejected = [
        ("a.zones PTR example.com.\n", Broken::NoVersion),
        ("version TXT \"1\"\n", Broken::Version("\"1\"".to_owned())),
        ("version TXT \"3\"\na.zones PTR example.com.\n", Broken::Version("\"3\"".to_owned())),
        ("version TXT \"2\"\nversion TXT \"1\"\n", Broken::Version("\"2\" and \"1\"".to_owned())),
        (
            "version TXT \"2\"\na.zones PTR example.com.\na.zones PTR example.net.\n",
            Broken::Several("a.zones.catalog.example.net".to_owned()),
        ),
        (
            "version TXT \"2\"\na.zones PTR example.com.\nb.zones PTR Example.COM.\n",
            Broken::Twice("example.com".to_owned()),
        ),
    ];
    for (text, expected) in rejected {
        assert_eq!(written(text), Err(expected), "{text}");
    }
    assert!(matches!(written("version TXT \"2\"\na.zones PTR a\\032b.example.\n"), Err(Broken::Name(_))));
    assert_eq!(written("version TXT \"2\"\n"), Ok(Members::new()), "one that names nothing is sound");
}

#[test]
fn properties_are_those_of_their_member_and_what_is_not_known_is_passed_over() {
    let members = written(
        "version TXT \"2\"\nUniQue.zones PTR Example.com.\ngroup.unique.zones TXT \"one\"\ngroup.unique.zones TXT \"two\"\n\
         coo.unique.zones PTR Other.example.\next.unique.zones TXT x\nfoo.ext TXT y\nb.zones PTR example.net.\n\
         coo.b.zones PTR one.\ncoo.b.zones PTR two.\ngroup.nobody.zones TXT \"x\"\nc.zones TXT \"no PTR\"\n",
    )
    .unwrap();
    assert_eq!(members.len(), 2);
    let first = &members["example.com"];
    assert_eq!((&*first.label, first.moves_to.as_deref()), (&b"unique"[..], Some("other.example")));
    assert_eq!(first.groups, [b"one".to_vec(), b"two".to_vec()].into());
    assert_eq!(members["example.net"].moves_to, None, "two destinations are none");
}

#[test]
fn a_serial_rises_with_every_change_and_never_falls_whatever_the_clock_says() {
    assert_eq!(next_serial(None, &[], 1_000), Some(1_000));
    assert_eq!(next_serial(Some((1_000, true)), &[], 2_000), None, "nothing has changed");
    assert_eq!(next_serial(Some((1_000, false)), &[], 2_000), Some(2_000));
    assert_eq!(next_serial(Some((3_000, false)), &[], 2_000), Some(3_001), "the clock went back");
    assert_eq!(next_serial(Some((u32::MAX, false)), &[], 5), Some(5), "the numbers begin again (RFC 1982)");
    assert_eq!(next_serial(Some((u32::MAX, false)), &[], u64::from(u32::MAX)), Some(1), "and 0 is none");
    let peer = |serial, is_same| Other { serial, is_same };
    assert_eq!(next_serial(None, &[peer(900, true)], 2_000), Some(900), "a peer says the same already");
    assert_eq!(next_serial(Some((1_000, true)), &[peer(1_005, true)], 2_000), Some(1_005));
    assert_eq!(next_serial(Some((1_000, true)), &[peer(1_005, false)], 2_000), None, "it has another document");
    assert_eq!(next_serial(Some((1_000, false)), &[peer(2_500, false)], 2_000), Some(2_501));
    assert_eq!(next_serial(Some((1_000, false)), &[peer(900, true)], 2_000), Some(2_000), "nobody goes back");
}

/// Nameservers whose clocks differ get documents and hear each other, or do not, in any order.
#[test]
fn nameservers_that_hear_each_other_come_to_one_serial_and_none_serves_two_contents_under_one() {
    let seed = fastrand::u64(..);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..300 {
        let clocks: Vec<u64> = (0..3).map(|_| 1_000_000 + random.u64(0..50)).collect();
        // Of each: its document, and what it serves.
        let mut servers: Vec<(u8, Option<(u32, u8)>)> = vec![(0, None); 3];
        let step = |servers: &mut Vec<(u8, Option<(u32, u8)>)>, n: usize, hears: bool, now: u64| {
            let (wants, held) = servers[n];
            let heard = servers.iter().enumerate().filter(|(other, _)| hears && *other != n);
            let others: Vec<Other> = heard
                .filter_map(|(_, (_, held))| *held)
                .map(|(serial, says)| Other { serial, is_same: says == wants })
                .collect();
            let next = next_serial(held.map(|(serial, says)| (serial, says == wants)), &others, now);
            if let Some(next) = next {
                assert!(held.is_none_or(|(serial, _)| is_newer(next, serial)), "it fell: {held:?} to {next}");
                servers[n].1 = Some((next, wants));
            }
        };
        for time in 0..40 {
            let n = random.usize(0..3);
            if random.u8(0..3) == 0 {
                servers[n].0 = random.u8(0..3);
            }
            let now = clocks[n] + time;
            step(&mut servers, n, random.bool(), now);
        }
        // One document for all, and everybody is heard.
        servers.iter_mut().for_each(|server| server.0 = 7);
        for round in 0..3 {
            (0..3).for_each(|n| step(&mut servers, n, true, clocks[n] + 40 + round));
        }
        assert!(servers.iter().all(|server| server.1 == servers[0].1), "{servers:?}");
        assert_eq!(servers[0].1.unwrap().1, 7);
    }
}
