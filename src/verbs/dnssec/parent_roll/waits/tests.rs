use std::sync::Arc;

use super::*;
use crate::api::dns::{DnssecStatus, ZoneKeyRole, ZoneKeyStatus};
use crate::dnssec::{Algorithm, Role, Times, make};
use crate::verbs::dnssec::parent::{Asked, DsSet};
use crate::verbs::status::tests::examples::zone_key;

const NOW: u64 = 1_796_054_400;
const TTL: Duration = Duration::from_secs(3600);

fn roll() -> UnderWay {
    let key = |times| {
        Arc::new(make(b"\x07example\x03net\x00", Role::Ksk, Algorithm::EcdsaP256, times, &[]).unwrap().into_key())
    };
    UnderWay { old: key(Times::default()), new: key(Times::default()) }
}

/// A nameserver that signs with these keys.
fn signing(tags: &[u16]) -> DnssecStatus {
    let keys = tags.iter().map(|tag| zone_key(*tag, ZoneKeyRole::Csk)).collect();
    DnssecStatus {
        good_from_ms: None,
        expires_ms: Some(1),
        lifetime_s: 0,
        key_ttl_s: 0,
        folder: String::new(),
        keys,
        schedule: None,
        given_by: None,
        bogus: None,
    }
}

fn seen<'a>(signers: &[(&'a str, &'a DnssecStatus)]) -> SignedZone<'a> {
    SignedZone { name: "example.net", signers: signers.to_vec(), others: Vec::new(), failed: Vec::new() }
}

fn has(nameserver: &str, keys: &[&ZoneKey]) -> Asked {
    let ds = keys.iter().map(|key| Ds::read(&key.ds(Digest::Sha256)).unwrap()).collect();
    Asked::new(nameserver.to_owned(), Ok(DsSet { ds, ttl: Some(86_400) }))
}

fn parent(nameservers: Vec<Asked>) -> Parent {
    Parent { zone: Some("net".to_owned()), nameservers }
}

#[test]
fn a_roll_ends_when_every_nameserver_signs_with_the_new_key_and_all_of_the_parents_have_its_ds_alone() {
    let roll = roll();
    let status = signing(&[roll.old.tag(), roll.new.tag()]);
    let zone = seen(&[("ns-1", &status), ("ns-2", &status)]);
    let parent = parent(vec![has("a.net", &[&roll.new]), has("b.net", &[&roll.new])]);
    assert_eq!(waits_for(&roll, Some(&zone), &[], &parent, (TTL, NOW)), [""; 0]);
}

#[test]
fn whoever_lacks_the_new_key_and_whoever_is_silent_holds_it_up() {
    let roll = roll();
    let (both, old) = (signing(&[roll.old.tag(), roll.new.tag()]), signing(&[roll.old.tag()]));
    let silent_key = ZoneKeyStatus { signs: false, ..zone_key(roll.new.tag(), ZoneKeyRole::Csk) };
    let only_shown = DnssecStatus { keys: vec![silent_key], ..signing(&[]) };
    let zone = SignedZone { others: vec!["ns-4"], ..seen(&[("ns-1", &both), ("ns-2", &old), ("ns-3", &only_shown)]) };
    let parent = parent(vec![has("a.net", &[&roll.old])]);
    let waits = waits_for(&roll, Some(&zone), &["ns-5".to_owned()], &parent, (TTL, NOW));
    assert!(waits[0].starts_with("ns-5 did not answer") && waits.len() == 2, "nothing of the parent yet: {waits:?}");
    let on = format!("key {} does not sign on ns-2, ns-3 and ns-4 yet: copy its files there", roll.new.tag());
    assert!(waits[1].starts_with(&on), "{waits:?}");
    assert_eq!(waits_for(&roll, None, &[], &parent, (TTL, NOW)), ["no nameserver that was asked signs the zone"]);
}

#[test]
fn the_parents_part_is_told_as_far_as_it_is_done() {
    let roll = roll();
    let (old, new) = (roll.old.tag(), roll.new.tag());
    let status = signing(&[old, new]);
    let zone = seen(&[("ns-1", &status)]);
    let waits = |nameservers| waits_for(&roll, Some(&zone), &[], &parent(nameservers), (TTL, NOW));
    assert_eq!(
        waits(vec![has("a.net", &[&roll.old])]),
        [format!("the parent (net) has no DS of key {new}: give it this one: {}", ds(&roll.new))],
        "the old one is not to go before"
    );
    assert_eq!(
        waits(vec![has("a.net", &[&roll.old, &roll.new]), has("b.net", &[&roll.new])]),
        [format!("the parent (net) has the DS of key {old} on a.net still, beside the new one: have it taken away")]
    );
    assert_eq!(
        waits(vec![has("a.net", &[]), has("b.net", &[&roll.new])]),
        [format!("the parent (net) has the DS of key {new} not on a.net yet")]
    );
    let silent = Asked::new("c.net".to_owned(), Err("no answer".to_owned()));
    assert_eq!(
        waits(vec![has("b.net", &[&roll.new]), silent]),
        ["the parent (net): c.net does not tell what it has: no answer"]
    );
}

#[test]
fn nothing_is_asked_of_the_parent_before_the_new_key_has_been_published_for_as_long_as_resolvers_keep_the_keys() {
    let status = |key: &ZoneKey| DnssecStatus {
        keys: vec![ZoneKeyStatus { algorithm: "ED25519".to_owned(), ..zone_key(key.tag(), ZoneKeyRole::Csk) }],
        ..signing(&[])
    };
    for (publish, expected) in [
        (
            NOW + 60,
            "is not published before 2026-11-30 16:01:00Z, and resolvers know it 1h (--ttl) later: give the parent its DS not before 2026-11-30 17:01:00Z",
        ),
        (
            NOW - 3599,
            "has been published since 2026-11-30 15:00:01Z, and resolvers know it 1h (--ttl) later: give the parent its DS not before 2026-11-30 16:00:01Z",
        ),
        (NOW - 3600, ""),
    ] {
        let mut roll = roll();
        let times = Times { publish: Some(publish), activate: Some(NOW - 3600), ..Times::default() };
        let made = make(b"\x07example\x03net\x00", Role::Ksk, Algorithm::Ed25519, times, &[]).unwrap();
        roll.new = Arc::new(made.into_key());
        let status = status(&roll.new);
        let (zone, tag) = (seen(&[("ns-1", &status)]), roll.new.tag());
        for nameservers in [vec![has("a.net", &[&roll.old])], vec![has("a.net", &[&roll.new])]] {
            let has_new = nameservers == [has("a.net", &[&roll.new])];
            let waits = waits_for(&roll, Some(&zone), &[], &parent(nameservers), (TTL, NOW));
            match expected {
                "" if has_new => assert_eq!(waits, [""; 0]),
                "" => assert!(waits[0].contains(&format!("has no DS of key {tag}")) && waits.len() == 1, "{waits:?}"),
                _ => assert_eq!(waits, [format!("key {tag} {expected}")]),
            }
        }
    }
}
