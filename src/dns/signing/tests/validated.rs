//! What is signed here is what validators want, and each kind of damage to it is found.

use super::*;
use crate::dnssec::validate::{Depth, Flaw, Severity, Subject, validate};
use crate::zone::{Records, ZoneRecord};

const CONTENT: &str = "sub.deep NS ns.other.org.\nglued NS glued\nglued A 192.0.2.8\nns6.glued AAAA 2001:db8::8\n\
                       under.dn TXT hidden\nlast.x.y.z A 192.0.2.1\n* MX 10 www\n";

/// A record that can be changed.
#[derive(Debug, Clone)]
struct Record {
    owner: Vec<u8>,
    rtype: u16,
    ttl: u32,
    rdata: Vec<u8>,
}

fn records(zone: &Zone) -> Vec<Record> {
    let records = zone.whole().flat_map(|(owner, set)| {
        set.rdatas().map(move |rdata| Record {
            owner: owner.to_vec(),
            rtype: set.rtype,
            ttl: set.ttl,
            rdata: rdata.to_vec(),
        })
    });
    records.collect()
}

fn flaws_at(records: &[Record], now: u64, depth: Depth, parent: Option<&[Vec<u8>]>) -> Vec<Flaw> {
    let of_zone = records.iter().map(|record| ZoneRecord {
        owner: &record.owner,
        rtype: record.rtype,
        ttl: record.ttl,
        rdata: &record.rdata,
        file: 0,
        line: 0,
    });
    let records = Records::new(of_zone).unwrap();
    let apex = name::from_text("example.net").unwrap();
    validate(&Subject { apex: &apex, records: &records, now, depth, parent }).iter().cloned().collect()
}

fn flaws(records: &[Record]) -> Vec<Flaw> {
    flaws_at(records, NOW, Depth::Signatures, None)
}

fn shown(flaws: &[Flaw]) -> String {
    flaws.iter().map(|flaw| format!("{:?} {}: {}\n", flaw.severity, flaw.about(), flaw.message)).collect()
}

/// The records of a zone that is signed with these keys.
fn signed_records(keys: Vec<Arc<ZoneKey>>, denial: Denial) -> Vec<Record> {
    let zone = compiled(&format!("{TEXT}{CONTENT}"), &document(""));
    records(&signed(&zone, &signer_by(keys, denial), NOW, None))
}

fn ksk(algorithm: Algorithm) -> Arc<ZoneKey> {
    key(Role::Ksk, algorithm, Times::default())
}

#[test]
fn a_zone_that_is_signed_here_has_no_flaw_whatever_signs_it_and_however_it_denies() {
    for algorithm in Algorithm::ALL {
        for denial in [Denial::Nsec, Denial::Nsec3] {
            for keys in [vec![ksk(algorithm)], vec![ksk(algorithm), key(Role::Zsk, algorithm, Times::default())]] {
                let parent = [keys[0].ds(crate::dnssec::Digest::Sha256)];
                let records = signed_records(keys, denial);
                let found = flaws_at(&records, NOW, Depth::Signatures, Some(&parent));
                assert!(found.is_empty(), "{algorithm} {denial:?}:\n{}", shown(&found));
            }
        }
    }
}

/// A change of a signed zone, and what is said of it; for NSEC, for NSEC3, or for both.
type Damage = (&'static [Denial], &'static str, fn(&mut Vec<Record>), &'static str);

const BOTH: &[Denial] = &[Denial::Nsec, Denial::Nsec3];
const NSEC: &[Denial] = &[Denial::Nsec];
const NSEC3: &[Denial] = &[Denial::Nsec3];

fn wire(text: &str) -> Vec<u8> {
    name::from_text(text).unwrap().into()
}

/// The record of a type at a name; of signatures that of a covered type.
fn at(records: &[Record], owner: &str, rtype: u16, covered: u16) -> usize {
    let owner = wire(owner);
    let is_it = |record: &Record| {
        record.owner.eq_ignore_ascii_case(&owner)
            && record.rtype == rtype
            && (rtype != rtype::RRSIG || record.rdata[..2] == covered.to_be_bytes())
    };
    records.iter().position(is_it).unwrap()
}

fn rrsig<'r>(records: &'r mut [Record], owner: &str, covered: u16) -> &'r mut Record {
    let index = at(records, owner, rtype::RRSIG, covered);
    &mut records[index]
}

fn of<'r>(records: &'r mut [Record], owner: &str, rtype: u16) -> &'r mut Record {
    let index = at(records, owner, rtype, 0);
    &mut records[index]
}

