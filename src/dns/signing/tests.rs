mod presigned;
mod threads;
mod validated;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::fixture::config;
use super::pools::Signed;
use super::*;
use crate::config::dns::{Checks, Denial, DnsConfig, DnssecConfig, SerialRule, parse};
use crate::dns::compiled::{Node, PoolOwners, RrSet, Zone, compile_zone};
use crate::dns::snapshot::PoolAnswer;
use crate::dnssec::{Algorithm, Role, Times, ZoneKey, make, verify};
use crate::zone;
use crate::zone::name;
use crate::zone::number::rtype;

/// A moment in 2026, at no full hour.
const NOW: u64 = 1_795_000_123;

const DAY: u64 = 86_400;

const TEXT: &str = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\nWww A 192.0.2.1\n\
                    a.b.c TXT \"deep\"\n*.w TXT \"wild\"\nal CNAME www\ndn DNAME target.example.org.\n\
                    sub NS ns.sub\nns.sub A 192.0.2.9\nsec NS ns.other.org.\n\
                    sec DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";

fn document(pools: &str) -> DnsConfig {
    let text = format!(
        r#"{{ "version": 1, "name": "ns1", "listeners": ["127.0.0.1:53"], "admin": {{ "socket": "/run/a" }}, "state_dir": "/s",
             "zones": {{ "example.net": {{ "file": "zone" }} }}, "pools": {{ {pools} }} }}"#
    );
    parse(Path::new("/d/dns.json"), &text).unwrap()
}

fn compiled(text: &str, config: &DnsConfig) -> Zone {
    let file = zone::parse("example.net", Path::new("z"), text.as_bytes(), Checks::Lenient).unwrap();
    let owners = PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &config.pools).unwrap();
    compile_zone(&file, &owners).unwrap()
}

fn key(role: Role, algorithm: Algorithm, times: Times) -> Arc<ZoneKey> {
    let apex = name::from_text("example.net").unwrap();
    Arc::new(make(&apex, role, algorithm, times, &[]).unwrap().into_key())
}

fn signer(keys: Vec<Arc<ZoneKey>>) -> ZoneSigner {
    signer_by(keys, Denial::Nsec)
}

fn signer_by(keys: Vec<Arc<ZoneKey>>, denial: Denial) -> ZoneSigner {
    ZoneSigner::new(name::from_text("example.net").unwrap(), keys, &config(denial, SerialRule::File))
}

fn csk() -> ZoneSigner {
    signer(vec![key(Role::Ksk, Algorithm::EcdsaP256, Times::default())])
}

fn signed(zone: &Zone, signer: &ZoneSigner, now: u64, before: Option<&Zone>) -> Zone {
    zone.signed(Arc::new(sign_zone(zone, &signer.at(now), before).unwrap()))
}

fn node<'z>(zone: &'z Zone, text: &str) -> Node<'z> {
    zone.by_name(&name::from_text(text).unwrap()).unwrap()
}

/// What a node has of its zone's being signed.
fn made<'z>(zone: &'z Zone, node: Node<'z>) -> impl Iterator<Item = RrSet<'z>> {
    let of_apex = zone.signatures().into_iter().flat_map(|signatures| signatures.at_apex());
    of_apex.filter(move |_| node.id() == 0).chain(node.denial())
}

/// Whether a set's signature is one of this key, over the records that are given here in their canonical form.
fn is_signed_by(key: &ZoneKey, set: RrSet<'_>, records: &[u8]) -> bool {
    set.rrsigs().into_iter().flat_map(RrSet::rdatas).any(|rdata| {
        let head = 18 + name::measure(&rdata[18..]).unwrap();
        let (head, signature) = rdata.split_at(head);
        head[16..18] == key.tag().to_be_bytes() && verify(key.dnskey(), &[head, records].concat(), signature)
    })
}

#[test]
fn a_set_is_signed_as_validators_read_it_with_its_owner_in_lower_case_and_its_records_in_order() {
    let (zone, signer) = (compiled(&format!("{TEXT}two A 192.0.2.9\nTwo A 192.0.2.10\n"), &document("")), csk());
    let zone = signed(&zone, &signer, NOW, None);
    let owner = b"\x03two\x07example\x03net\0";
    let record = |last: u8| [&owner[..], &[0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, last]].concat();
    let set = node(&zone, "two.example.net").set(rtype::A).unwrap();
    assert!(is_signed_by(&signer.keys()[0], set, &[record(9), record(10)].concat()));
    assert!(!is_signed_by(&signer.keys()[0], set, &[record(10), record(9)].concat()));
}

