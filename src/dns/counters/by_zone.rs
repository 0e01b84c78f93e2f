//! What a worker counts by zone.
//!
//! Every zone has its numbers at the slot that it keeps as long as it is served without a break ([`Slot`]), so that a query is counted at an index
//! that the search for its zone has brought with it, and a reload or a catalog that takes zones away moves no number.

use super::count::Count;
use super::limited::Limited;
use crate::dns::compiled::{MOST_SLOTS, Slot};
use crate::dns::cookie::Standing;
use crate::dns::rate_limit::Class;
use crate::zone::number::rcode;

/// Response codes that are counted by zone: these, and all others together.
pub const ZONE_RCODES: [&str; 4] = ["NOERROR", "NXDOMAIN", "SERVFAIL", "other"];

/// Where queries are counted whose name is in no zone, or that have no name that can be read.
pub const NO_ZONE: Slot = MOST_SLOTS + 1;

/// What was counted of the queries of one zone, or of those of no zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ZoneCounts {
    /// Responses, by [`ZONE_RCODES`].
    pub responses: [u64; ZONE_RCODES.len()],
    /// Queries that got them, by what their cookie shows: [`Standing::ALL`].
    pub cookies: [u64; Standing::ALL.len()],
    /// Responses that met the rate limit, by [`Class::ALL`] and [`Limited::ALL`].
    pub limited: [[u64; Limited::ALL.len()]; Class::ALL.len()],
}

impl ZoneCounts {
    /// Adds another worker's.
    pub fn add(&mut self, other: &ZoneCounts) {
        let limited = self.limited.as_flattened_mut().iter_mut().zip(other.limited.as_flattened());
        let others = self.responses.iter_mut().zip(&other.responses).chain(self.cookies.iter_mut().zip(&other.cookies));
        others.chain(limited).for_each(|(sum, more)| *sum += more);
    }

    /// Responses of any code.
    pub fn answered(&self) -> u64 {
        self.responses.iter().sum()
    }

    /// Responses that met the rate limit and of which this became, whatever their class.
    pub fn limited(&self, limited: Limited) -> u64 {
        self.limited.iter().map(|class| class[limited as usize]).sum()
    }
}

/// The same while a worker counts. Responses and cookies fill one cache line: a query that meets no limit touches no other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Zone {
    responses: [Count; ZONE_RCODES.len()],
    cookies: [Count; Standing::ALL.len()],
    limited: [[Count; Limited::ALL.len()]; Class::ALL.len()],
}

/// All zones of a worker.
#[derive(Debug)]
pub(super) struct ByZone(Box<[Zone]>);

impl Default for ByZone {
    fn default() -> ByZone {
        ByZone((0..=NO_ZONE).map(|_| Zone::default()).collect())
    }
}

impl ByZone {
    fn at(&self, slot: Option<Slot>) -> Option<&Zone> {
        self.0.get(usize::from(slot.unwrap_or(NO_ZONE)))
    }

    /// Counts a response of this code.
    pub(super) fn count(&self, slot: Option<Slot>, rcode: u16, cookie: Standing) {
        if let Some(zone) = self.at(slot) {
            zone.responses[place(rcode)].add();
            zone.cookies[cookie as usize].add();
        }
    }

    /// Counts a response that met the rate limit.
    pub(super) fn count_limited(&self, slot: Option<Slot>, class: Class, limited: Limited) {
        if let Some(zone) = self.at(slot) {
            zone.limited[class as usize][limited as usize].add();
        }
    }

    /// What was counted there so far.
    pub(super) fn read(&self, slot: Slot) -> ZoneCounts {
        let Some(Zone { responses, cookies, limited }) = self.at(Some(slot)) else { return ZoneCounts::default() };
        ZoneCounts {
            responses: responses.each_ref().map(Count::get),
            cookies: cookies.each_ref().map(Count::get),
            limited: limited.each_ref().map(|class| class.each_ref().map(Count::get)),
        }
    }
}

fn place(code: u16) -> usize {
    match code {
        rcode::NOERROR => 0,
        rcode::NXDOMAIN => 1,
        rcode::SERVFAIL => 2,
        _ => 3,
    }
}