fn hashed(name: &str) -> String {
    name::to_text(&super::hash::owner(&hash(&wire(name)), &wire("example.net")))
}

fn without(records: &mut Vec<Record>, is_gone: impl Fn(&Record) -> bool) {
    let before = records.len();
    records.retain(|record| !is_gone(record));
    assert!(records.len() < before);
}

fn covers(record: &Record, covered: u16) -> bool {
    record.rtype == rtype::RRSIG && record.rdata[..2] == covered.to_be_bytes()
}

fn added(records: &mut Vec<Record>, owner: &str, rtype: u16, rdata: &[u8]) {
    records.push(Record { owner: wire(owner), rtype, ttl: 300, rdata: rdata.to_vec() });
}

/// A copy of a signature of the apex, for another set.
fn borrowed_signature(records: &mut Vec<Record>, owner: &str, covered: u16) {
    let mut rdata = rrsig(records, "example.net", rtype::SOA).rdata.clone();
    rdata[..2].copy_from_slice(&covered.to_be_bytes());
    added(records, owner, rtype::RRSIG, &rdata);
}

const DAMAGES: &[Damage] = &[
    (
        BOTH,
        "a record changes",
        |all| of(all, "www.example.net", rtype::A).rdata[3] = 9,
        "www.example.net. RRSIG: (of A) is none that key",
    ),
    (
        BOTH,
        "a signature goes",
        |all| without(all, |one| one.owner.starts_with(b"\x03Www") && covers(one, rtype::A)),
        "Www.example.net. A: is not signed",
    ),
    (
        BOTH,
        "a signature changes",
        |all| *rrsig(all, "example.net", rtype::SOA).rdata.last_mut().unwrap() ^= 1,
        "example.net. RRSIG: (of SOA) is none that key",
    ),
    (
        BOTH,
        "another signer",
        |all| rrsig(all, "example.net", rtype::NS).rdata[19] = b'x',
        "(of NS) is by xxample.net., and the zone is example.net.",
    ),
    (
        BOTH,
        "other labels",
        |all| rrsig(all, "*.w.example.net", rtype::TXT).rdata[3] = 4,
        "(of TXT) is of a name with 4 labels, and this one has 3",
    ),
    (
        BOTH,
        "it ends before it begins",
        |all| rrsig(all, "www.example.net", rtype::A).rdata[8..12].fill(1),
        "(of A) ends before it begins",
    ),
    (BOTH, "another tag", |all| rrsig(all, "www.example.net", rtype::A).rdata[16] ^= 0x55, "which is none of the zone"),
    (BOTH, "an original TTL", |all| rrsig(all, "www.example.net", rtype::A).rdata[7] = 7, "(of A) is none that key"),
    (
        BOTH,
        "another TTL",
        |all| of(all, "www.example.net", rtype::A).ttl = 60,
        "(of A) has the TTL 300, and what it signs has 60",
    ),
    (BOTH, "the keys go", |all| without(all, |one| one.rtype == rtype::DNSKEY), "example.net. DNSKEY: is missing"),
    (
        BOTH,
        "the keys sign no zone",
        |all| of(all, "example.net", rtype::DNSKEY).rdata[0] = 0,
        "there is none that signs a zone",
    ),
    (
        BOTH,
        "the keys are not signed",
        |all| without(all, |one| covers(one, rtype::DNSKEY)),
        "no key with the flag SEP (257) signs the keys",
    ),
    (
        BOTH,
        "a key of another algorithm",
        |all| {
            let other = ksk(Algorithm::Ed25519);
            added(all, "example.net", rtype::DNSKEY, other.dnskey());
        },
        "www.example.net. A: has no signature of algorithm 15 (ED25519)",
    ),
    (
        BOTH,
        "the parent is told to take the DS away, and of a key",
        |all| of(all, "example.net", rtype::CDS).rdata = vec![0, 0, 0, 0, 0],
        "example.net. CDS: asks the zone above to take every DS away, and CDNSKEY tells of a key",
    ),
    (
        BOTH,
        "the parent is told to take the DS away, and beside that of a key",
        |all| added(all, "example.net", rtype::CDS, &[0, 0, 0, 0, 0]),
        "example.net. CDS: asks the zone above to take every DS away, and CDS tells of a key",
    ),
    (
        BOTH,
        "the parent is told of strange keys alone",
        |all| {
            of(all, "example.net", rtype::CDS).rdata[5] ^= 1;
            of(all, "example.net", rtype::CDNSKEY).rdata[5] ^= 1;
        },
        "no key that signs the keys is told to the zone above",
    ),
    (
        BOTH,
        "the parent is told two things",
        |all| of(all, "example.net", rtype::CDNSKEY).rdata[5] ^= 1,
        "example.net. CDS: tells of a key that no CDNSKEY does",
    ),
    (
        BOTH,
        "the parent is told by CDNSKEY of one more key",
        |all| {
            let other = ksk(Algorithm::EcdsaP256);
            added(all, "example.net", rtype::CDNSKEY, other.dnskey());
        },
        "example.net. CDNSKEY: tells of a key that no CDS does",
    ),
    (
        BOTH,
        "a delegation is signed",
        |all| borrowed_signature(all, "sub.example.net", rtype::NS),
        "(of NS) belongs to nothing: this name is delegated",
    ),
    (
        BOTH,
        "glue is signed",
        |all| borrowed_signature(all, "ns.sub.example.net", rtype::A),
        "(of A) belongs to nothing: this name lies below",
    ),
    (
        BOTH,
        "a signature of nothing",
        |all| borrowed_signature(all, "www.example.net", rtype::AAAA),
        "(of AAAA) belongs to nothing: the name has no AAAA",
    ),
    (
        BOTH,
        "a digest",
        |all| added(all, "example.net", rtype::ZONEMD, &[&[0, 0, 0, 1, 1, 1][..], &[7; 48]].concat()),
        "example.net. ZONEMD: the zone is not what it says",
    ),
    (
        BOTH,
        "a name is added",
        |all| added(all, "new.example.net", rtype::A, &[192, 0, 2, 1]),
        "new.example.net. A: is not signed",
    ),
    (
        NSEC,
        "a name is added",
        |all| added(all, "new.example.net", rtype::A, &[192, 0, 2, 1]),
        "new.example.net. NSEC: is missing",
    ),
    (
        NSEC,
        "a name is added",
        |all| added(all, "new.example.net", rtype::A, &[192, 0, 2, 1]),
        "is next, and new.example.net. is",
    ),
    (
        NSEC3,
        "a name is added",
        |all| added(all, "new.example.net", rtype::A, &[192, 0, 2, 1]),
        "new.example.net. NSEC3: is missing",
    ),
    (
        NSEC3,
        "a name is added below nothing",
        |all| added(all, "new.ent.example.net", rtype::A, &[192, 0, 2, 1]),
        "ent.example.net. NSEC3: is missing",
    ),
    (
        NSEC,
        "a type is added",
        |all| added(all, "www.example.net", rtype::TXT, &[1, 65]),
        "Www.example.net. NSEC: does not say that the name has TXT",
    ),
    (
        NSEC3,
        "a type is added",
        |all| added(all, "www.example.net", rtype::TXT, &[1, 65]),
        "NSEC3: (of Www.example.net.) does not say that the name has TXT",
    ),
    (
        NSEC,
        "a type goes",
        |all| without(all, |one| one.owner.starts_with(b"\x03al") || one.rtype == rtype::MX),
        "*.example.net. NSEC: is at a name that owns nothing else",
    ),
    (
        NSEC,
        "the chain does not close",
        |all| {
            let last = all.iter().rposition(|one| one.rtype == rtype::NSEC).unwrap();
            all[last].rdata[..13].copy_from_slice(b"\x07eyample\x03net\x00");
        },
        "says that eyample.net. is next, and example.net. is",
    ),
    (
        NSEC,
        "a second one",
        |all| {
            let rdata = of(all, "www.example.net", rtype::NSEC).rdata.clone();
            added(all, "www.example.net", rtype::NSEC, &[&rdata[..], &[1, 1, 128]].concat());
        },
        "is a second one: a name has one",
    ),
    (
        NSEC,
        "one below a delegation",
        |all| {
            let rdata = of(all, "www.example.net", rtype::NSEC).rdata.clone();
            added(all, "ns.sub.example.net", rtype::NSEC, &rdata);
        },
        "belongs to no name of this zone",
    ),
    (
        NSEC,
        "all go",
        |all| without(all, |one| one.rtype == rtype::NSEC || covers(one, rtype::NSEC)),
        "nothing proves which names and types are not there",
    ),
    (
        NSEC3,
        "the parameters go",
        |all| without(all, |one| one.rtype == rtype::NSEC3PARAM),
        "example.net. NSEC3PARAM: is missing",
    ),
    (
        NSEC3,
        "other parameters",
        |all| of(all, "example.net", rtype::NSEC3PARAM).rdata[3] = 1,
        "has other parameters than the NSEC3PARAM",
    ),
    (
        NSEC3,
        "iterations",
        |all| {
            all.iter_mut()
                .filter(|one| matches!(one.rtype, rtype::NSEC3 | rtype::NSEC3PARAM))
                .for_each(|one| one.rdata[3] = 5)
        },
        "has 5 iterations, which help nobody",
    ),
    (
        NSEC3,
        "many iterations",
        |all| {
            all.iter_mut()
                .filter(|one| matches!(one.rtype, rtype::NSEC3 | rtype::NSEC3PARAM))
                .for_each(|one| one.rdata[3] = 51)
        },
        "above 50 (RFC 9276, 3.2)",
    ),
    (
        NSEC3,
        "a hash of nothing",
        |all| {
            let rdata = of(all, &hashed("www.example.net"), rtype::NSEC3).rdata.clone();
            added(all, &hashed("nothing.example.net"), rtype::NSEC3, &rdata);
        },
        "is the hash of no name of this zone",
    ),
    (
        NSEC3,
        "a link is wrong",
        |all| of(all, &hashed("www.example.net"), rtype::NSEC3).rdata[10] ^= 1,
        "is the next hash, and",
    ),
    (
        NSEC3,
        "an unknown flag",
        |all| of(all, &hashed("www.example.net"), rtype::NSEC3).rdata[1] = 2,
        "flags that no validator knows",
    ),
    (
        NSEC3,
        "one at a name that is no hash",
        |all| {
            let rdata = of(all, &hashed("www.example.net"), rtype::NSEC3).rdata.clone();
            added(all, "www.example.net", rtype::NSEC3, &rdata);
        },
        "has an owner that is no hash",
    ),
    (
        NSEC3,
        "a delegation goes without opting out",
        |all| {
            let owner = wire(&hashed("sub.example.net"));
            without(all, |one| one.owner == owner);
        },
        "sub.example.net. NSEC3: is missing",
    ),
];