#[test]
fn what_belongs_to_another_zone_is_not_signed_and_has_no_nsec() {
    let zone = signed(&compiled(TEXT, &document("")), &csk(), NOW, None);
    let is_signed = |name: &str, rtype| node(&zone, name).set(rtype).unwrap().rrsigs().is_some();
    assert!(!is_signed("sub.example.net", rtype::NS), "a delegation");
    assert!(is_signed("sec.example.net", rtype::DS));
    assert!(!is_signed("ns.sub.example.net", rtype::A), "glue");
    assert!(is_signed("dn.example.net", rtype::DNAME));
    let has_nsec = |name: &str| node(&zone, name).denial().is_some();
    assert!(has_nsec("sub.example.net") && has_nsec("example.net"));
    assert!(!has_nsec("ns.sub.example.net"));
    assert!(!has_nsec("b.c.example.net"), "an empty non-terminal");
}

#[test]
fn each_nsec_names_the_next_one_and_the_last_one_the_apex() {
    let zone = signed(&compiled(TEXT, &document("")), &csk(), NOW, None);
    let owners: Vec<Box<[u8]>> =
        zone.nodes().filter(|node| node.denial().is_some()).map(|node| name::lower(node.name())).collect();
    let next: Vec<Box<[u8]>> = zone
        .nodes()
        .filter_map(Node::denial)
        .map(|nsec| nsec.first()[..name::measure(nsec.first()).unwrap()].into())
        .collect();
    assert_eq!(next[..next.len() - 1], owners[1..]);
    assert_eq!(next.last(), owners.first());
}

#[test]
fn signatures_are_the_same_for_all_who_have_the_keys_at_any_minute_of_an_hour() {
    let (zone, signer) = (compiled(TEXT, &document("")), csk());
    let all = |zone: &Zone| -> Vec<u8> {
        let sets = zone.nodes().flat_map(|node| node.sets().chain(made(zone, node)).collect::<Vec<_>>());
        sets.flat_map(|set| set.signatures.to_vec()).collect()
    };
    let hour = NOW - NOW % 3600;
    let first = all(&signed(&zone, &signer, hour, None));
    assert!(!first.is_empty());
    assert_eq!(first, all(&signed(&zone, &signer, hour + 3599, None)));
}

#[test]
fn every_signature_is_renewed_before_a_third_of_its_life_is_left_and_not_all_in_one_hour() {
    let text: String = (0..300).map(|n| format!("h{n} A 192.0.2.1\n")).collect();
    let (zone, signer) = (compiled(&format!("{TEXT}{text}"), &document("")), csk());
    let times = |zone: &Zone| -> BTreeMap<(Vec<u8>, u16), (u32, u32)> {
        let sets = zone.nodes().flat_map(|node| {
            node.sets().chain(made(zone, node)).map(|set| (node.name().to_vec(), set)).collect::<Vec<_>>()
        });
        let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
        sets.filter_map(|(owner, set)| {
            let rrsig = set.rrsigs()?.first();
            Some(((owner, set.rtype), (number(&rrsig[12..16]), number(&rrsig[8..12]))))
        })
        .collect()
    };
    let (mut zone, mut changes) = (signed(&zone, &signer, NOW, None), Vec::new());
    for hour in 1..=20 * 24 {
        let now = NOW + hour * 3600;
        let next = signed(&zone, &signer, now, Some(&zone));
        let (before, after) = (times(&zone), times(&next));
        changes.push(after.iter().filter(|(set, times)| before[*set] != **times).count());
        for (inception, expiration) in after.values().map(|(from, to)| (u64::from(*from), u64::from(*to))) {
            let whole = 14 * DAY;
            assert!(inception <= now, "{inception} {now}");
            assert!(expiration - now >= whole / 3 - 3600, "{} s of {whole} left", expiration - now);
        }
        zone = next;
    }
    assert!(changes.iter().all(|changed| *changed < times(&zone).len() / 10), "{changes:?}");
}

#[test]
fn a_successor_that_is_only_published_signs_nothing_and_the_keys_are_signed_by_the_key_signing_key() {
    let at = |activate, inactive| Times { publish: Some(0), activate, inactive, ..Times::default() };
    let ksk = key(Role::Ksk, Algorithm::EcdsaP256, Times::default());
    let (old, new) = (at(Some(0), Some(NOW + DAY)), at(Some(NOW + DAY), None));
    let [old, new] = [old, new].map(|times| key(Role::Zsk, Algorithm::EcdsaP256, times));
    let signer = signer(vec![Arc::clone(&ksk), Arc::clone(&old), Arc::clone(&new)]);
    let tags = |keys: &[&ZoneKey]| keys.iter().map(|key| key.tag()).collect::<Vec<_>>();
    let today = signer.at(NOW);
    assert_eq!(today.dnskeys().len(), 3);
    assert_eq!(tags(today.keys_for(rtype::DNSKEY)), [ksk.tag()]);
    assert_eq!(tags(today.keys_for(rtype::A)), [old.tag()]);
    assert_eq!(tags(signer.at(NOW + 2 * DAY).keys_for(rtype::A)), [new.tag()]);
}

