//! The counters of the workers. Each worker has its own, and is the only one that writes them.

mod by_zone;
mod count;
mod limited;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::answer::Answered;
use super::compiled::Slot;
use super::cookie::Standing;
use super::rate_limit::Class;
use by_zone::ByZone;

pub use by_zone::{NO_ZONE, ZONE_RCODES, ZoneCounts};
pub use count::Count;
pub use limited::Limited;

/// Error codes counted apart: 0 to 23 (BADCOOKIE).
pub const RCODES: usize = 24;

/// One worker's counters, alone on their cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    answers: [AtomicU64; RCODES],
    zones: ByZone,
    /// Queries that got a response, by what their cookie shows, in the order of [`Standing::ALL`].
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
    /// Messages that dnstap had no room for.
    pub dnstap_dropped: Count,
    /// Connections accepted.
    pub connections: Count,
    /// Connections refused at a cap.
    pub connections_refused: Count,
    /// Connections of which the handshake did not come to an end.
    pub handshakes_failed: Count,
}

impl Counters {
    /// Counts one message by what it came to.
    pub fn count(&self, answered: Option<Answered>) {
        let Some(answered) = answered else { return self.ignored.add() };
        let answers = &self.answers[(answered.rcode as usize).min(RCODES - 1)];
        answers.store(answers.load(Relaxed) + 1, Relaxed);
        self.zones.count(answered.slot, answered.rcode, answered.cookie);
        if answered.truncated {
            self.truncated.add();
        }
        self.cookies[answered.cookie as usize].add();
    }

    /// Counts this response, which met the rate limit, whatever else it is counted as.
    pub fn count_limited(&self, answered: &Answered, limited: Limited, client: IpAddr) {
        let class = answered.account.class;
        self.limited[class as usize][limited as usize].add();
        self.zones.count_limited(answered.slot, class, limited);
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

    /// What was counted of the queries of the zone that is counted there.
    pub fn of_zone(&self, slot: Slot) -> ZoneCounts {
        self.zones.read(slot)
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
