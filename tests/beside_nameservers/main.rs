//! polder-dns beside NSD, Knot and BIND: random zones, random queries, every answer compared.
//!
//! Needs those three (Debian's nsd, knot and bind9), and so is apart from `cargo test`:
//! `cargo test --test beside_nameservers -- --ignored --nocapture`. `SECONDS` is how long it goes on (60), `SEED` where it
//! begins (random), `FAMILIES` how many families of zones at most. A failure prints the command that repeats it.

#![allow(clippy::disallowed_methods, reason = "blocking clients poll with a limit")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

mod asks;
mod compare;
mod explained;
mod names;
#[path = "../common/ports.rs"]
mod ports;
mod replies;
mod servers;
mod shrink;
mod zones;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use asks::Ask;
use compare::{ASPECTS, Aspect, Case, Verdict};
use explained::explain;
use fastrand::Rng;
use servers::{KINDS, Server};
use zones::Family;

/// Families that are served at a time: starting four servers costs as much as many thousand queries.
const TOGETHER: u64 = 50;

const ASKS: usize = 120;

/// An aspect of a case in which polder stands alone without a reason.
pub struct Found {
    pub family: Family,
    pub ask: Ask,
    pub aspect: Aspect,
    pub told: String,
}

/// What was counted: explained differences by row, disagreements of the peers by whom polder sides with.
#[derive(Default)]
struct Counts {
    cases: u64,
    explained: BTreeMap<&'static str, u64>,
    sides: BTreeMap<(Aspect, [bool; 3]), u64>,
}

#[test]
#[ignore = "needs NSD, Knot and BIND: see CONTRIBUTING.md"]
fn polder_answers_as_nsd_knot_and_bind_do_or_says_why_not() {
    let number = |name: &str| {
        std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let seed = number("SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let families = number("FAMILIES").unwrap_or(u64::MAX);
    let end = Instant::now() + Duration::from_secs(number("SECONDS").unwrap_or(60));
    eprintln!("SEED={seed}");
    let mut counts = Counts::default();
    let mut next = 0;
    while next < families && Instant::now() < end {
        let batch: Vec<Family> = (next..families.min(next + TOGETHER)).map(|n| Family::random(seed + n)).collect();
        next += batch.len() as u64;
        let servers = servers::start(&batch);
        let found = batch.iter().find_map(|family| compare_family(&servers, family, &mut counts));
        drop(servers);
        if let Some(found) = found {
            let seed = found.family.seed;
            let found = shrink::shrink(found);
            let zones: Vec<String> = found.family.zones.iter().map(|zone| zone.text()).collect();
            panic!(
                "polder-dns is alone in its {:?}; repeat with\n  SEED={seed} FAMILIES=1 cargo test --test beside_nameservers -- \
                 --ignored --nocapture\n\n{}\n{}\n{}",
                found.aspect,
                zones.join("\n"),
                found.ask,
                found.told
            );
        }
    }
    counts.print(next);
}

fn compare_family(servers: &[Server], family: &Family, counts: &mut Counts) -> Option<Found> {
    let mut random = Rng::with_seed(family.seed ^ 0x00a5_5a00);
    (0..ASKS).find_map(|_| compare_one(servers, family, &Ask::random(&mut random, family), counts))
}

/// Asks all four.
fn compare_one(servers: &[Server], family: &Family, ask: &Ask, counts: &mut Counts) -> Option<Found> {
    let known = Ask::plain(family.zones[0].apex.clone(), 6);
    let replies: Vec<_> = servers.iter().map(|server| server.ask(ask, &known)).collect();
    let case = Case::new(family, ask, &replies);
    counts.cases += 1;
    for aspect in ASPECTS {
        match case.verdict(aspect) {
            Verdict::Agreed => {}
            Verdict::Sides(sides) => *counts.sides.entry((aspect, sides)).or_default() += 1,
            Verdict::Alone => match explain(&case, aspect) {
                Some(row) => *counts.explained.entry(row.name).or_default() += 1,
                None => {
                    let told = KINDS.iter().zip(&replies).map(|(kind, reply)| format!("  {kind:?}\n{reply}")).collect();
                    return Some(Found { family: family.clone(), ask: ask.clone(), aspect, told });
                }
            },
        }
    }
    None
}

impl Counts {
    fn print(&self, families: u64) {
        eprintln!("{} queries of {families} families of zones", self.cases);
        for (row, count) in &self.explained {
            eprintln!("  {count:6} explained: {row}");
        }
        for ((aspect, sides), count) in &self.sides {
            let with: Vec<String> =
                KINDS[1..].iter().zip(sides).filter(|(_, with)| **with).map(|(kind, _)| format!("{kind:?}")).collect();
            eprintln!("  {count:6} {aspect:?}: the others differ, polder is with {}", with.join(" and "));
        }
    }
}
