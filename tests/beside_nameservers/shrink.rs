//! The smallest zones and query that still show a difference: parts are left out as long as it stays.

use crate::asks::Ask;
use crate::servers::{self, Server};
use crate::zones::Family;
use crate::{Counts, Found, compare_one};

/// Starts of the servers that a failure is worth.
const STARTS: usize = 60;

pub fn shrink(mut found: Found) -> Found {
    let mut starts = 0;
    let mut changed = true;
    while changed && starts < STARTS {
        changed = false;
        simplify_ask(&mut found);
        let mut chunk = found.family.zones.iter().map(|zone| zone.records.len()).max().unwrap_or(0).div_ceil(2).max(1);
        while chunk > 0 && starts < STARTS {
            for smaller in without(&found.family, chunk) {
                starts += 1;
                if let Some(same) =
                    differs(&servers::start(std::slice::from_ref(&smaller)), &smaller, &found.ask, &found)
                {
                    found = same;
                    changed = true;
                    break;
                }
                if starts == STARTS {
                    break;
                }
            }
            chunk /= 2;
        }
    }
    found
}

/// The family without one of its lists of so many records, or without a whole zone.
fn without(family: &Family, chunk: usize) -> Vec<Family> {
    let mut all = Vec::new();
    for zone in 0..family.zones.len() {
        if zone > 0 {
            let mut smaller = family.clone();
            smaller.zones.remove(zone);
            all.push(smaller);
        }
        let records = family.zones[zone].records.len();
        for from in (0..records).step_by(chunk) {
            let mut smaller = family.clone();
            smaller.zones[zone].records.drain(from..records.min(from + chunk));
            all.push(smaller);
        }
    }
    all
}

fn simplify_ask(found: &mut Found) {
    let family = found.family.clone();
    let servers = servers::start(std::slice::from_ref(&family));
    while let Some(simpler) = found.ask.simpler().iter().find_map(|ask| differs(&servers, &family, ask, found)) {
        *found = simpler;
    }
}

fn differs(servers: &[Server], family: &Family, ask: &Ask, found: &Found) -> Option<Found> {
    compare_one(servers, family, ask, &mut Counts::default()).filter(|same| same.aspect == found.aspect)
}