#[test]
fn each_kind_of_damage_is_found() {
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let sound = signed_records(vec![ksk(Algorithm::EcdsaP256)], denial);
        for (_, what, damage, expected) in DAMAGES.iter().filter(|(of, ..)| of.contains(&denial)) {
            let mut records = sound.clone();
            damage(&mut records);
            let found = shown(&flaws(&records));
            let is_told = found.to_lowercase().contains(&expected.to_lowercase());
            assert!(is_told, "{denial:?}, {what}: expected {expected}\n{found}");
        }
    }
}

#[test]
fn what_no_validator_minds_is_told_and_is_not_bogus() {
    let sound = signed_records(vec![ksk(Algorithm::EcdsaP256)], Denial::Nsec);
    for (_, what, damage, _) in DAMAGES.iter().filter(|(_, what, ..)| {
        ["another TTL", "a delegation is signed", "glue is signed", "a signature of nothing"].contains(what)
    }) {
        let mut records = sound.clone();
        damage(&mut records);
        let found = flaws(&records);
        assert!(
            !found.is_empty() && found.iter().all(|flaw| flaw.severity == Severity::Odd),
            "{what}:\n{}",
            shown(&found)
        );
    }
}

#[test]
fn a_zone_may_ask_the_parent_to_take_its_ds_away_or_tell_it_of_a_key_that_stands_by() {
    let sound = signed_records(vec![ksk(Algorithm::EcdsaP256)], Denial::Nsec);
    // What a change breaks besides are the signatures over these sets.
    let of_others = |found: &[Flaw]| found.iter().any(|flaw| flaw.rtype != rtype::RRSIG);
    let mut deleting = sound.clone();
    of(&mut deleting, "example.net", rtype::CDS).rdata = vec![0, 0, 0, 0, 0];
    of(&mut deleting, "example.net", rtype::CDNSKEY).rdata = vec![0, 0, 3, 0, 0];
    assert!(!of_others(&flaws(&deleting)), "{}", shown(&flaws(&deleting)));
    let mut with_another = sound;
    let other = ksk(Algorithm::EcdsaP256);
    added(&mut with_another, "example.net", rtype::CDS, &other.ds(crate::dnssec::Digest::Sha256));
    added(&mut with_another, "example.net", rtype::CDNSKEY, other.dnskey());
    assert!(!of_others(&flaws(&with_another)), "{}", shown(&flaws(&with_another)));
}

