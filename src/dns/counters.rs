//! The counters of the workers. Each worker has its own, and is the only one that writes them.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::answer::Answered;
use super::compiled::{MOST_SLOTS, Slot};
use super::cookie::Standing;
use super::rate_limit::Class;
use crate::zone::number::rcode;

/// Error codes counted apart: 0 to 23 (BADCOOKIE).
pub const RCODES: usize = 24;

/// One worker's counters, alone on their cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    answers: [AtomicU64; RCODES],
    zones: ZoneCounts,
    /// Queries by what their cookie shows, in the order of [`Standing::ALL`].
    pub cookies: [Count; Standing::ALL.len()],
    /// Responses that met the rate limit, by [`Class::ALL`] and [`Limited::ALL`].
    pub limited: [[Count; Limited::ALL.len()]; Class::ALL.len()],
    last_limited: [AtomicU64; 2],
    /// Answers with TC.
    pub truncated: Count,
    /// Messages that get no answer: responses and runts.
    pub ignored: Count,
    /// Answers the kernel did not take.
    pub send_errors: Count,
    /// Zones that other nameservers got, whole or what had changed of them.
    pub transfers: Count,
    /// Of these, those that brought what had changed.
    pub transfers_of_differences: Count,
    /// Transfers that ended before that.
    pub transfers_broken: Count,
    /// Connections accepted.
    pub connections: Count,
    /// Connections refused at a cap.
    pub connections_refused: Count,
    /// Connections of which the handshake did not come to an end.
    pub handshakes_failed: Count,
}

/// Response codes that are counted by zone: these, and all others together.
pub const ZONE_RCODES: [&str; 4] = ["NOERROR", "NXDOMAIN", "SERVFAIL", "other"];

/// Responses by zone and [`ZONE_RCODES`].
#[derive(Debug)]
struct ZoneCounts(Box<[[Count; ZONE_RCODES.len()]]>);

impl Default for ZoneCounts {
    fn default() -> ZoneCounts {
        ZoneCounts((0..=MOST_SLOTS).map(|_| Default::default()).collect())
    }
}

/// What became of a response that met the rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// It was not sent.
    Dropped,
    /// Only its question was sent (with TC or BADCOOKIE), or it was a short error.
    Slipped,
    /// It was sent, since limits are only logged.
    Spared,
}

impl Limited {
    /// All of them.
    pub const ALL: [Limited; 3] = [Limited::Dropped, Limited::Slipped, Limited::Spared];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Limited::Dropped => "dropped",
            Limited::Slipped => "slipped",
            Limited::Spared => "log_only",
        }
    }
}

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more. A load and a store: cheaper than an atomic addition, and right with one writer.
    pub fn add(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

fn zone_rcode(code: u16) -> usize {
    match code {
        rcode::NOERROR => 0,
        rcode::NXDOMAIN => 1,
        rcode::SERVFAIL => 2,
        _ => 3,
    }
}

impl Counters {
    /// Counts one message by what it came to.
    pub fn count(&self, answered: Option<Answered>) {
        let Some(answered) = answered else { return self.ignored.add() };
        let answers = &self.answers[(answered.rcode as usize).min(RCODES - 1)];
        answers.store(answers.load(Relaxed) + 1, Relaxed);
        if let Some(zone) = answered.slot.and_then(|slot| self.zones.0.get(usize::from(slot))) {
            zone[zone_rcode(answered.rcode)].add();
        }
        if answered.truncated {
            self.truncated.add();
        }
        self.cookies[answered.cookie as usize].add();
    }

    /// Counts a response that met the rate limit, whatever else it is counted as.
    pub fn count_limited(&self, class: Class, limited: Limited, client: IpAddr) {
        self.limited[class as usize][limited as usize].add();
        let bits = match client {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        self.last_limited[0].store((bits >> 64) as u64, Relaxed);
        self.last_limited[1].store(bits as u64, Relaxed);
    }

    /// The client of the last response that met the rate limit; for people: its halves are read one after the other.
    pub fn last_limited(&self) -> Option<IpAddr> {
        let [high, low] = self.last_limited.each_ref().map(|half| u128::from(half.load(Relaxed)));
        let bits = high << 64 | low;
        (bits != 0).then(|| IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical())
    }

    /// Answers about names of the zone that is counted there, by [`ZONE_RCODES`].
    pub fn answers_of(&self, slot: Slot) -> [u64; ZONE_RCODES.len()] {
        self.zones.0.get(usize::from(slot)).map_or_else(Default::default, |zone| zone.each_ref().map(Count::get))
    }

    /// How many answers.
    pub fn answered(&self) -> u64 {
        self.answers().iter().sum()
    }

    /// Answers by error code.
    pub fn answers(&self) -> [u64; RCODES] {
        std::array::from_fn(|rcode| self.answers[rcode].load(Relaxed))
    }
}