#[test]
fn keys_that_were_made_within_this_hour_sign_by_their_roles() {
    let now = Times { publish: Some(NOW), activate: Some(NOW), ..Times::default() };
    let [ksk, zsk] = [Role::Ksk, Role::Zsk].map(|role| key(role, Algorithm::EcdsaP256, now));
    let signer = signer(vec![Arc::clone(&ksk), Arc::clone(&zsk)]);
    let moment = signer.at(NOW);
    assert!(moment.hour() < NOW);
    let tags = |rtype| moment.keys_for(rtype).iter().map(|key| key.tag()).collect::<Vec<_>>();
    assert_eq!((tags(rtype::DNSKEY), tags(rtype::A)), (vec![ksk.tag()], vec![zsk.tag()]));
}

#[test]
fn a_zone_whose_next_key_nobody_has_made_goes_on_with_the_one_it_has() {
    let over =
        Times { publish: Some(0), activate: Some(0), inactive: Some(NOW - DAY), delete: Some(NOW), ..Times::default() };
    let signer = signer(vec![key(Role::Ksk, Algorithm::Ed25519, over)]);
    let moment = signer.at(NOW + 30 * DAY);
    assert_eq!(
        (moment.dnskeys().len(), moment.keys_for(rtype::A).len(), moment.keys_for(rtype::DNSKEY).len()),
        (1, 1, 1)
    );
}

#[test]
fn each_algorithm_of_the_keys_signs_everything() {
    let keys = [Algorithm::EcdsaP256, Algorithm::Ed25519].map(|algorithm| key(Role::Ksk, algorithm, Times::default()));
    let zone = signed(&compiled(TEXT, &document("")), &signer(keys.into()), NOW, None);
    assert_eq!(node(&zone, "www.example.net").set(rtype::A).unwrap().rrsigs().unwrap().count, 2);
    assert_eq!(zone.node(0).set(rtype::DNSKEY).unwrap().rrsigs().unwrap().count, 2);
}

#[test]
fn a_zone_with_keys_of_its_own_in_its_file_is_not_signed() {
    let zone = compiled(
        &format!("{TEXT}@ CDS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"),
        &document(""),
    );
    assert_eq!(sign_zone(&zone, &csk().at(NOW), None).unwrap_err(), Unsignable::OwnKeys("CDS"));
}

/// Whether an NSEC record has a type of the first 256.
fn has_type(nsec: RrSet<'_>, rtype: u16) -> bool {
    let types = &nsec.first()[name::measure(nsec.first()).unwrap()..];
    types[2 + usize::from(rtype / 8)] & (0x80 >> (rtype % 8)) != 0
}

#[test]
fn the_nsec_of_an_apex_that_is_a_pools_name_has_the_keys_too() {
    let config = document(
        r#""pool.example.net": { "aliases": ["example.net"], "members": { "a": { "addresses": ["192.0.2.1"] } },
            "check": { "type": "tcp", "port": 80 } }"#,
    );
    let (zone, signer) = (compiled(TEXT, &config), csk());
    let zone = signed(&zone, &signer, NOW, None);
    let mut answers = [PoolAnswer::new(300, &["192.0.2.1".parse().unwrap()])];
    Signed::default().sign(&mut answers, &[], &[(&zone, signer.at(NOW))]);
    let nsec = answers[0].denial(zone.node(0), None).unwrap();
    let keys = [rtype::DNSKEY, rtype::CDS, rtype::CDNSKEY];
    assert!(keys.into_iter().chain([rtype::SOA, rtype::NS, rtype::A]).all(|rtype| has_type(nsec, rtype)));
    assert!(!has_type(nsec, rtype::AAAA));
}