#[test]
fn signatures_that_run_out_or_have_or_are_to_come_are_summed_up() {
    let records = signed_records(vec![ksk(Algorithm::EcdsaP256)], Denial::Nsec);
    let signatures = records.iter().filter(|one| one.rtype == rtype::RRSIG).count();
    for (now, expected) in [
        (NOW + 30 * DAY, format!("{signatures} signatures have run out, the first one, of ")),
        (NOW - 30 * DAY, format!("{signatures} signatures are not good yet")),
    ] {
        let found = flaws_at(&records, now, Depth::Structure, None);
        assert_eq!(found.len(), 1, "{}", shown(&found));
        assert_eq!(found[0].severity, Severity::Untimely);
        assert!(found[0].message.contains(&expected), "{expected}: {}", found[0].message);
    }
    let first =
        records.iter().filter(|one| one.rtype == rtype::RRSIG).map(|one| one.rdata[8..12].to_vec()).min().unwrap();
    let first = u64::from(u32::from_be_bytes(first.try_into().unwrap()));
    let soon = flaws_at(&records, first - 600, Depth::Structure, None);
    assert!(soon[0].message.contains("soon"), "{}", shown(&soon));
}

#[test]
fn the_ds_of_the_zone_above_has_to_lead_to_a_key_that_signs_the_keys() {
    let (known, other) = (ksk(Algorithm::EcdsaP256), ksk(Algorithm::Ed25519));
    let digest = crate::dnssec::Digest::Sha256;
    let [of_known, of_other] = [&known, &other].map(|key| key.ds(digest));
    let records = signed_records(vec![known], Denial::Nsec);
    let with = |parent: &[Vec<u8>]| shown(&flaws_at(&records, NOW, Depth::Signatures, Some(parent)));
    assert_eq!(with(std::slice::from_ref(&of_known)), "");
    assert!(with(std::slice::from_ref(&of_other)).contains("Bogus example.net. DS: the zone above has one of key"));
    assert!(with(&[of_known, of_other]).contains("Odd example.net. DS: the zone above has one of key"));
}

