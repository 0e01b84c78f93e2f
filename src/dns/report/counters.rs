//! `GET /counters`: what the workers have counted, in all.
//!
//! Owns the sums that metrics show by transport. Must never: count anything itself; workers do.

use std::collections::BTreeMap;

use super::by_zone::ZoneFigures;
use crate::api::counters::{Counted, Counters as Answer, NameserverCounters};
use crate::daemon::clock::{Now, process};
use crate::dns::control::State;
use crate::dns::counters::{Counters, Limited, RCODES, ZONE_RCODES};
use crate::dns::rate_limit::Class;

/// The names of the response codes that we send; others are shown by number.
pub(super) fn rcode_name(rcode: usize) -> String {
    match rcode {
        0 => "NOERROR".into(),
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        6 => "YXDOMAIN".into(),
        9 => "NOTAUTH".into(),
        16 => "BADVERS".into(),
        23 => "BADCOOKIE".into(),
        other => other.to_string(),
    }
}

/// All of it. `counters` are the workers', each with its transport.
pub fn read<'c>(state: &State, counters: impl Iterator<Item = (&'static str, &'c Counters)>, now: Now) -> Answer {
    let workers: Vec<&Counters> = counters.map(|(_, counters)| counters).collect();
    let all = || workers.iter().copied();
    let sums = by_rcode(all()).into_iter().enumerate();
    let figures = ZoneFigures::read(state, all());
    let zones = figures.labelled().map(|(zone, counts)| {
        let by_rcode = ZONE_RCODES.iter().map(ToString::to_string).zip(counts.responses);
        (zone.to_owned(), by_rcode.collect::<BTreeMap<_, _>>())
    });
    let dropped = |counters: &Counters| {
        Class::ALL.iter().map(|class| counters.limited[*class as usize][Limited::Dropped as usize].get()).sum::<u64>()
    };
    Answer {
        name: state.document.config.name.clone(),
        process: process().to_owned(),
        at_us: u64::try_from(now.running.as_micros()).unwrap_or(u64::MAX),
        of: Counted::Nameserver(NameserverCounters {
            // The common ones are there from the start.
            responses: sums
                .filter(|(rcode, sum)| *sum > 0 || matches!(rcode, 0 | 2 | 3 | 5))
                .map(|(rcode, sum)| (rcode_name(rcode), sum))
                .collect(),
            // Nobody needs the zones that have no slot of their own before there are some, nor names of no zone.
            zones: zones
                .filter(|(zone, counts)| !["", "none"].contains(&&**zone) || counts.values().any(|count| *count > 0))
                .collect(),
            dropped: all().map(dropped).sum(),
        }),
    }
}

/// Answers of these workers by error code.
pub(super) fn by_rcode<'c>(workers: impl Iterator<Item = &'c Counters>) -> [u64; RCODES] {
    let mut sums = [0; RCODES];
    for counters in workers {
        for (sum, answers) in sums.iter_mut().zip(counters.answers()) {
            *sum += answers;
        }
    }
    sums
}