#[test]
fn a_pools_names_have_a_signature_each_and_an_nsec_that_follows_what_is_answered() {
    let config = document(
        r#""pool.example.net": { "aliases": ["*.p.example.net"], "members": { "a": { "addresses": ["192.0.2.1", "2001:db8::1"] } },
            "check": { "type": "tcp", "port": 80 } }"#,
    );
    let (zone, signer) = (compiled(TEXT, &config), csk());
    let zone = signed(&zone, &signer, NOW, None);
    let mut made = Signed::default();
    let mut answer = |addresses: &[&str]| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut answers = [PoolAnswer::new(300, &addresses)];
        made.sign(&mut answers, &[], &[(&zone, signer.at(NOW))]);
        let [answer] = answers;
        answer
    };
    let both = answer(&["192.0.2.1", "2001:db8::1"]);
    let v4 = answer(&["192.0.2.1"]);
    let again = answer(&["192.0.2.1", "2001:db8::1"]);
    for name in ["pool.example.net", "*.p.example.net"] {
        let node = node(&zone, name);
        assert!(both.set(node, None, rtype::A).unwrap().rrsigs().is_some());
        let signature = |answer: &PoolAnswer| answer.set(node, None, rtype::AAAA).map(|set| set.signatures.to_vec());
        assert_eq!((signature(&both), signature(&v4)), (signature(&again), None));
        let has_type = |answer: &PoolAnswer, rtype| has_type(answer.denial(node, None).unwrap(), rtype);
        assert_eq!([&both, &v4].map(|answer| has_type(answer, rtype::A)), [true, true]);
        assert_eq!([&both, &v4].map(|answer| has_type(answer, rtype::AAAA)), [true, false]);
        assert!(both.denial(node, None).unwrap().rrsigs().is_some());
    }
    let [one, other] =
        ["pool.example.net", "*.p.example.net"].map(|name| both.set(node(&zone, name), None, rtype::A).unwrap());
    assert_ne!(one.signatures, other.signatures);
}

#[test]
fn a_key_signing_key_whose_time_is_over_or_yet_to_come_signs_beside_a_zone_signing_key_and_the_parent_is_told_of_no_other()
 {
    let over = Times { publish: Some(0), activate: Some(0), inactive: Some(NOW - DAY), ..Times::default() };
    for times in [
        over,
        Times { delete: Some(NOW - 1), ..over },
        Times { publish: Some(NOW), activate: Some(NOW + DAY), ..Times::default() },
    ] {
        let ksk = key(Role::Ksk, Algorithm::EcdsaP256, times);
        let signer = signer(vec![Arc::clone(&ksk), key(Role::Zsk, Algorithm::EcdsaP256, Times::default())]);
        let moment = signer.at(NOW);
        let signing: Vec<u16> = moment.keys_for(rtype::DNSKEY).iter().map(|key| key.tag()).collect();
        // One that is yet to sign does so with the other one, which was alone before.
        assert_eq!(
            (signing.contains(&ksk.tag()), signing.len()),
            (true, if times.activate == Some(0) { 1 } else { 2 })
        );
        assert_eq!(moment.for_parent().1, [ksk.dnskey()]);
    }
}

#[test]
fn keys_that_are_made_within_the_hour_act_in_it_and_the_parent_is_told_of_the_key_signing_key_alone() {
    let made = Times { created: Some(NOW), publish: Some(NOW), activate: Some(NOW), ..Times::default() };
    let [ksk, zsk] = [Role::Ksk, Role::Zsk].map(|role| key(role, Algorithm::EcdsaP256, made));
    let signer = signer(vec![Arc::clone(&ksk), Arc::clone(&zsk)]);
    let moment = signer.at(NOW);
    let tags = |rtype| moment.keys_for(rtype).iter().map(|key| key.tag()).collect::<Vec<_>>();
    assert_eq!((tags(rtype::DNSKEY), tags(rtype::A)), (vec![ksk.tag()], vec![zsk.tag()]));
    assert_eq!(moment.for_parent().1, [ksk.dnskey()]);
}

#[test]
fn a_zone_with_a_digest_of_its_own_or_with_no_room_for_hashes_is_not_signed() {
    let zone = compiled(&format!("{TEXT}@ ZONEMD 1 1 1 {}\n", "00".repeat(48)), &document(""));
    assert_eq!(sign_zone(&zone, &csk().at(NOW), None).unwrap_err(), Unsignable::Digest);
}

/// Whether a key stands in the zone at a time.
fn shows(signer: &ZoneSigner, key: &ZoneKey, now: u64) -> bool {
    signer.at(now).dnskeys().contains(&key.dnskey())
}

