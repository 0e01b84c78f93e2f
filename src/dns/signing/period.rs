//! For which time a signature is good.

use std::hash::Hasher;
use std::time::Duration;

use fnv::FnvHasher;

/// In seconds. Everything that follows from the time is decided for an hour, so that nameservers whose clocks differ a little sign alike.
pub const HOUR: u64 = 3600;

/// How much earlier than it is made a signature is good, in seconds: for resolvers whose clocks are behind.
const BEFORE: u64 = HOUR;

/// The beginning of the hour that a time is in, in seconds since the epoch.
pub fn hour_of(now: u64) -> u64 {
    now - now % HOUR
}

/// From when to when a signature is good, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first second.
    pub inception: u64,
    /// The last one.
    pub expiration: u64,
}

impl Period {
    /// That of a set at this hour. Each set is signed anew when a third of the life is left, at an hour of its own, so that a zone's signatures do not
    /// all change at once.
    pub fn of(owner: &[u8], rtype: u16, hour: u64, lifetime: Duration) -> Period {
        let lifetime = lifetime.as_secs();
        let renewed_every = (lifetime * 2 / 3 / HOUR).max(1);
        let mut hasher = FnvHasher::default();
        hasher.write(owner);
        hasher.write(&rtype.to_be_bytes());
        let offset = hasher.finish() % renewed_every;
        let hours = hour / HOUR;
        let age = (hours + renewed_every - offset) % renewed_every;
        let made = hours.saturating_sub(age) * HOUR;
        Period { inception: made.saturating_sub(BEFORE), expiration: made + lifetime }
    }
}
