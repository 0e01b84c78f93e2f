//! The engine against a second, naive statement of RFC 1034 (4.3.2) and 4592, on small random zones.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use polder::dns::answer::{Client, answer};
use polder::dns::compiled;
use polder::dns::snapshot::Snapshot;
use polder::zone::name;
use polder::zone::number::rtype::*;
use polder::zone::{Records, ZoneFile, ZoneRecord};

use crate::ask::{TCP, query};

const TXT: u16 = 16;
const ZONES: u64 = 400;
const LABELS: [&str; 4] = ["a", "b", "c", "*"];

/// A zone as a list of (owner, type, data), names as labels from the leaf to the apex `z`.
type Naive = Vec<(Vec<String>, u16, Data)>;

#[derive(Debug, Clone, PartialEq)]
enum Data {
    Name(Vec<String>),
    Bytes(Vec<u8>),
}

/// The outcome of a lookup: the error code, AA, the types in the answer section, the types in the authority section.
#[derive(Debug, PartialEq)]
struct Verdict {
    rcode: u16,
    authoritative: bool,
    answers: Vec<u16>,
    authorities: Vec<u16>,
}

fn labels(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

fn random_name(random: &mut fastrand::Rng, stars: bool) -> Vec<String> {
    let depth = random.usize(1..4);
    let kinds = if stars { LABELS.len() } else { LABELS.len() - 1 };
    let mut name: Vec<String> = (0..depth).map(|_| LABELS[random.usize(..kinds)].to_owned()).collect();
    name.push("z".into());
    name
}

fn random_zone(random: &mut fastrand::Rng) -> Naive {
    let soa = [wire(&labels("m.z")), wire(&labels("r.z")), vec![0; 20]].concat();
    let mut zone: Naive =
        vec![(labels("z"), SOA, Data::Bytes(soa)), (labels("z"), NS, Data::Name(labels("ns.elsewhere")))];
    for _ in 0..random.usize(1..9) {
        let owner = random_name(random, true);
        let others = zone.iter().filter(|(name, ..)| *name == owner).count();
        let record = match random.u8(..8) {
            0 | 1 => (A, Data::Bytes(vec![192, 0, 2, 1])),
            2 | 3 => (TXT, Data::Bytes(vec![1, b'x'])),
            4 | 5 if others == 0 => (CNAME, Data::Name(random_name(random, false))),
            6 if others == 0 && !owner.contains(&"*".into()) => (NS, Data::Name(labels("ns.elsewhere"))),
            7 if others == 0 && owner[0] != "*" => (DNAME, Data::Name(random_name(random, false))),
            _ => continue,
        };
        let alone =
            |(name, rtype, _): &(Vec<String>, u16, Data)| *name == owner && matches!(*rtype, CNAME | NS | DNAME);
        let doubled = zone.iter().any(|(name, rtype, _)| *name == owner && *rtype == record.0);
        if !zone.iter().any(alone) && !doubled {
            zone.push((owner, record.0, record.1));
        }
    }
    zone
}

fn wire(name: &[String]) -> Vec<u8> {
    name::from_text(&name.join(".")).unwrap().to_vec()
}

fn compile(zone: &Naive) -> Snapshot {
    let in_wire = |(owner, rtype, data): &(Vec<String>, u16, Data)| {
        let rdata = match data {
            Data::Name(target) => wire(target),
            Data::Bytes(bytes) => bytes.clone(),
        };
        (wire(owner), *rtype, rdata)
    };
    let in_wire: Vec<_> = zone.iter().map(in_wire).collect();
    let records = in_wire.iter().map(|(owner, rtype, rdata)| ZoneRecord {
        owner,
        rtype: *rtype,
        ttl: 60,
        rdata,
        file: 0,
        line: 1,
    });
    let file = ZoneFile {
        apex: wire(&labels("z")).into(),
        records: Records::new(records).unwrap(),
        files: vec!["z.zone".into()],
        warnings: Vec::new(),
        fingerprint: None,
    };
    let zones = compiled::compile(Path::new("dns.json"), &[file], &BTreeMap::new()).unwrap();
    Snapshot { generation: 1, zones: Arc::new(zones), ..Snapshot::default() }
}

/// An RRset by its owner and type.
type Set = (Vec<String>, u16);

/// The outcome of one name: the RRsets that it adds to the answer section, and the end or the next name.
enum Step {
    Done { rcode: u16, answers: Vec<Set>, authorities: Vec<u16> },
    Onward { answers: Vec<Set>, target: Vec<String> },
}

/// RFC 1034 read aloud: every question looks through the whole zone.
fn step(zone: &Naive, name: &[String], qtype: u16) -> Step {
    let has = |owner: &[String], rtype: u16| zone.iter().find(|(n, t, _)| n == owner && *t == rtype);
    let exists = |owner: &[String]| zone.iter().any(|(n, ..)| n.ends_with(owner));
    let done = |rcode, answers, authorities| Step::Done { rcode, answers, authorities };
    if name.last().is_none_or(|last| last != "z") {
        return done(0, vec![], vec![]);
    }
    // From the apex down: the first cut or DNAME on the way hides the rest.
    for from in (0..name.len()).rev() {
        let ancestor = &name[from..];
        if ancestor.len() > 1 && has(ancestor, NS).is_some() {
            return done(0, vec![], vec![NS]);
        }
        if let Some((.., Data::Name(target))) = has(ancestor, DNAME).filter(|_| from > 0) {
            let answers = vec![(ancestor.to_vec(), DNAME), (name.to_vec(), CNAME)];
            let target = [&name[..from], target].concat();
            return if qtype == CNAME { done(0, answers, vec![]) } else { Step::Onward { answers, target } };
        }
    }
    let source = if exists(name) {
        name.to_vec()
    } else {
        let encloser = (1..name.len()).map(|from| &name[from..]).find(|ancestor| exists(ancestor)).unwrap();
        let star = [&["*".to_owned()], encloser].concat();
        if !exists(&star) {
            return done(3, vec![], vec![SOA]);
        }
        star
    };
    if has(&source, qtype).is_some() {
        return done(0, vec![(name.to_vec(), qtype)], vec![]);
    }
    match has(&source, CNAME) {
        Some((.., Data::Name(target))) => {
            Step::Onward { answers: vec![(name.to_vec(), CNAME)], target: target.clone() }
        }
        _ => done(0, vec![], vec![SOA]),
    }
}

fn naive(zone: &Naive, asked: &[String], qtype: u16) -> Verdict {
    let mut verdict = Verdict { rcode: 0, authoritative: true, answers: vec![], authorities: vec![] };
    let mut seen = vec![asked.to_vec()];
    let mut sets: Vec<Set> = Vec::new();
    // RFC 2181, 5: a set stands once in an answer.
    let add = |verdict: &mut Verdict, sets: &mut Vec<Set>, answers: Vec<Set>| {
        for set in answers.into_iter().filter(|set| !sets.contains(set)).collect::<Vec<_>>() {
            verdict.answers.push(set.1);
            sets.push(set);
        }
    };
    loop {
        match step(zone, &seen[seen.len() - 1], qtype) {
            Step::Done { rcode, answers, authorities } => {
                verdict.authoritative = seen.len() > 1 || authorities != [NS];
                verdict.rcode = rcode;
                add(&mut verdict, &mut sets, answers);
                verdict.authorities = authorities;
                return verdict;
            }
            Step::Onward { answers, target } => {
                add(&mut verdict, &mut sets, answers);
                if seen.contains(&target) || seen.len() > 8 {
                    return verdict;
                }
                seen.push(target);
            }
        }
    }
}

fn engine(snapshot: &Snapshot, asked: &[String], qtype: u16) -> Verdict {
    let mut buffer = vec![0; 65535];
    let answered =
        answer(&query(&asked.join("."), qtype), snapshot, &Client::without_cookies(TCP), 0, &mut buffer).unwrap();
    let message = Message::from_vec(&buffer[..answered.length]).unwrap();
    let types = |records: &[Record]| records.iter().map(|record| record.record_type().into()).collect();
    Verdict {
        rcode: answered.rcode,
        authoritative: message.metadata.authoritative,
        answers: types(&message.answers),
        authorities: types(&message.authorities),
    }
}

#[test]
fn the_engine_agrees_with_the_naive_reading_on_random_zones() {
    for seed in 0..ZONES {
        let mut random = fastrand::Rng::with_seed(seed);
        let zone = random_zone(&mut random);
        let snapshot = compile(&zone);
        for _ in 0..150 {
            let asked = random_name(&mut random, true);
            let qtype = [A, TXT, CNAME, DNAME, MX][random.usize(..5)];
            let (expected, found) = (naive(&zone, &asked, qtype), engine(&snapshot, &asked, qtype));
            assert_eq!(found, expected, "seed {seed}: {} {qtype} in {zone:#?}", asked.join("."));
        }
    }
}