#[test]
fn a_key_that_is_replaced_late_stays_as_long_as_its_last_signatures_although_it_was_to_be_gone_before() {
    let (over, late) = (NOW - 100 * DAY, NOW);
    let old = Times {
        created: Some(0),
        publish: Some(0),
        activate: Some(0),
        inactive: Some(over),
        delete: Some(over + 14 * DAY),
    };
    let new = Times { created: Some(late), publish: Some(late), activate: Some(late + 2 * DAY), ..Times::default() };
    for role in [Role::Ksk, Role::Zsk] {
        let [old, new] = [old, new].map(|times| key(role, Algorithm::EcdsaP256, times));
        let alone = signer(vec![Arc::clone(&old)]);
        assert!(shows(&alone, &old, late), "it goes on without a successor");
        let both = signer(vec![Arc::clone(&old), Arc::clone(&new)]);
        let takes_over = late + 2 * DAY;
        for now in (late..takes_over + 30 * DAY).step_by(3600) {
            let is_in_caches = now < takes_over + 14 * DAY;
            assert!(shows(&both, &old, now) || !is_in_caches, "{role:?} {now}");
            let signs = both.at(now).keys_for(rtype::A).iter().any(|key| key.tag() == old.tag());
            assert_eq!(signs, now + 3600 <= takes_over, "{role:?} {now}");
        }
        assert!(!shows(&both, &old, takes_over + 16 * DAY), "{role:?}");
    }
}

#[test]
fn a_key_that_was_replaced_in_time_goes_when_its_times_say_so() {
    let (at, gone) = (NOW - 30 * DAY, NOW - 20 * DAY);
    let old = Times { created: Some(0), publish: Some(0), activate: Some(0), inactive: Some(at), delete: Some(gone) };
    let new = Times { created: Some(0), publish: Some(0), activate: Some(at), ..Times::default() };
    let [old, new] = [old, new].map(|times| key(Role::Zsk, Algorithm::EcdsaP256, times));
    let signer = signer(vec![Arc::clone(&old), new]);
    assert!(shows(&signer, &old, gone - 3600) && !shows(&signer, &old, gone));
}

#[test]
fn signatures_of_an_algorithm_come_before_its_keys_and_go_after_them() {
    let at = |publish: u64, activate: u64| Times {
        publish: Some(NOW + publish * DAY),
        activate: Some(NOW + activate * DAY),
        ..Times::default()
    };
    // Keys of before are gone on the tenth day, and sign until the twelfth.
    let always = Times { publish: Some(0), activate: Some(0), delete: Some(NOW + 10 * DAY), ..Times::default() };
    let old = [(Role::Ksk, 10), (Role::Zsk, 12)]
        .map(|(role, until)| key(role, Algorithm::EcdsaP256, Times { inactive: Some(NOW + until * DAY), ..always }));
    let new = [(Role::Ksk, 2), (Role::Zsk, 1)].map(|(role, from)| key(role, Algorithm::Ed25519, at(2, from)));
    let signer = signer(old.iter().chain(&new).map(Arc::clone).collect());
    for (day, shown, keys_by, zone_by) in [
        (0, vec![&old[0], &old[1]], vec![&old[0]], vec![&old[1]]),
        (1, vec![&old[0], &old[1]], vec![&old[0]], vec![&old[1], &new[1]]),
        (2, vec![&old[0], &old[1], &new[0], &new[1]], vec![&old[0], &new[0]], vec![&old[1], &new[1]]),
        (10, vec![&new[0], &new[1]], vec![&new[0]], vec![&new[1], &old[1]]),
        (12, vec![&new[0], &new[1]], vec![&new[0]], vec![&new[1]]),
    ] {
        let moment = signer.at(NOW + day * DAY);
        let tags = |keys: Vec<&Arc<ZoneKey>>| keys.into_iter().map(|key| key.tag()).collect::<Vec<_>>();
        let of = |rtype| moment.keys_for(rtype).iter().map(|key| key.tag()).collect::<Vec<_>>();
        assert_eq!((of(rtype::DNSKEY), of(rtype::A)), (tags(keys_by), tags(zone_by)), "day {day}");
        let data: Vec<&[u8]> = shown.into_iter().map(|key| key.dnskey()).collect();
        assert_eq!(moment.dnskeys(), data, "day {day}");
    }
}

#[test]
fn the_parent_is_told_of_a_successor_alone_when_every_resolver_knows_it_and_of_the_key_before_it_until_then() {
    let at = |time| Times { publish: Some(time), activate: Some(time), ..Times::default() };
    let [old, new] = [at(NOW - 90 * DAY), at(NOW)].map(|times| key(Role::Ksk, Algorithm::EcdsaP256, times));
    let signer = signer(vec![Arc::clone(&old), Arc::clone(&new)]);
    for (days, key) in [(0, &old), (6, &old), (7, &new), (90, &new)] {
        let moment = signer.at(NOW + days * DAY);
        assert_eq!(moment.for_parent().1, [key.dnskey()], "day {days}");
        assert_eq!(moment.keys_for(rtype::DNSKEY).len(), 2, "day {days}");
    }
}
