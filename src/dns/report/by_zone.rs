//! What the workers counted by zone, in all.

use std::collections::BTreeMap;

use crate::api::dns::{CookieQueries, LimitedResponses, OtherZones, ZoneQueries};
use crate::dns::compiled::{MOST_SLOTS, Slot};
use crate::dns::control::State;
use crate::dns::cookie::Standing;
use crate::dns::counters::{Counters, Limited, NO_ZONE, ZoneCounts};
use crate::zone::name;

/// The label of names that are in no zone here.
const NO_ZONE_LABEL: &str = "none";

/// The sums of some workers.
#[derive(Debug, Default)]
pub struct ZoneFigures {
    /// Of the zones that are counted each by itself.
    by_apex: BTreeMap<String, ZoneCounts>,
    /// How many zones there are that are counted together, and what of them.
    others: (usize, ZoneCounts),
    /// Of names that are in no zone.
    no_zone: ZoneCounts,
}

impl ZoneFigures {
    /// What these workers counted of the zones that there are now.
    pub fn read<'c>(state: &State, workers: impl Iterator<Item = &'c Counters>) -> ZoneFigures {
        let workers: Vec<&Counters> = workers.collect();
        let sum = |slot: Slot| {
            let mut sum = ZoneCounts::default();
            workers.iter().for_each(|counters| sum.add(&counters.of_zone(slot)));
            sum
        };
        let mut figures = ZoneFigures { others: (0, sum(MOST_SLOTS)), no_zone: sum(NO_ZONE), ..ZoneFigures::default() };
        for (apex, _) in state.all_zones() {
            match name::from_text(apex).and_then(|wire| state.zones.slot(&wire)) {
                Some(MOST_SLOTS) => figures.others.0 += 1,
                Some(slot) => drop(figures.by_apex.insert(apex.clone(), sum(slot))),
                None => {}
            }
        }
        figures
    }

    /// All of them with their labels: the zones, under an empty label those that are counted together, and under `none` what is in no zone.
    pub fn labelled(&self) -> impl Iterator<Item = (&str, &ZoneCounts)> {
        // A zone may be called so, and no two samples may have the same labels.
        let label = |apex: &str| apex == NO_ZONE_LABEL;
        let zones = self.by_apex.iter().map(move |(apex, counts)| (if label(apex) { "none." } else { apex }, counts));
        zones.chain([("", &self.others.1), (NO_ZONE_LABEL, &self.no_zone)])
    }

    /// What is told of a zone; none: it is counted together with others.
    pub fn of(&self, apex: &str) -> Option<ZoneQueries> {
        self.by_apex.get(apex).map(in_all)
    }

    /// What is told of names that are in no zone.
    pub fn no_zone(&self) -> ZoneQueries {
        in_all(&self.no_zone)
    }

    /// How many zones are counted together.
    pub fn together(&self) -> usize {
        self.others.0
    }

    /// What is told of the zones that are counted together; none: there are none, and never were any.
    pub fn other_zones(&self) -> Option<OtherZones> {
        let (zones, counts) = &self.others;
        let queries = in_all(counts);
        (*zones > 0 || queries != ZoneQueries::default()).then_some(OtherZones { zones: *zones, queries })
    }
}

fn in_all(counts: &ZoneCounts) -> ZoneQueries {
    let [_, nxdomain, servfail, _] = counts.responses;
    let cookies = |standing: Standing| counts.cookies[standing as usize];
    ZoneQueries {
        answered: counts.answered(),
        nxdomain,
        servfail,
        cookies: CookieQueries {
            absent: cookies(Standing::Absent),
            asked: cookies(Standing::Asked),
            bad: cookies(Standing::Bad),
            good: cookies(Standing::Good),
        },
        rate_limited: LimitedResponses {
            dropped: counts.limited(Limited::Dropped),
            slipped: counts.limited(Limited::Slipped),
            log_only: counts.limited(Limited::Spared),
        },
    }
}