#[test]
fn what_is_wrong_behind_hundreds_of_names_is_found_as_well() {
    let many: String = (0..1500).map(|n| format!("h{n}.d{} A 192.0.2.1\n", n % 100)).collect();
    let zone = compiled(&format!("{TEXT}{many}"), &document(""));
    let mut records = records(&signed(&zone, &signer_by(vec![ksk(Algorithm::Ed25519)], Denial::Nsec3), NOW, None));
    assert_eq!(shown(&flaws(&records)), "");
    of(&mut records, "h1499.d99.example.net", rtype::A).rdata[0] = 1;
    assert_eq!(flaws(&records).len(), 1);
}

#[test]
fn a_zone_has_a_digest_of_all_that_a_copy_has_if_it_is_to_and_each_hour_another_one() {
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let config = DnssecConfig { zonemd: true, ..config(denial, SerialRule::Hourly) };
        let apex = name::from_text("example.net").unwrap();
        let signer = ZoneSigner::new(apex.clone(), vec![ksk(Algorithm::Ed25519)], &config);
        let zone = signed(&compiled(TEXT, &document("")), &signer, NOW, None);
        assert_eq!(shown(&flaws(&records(&zone))), "", "{denial:?}");
        let digest = |zone: &Zone| zone.node(0).set(rtype::ZONEMD).unwrap().first().to_vec();
        assert_eq!(digest(&zone)[..6], [&zone.serial.to_be_bytes()[..], &[1, 1]].concat());
        assert!(zone.node(0).set(rtype::ZONEMD).unwrap().rrsigs().is_some());
        let later = signed(&zone, &signer, NOW + DAY, Some(&zone));
        assert_ne!(digest(&zone), digest(&later));
        assert_eq!(shown(&flaws_at(&records(&later), NOW + DAY, Depth::Signatures, None)), "");
        let mut damaged = records(&zone);
        of(&mut damaged, "ns1.example.net", rtype::A).rdata[0] = 7;
        assert!(shown(&flaws(&damaged)).contains("ZONEMD: the zone is not what it says"));
    }
}

#[test]
fn a_zone_with_a_pools_name_has_no_digest() {
    let pools = document(
        r#""pool.example.net": { "members": { "a": { "addresses": ["192.0.2.1"] } }, "check": { "type": "tcp", "port": 80 } }"#,
    );
    let config = DnssecConfig { zonemd: true, ..config(Denial::Nsec, SerialRule::File) };
    let signer = ZoneSigner::new(name::from_text("example.net").unwrap(), vec![ksk(Algorithm::Ed25519)], &config);
    let refused = sign_zone(&compiled(TEXT, &pools), &signer.at(NOW), None).unwrap_err();
    assert_eq!(refused, Unsignable::DigestOfPool("pool.example.net".to_owned()));
}
