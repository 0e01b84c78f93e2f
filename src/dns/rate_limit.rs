//! Response rate limiting over UDP: forged queries in a victim's name cause only few responses to that victim.
//!
//! As BIND and NSD do it: responses are counted by the client's network, by what kind of response it is, and by the name
//! that it is imputed to, so that no choice of random names evades it: a wildcard's answers are the wildcard's, those for names
//! that do not exist the zone's. Each such account is credited so many responses a second and debited one for each. While it
//! is overdrawn, responses are dropped, but for every `slip`-th, which is sent without its records (TC).
//!
//! Owns the accounts, in memory of a fixed size: all workers share them, since a flood comes through all of them. No
//! lock: an account is one number of 64 bits, changed by compare and exchange. Must never: look at a clock, count for
//! metrics, or limit a client that has shown where it is (TCP, a good cookie); [`super::udp`] sees to those.

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use foldhash::quality::RandomState;

use crate::config::dns::RateLimitConfig;

/// Accounts that share a cache line: one of them is where a key can be.
const WAYS: usize = 8;

/// With the above 65,536 accounts in 512 KiB. A flood has as many as there are networks in it times names; when they are too
/// many, those that owe least are forgotten first.
const SETS: usize = 8192;

/// Kinds of responses, limited apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Records, or a CNAME to them.
    Answer,
    /// The name exists, this type does not.
    Nodata,
    /// The name does not exist.
    Nxdomain,
    /// To a delegation.
    Referral,
    /// Refused, malformed, not implemented. They are short: one that would be cut is sent as it is.
    Error,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 5] = [Class::Answer, Class::Nodata, Class::Nxdomain, Class::Referral, Class::Error];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Answer => "answer",
            Class::Nodata => "nodata",
            Class::Nxdomain => "nxdomain",
            Class::Referral => "referral",
            Class::Error => "error",
        }
    }
}

/// The account of a response within its client's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// What it is.
    pub class: Class,
    /// The hash of the name it is imputed to: of the zone, the delegation, the wildcard, or the name asked for. 0 for
    /// errors, which share one account.
    pub name: u64,
}

impl Account {
    /// That of errors.
    pub const ERROR: Account = Account { class: Class::Error, name: 0 };
}

/// What becomes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is not.
    Drop,
    /// It is sent without its records.
    Slip,
}

/// All accounts.
pub struct Accounts {
    sets: Box<[Set]>,
    /// Seeded by each process, so that it is not known from outside which accounts share a place. All that is seen of a hash there is which
    /// responses are dropped: a fast one is enough, that is no cryptographic one.
    hasher: RandomState,
}

/// A cache line of accounts; 0 is a free one.
#[repr(align(64))]
#[derive(Default)]
struct Set([AtomicU64; WAYS]);

impl Default for Accounts {
    fn default() -> Accounts {
        Accounts { sets: (0..SETS).map(|_| Set::default()).collect(), hasher: RandomState::default() }
    }
}

impl Accounts {
    /// Counts a response to a client, and says what becomes of it. `now` in seconds, of a clock that never goes back.
    pub fn debit(&self, limits: &RateLimitConfig, client: IpAddr, account: Account, now: u32) -> Verdict {
        // Two words are hashed in half the time of four parts; of the name's hash a few bits less will do.
        let kind = (account.class as u64) << 1 | u64::from(client.is_ipv4());
        let hash = self.hasher.hash_one((network(limits, client), account.name ^ kind << 60));
        let places = &self.sets[hash as usize % SETS].0;
        let tag = hash >> (64 - Balance::TAG_BITS);
        loop {
            let (place, present) = find(places, tag, limits, now);
            let before = Balance::read(present).filter(|balance| balance.tag == tag);
            let mut balance = before.unwrap_or(Balance { tag, seen: now, responses: rate(limits), slipped: 0 });
            let verdict = balance.take(limits, now);
            if place.compare_exchange(present, balance.written(), Relaxed, Relaxed).is_ok() {
                return verdict;
            }
            // Another worker was faster, which is progress too.
        }
    }
}

/// The place of an account, or that of the one among its neighbours that owes least.
fn find<'p>(places: &'p [AtomicU64; WAYS], tag: u64, limits: &RateLimitConfig, now: u32) -> (&'p AtomicU64, u64) {
    let mut best = (&places[0], 0, i64::MIN);
    for place in places {
        let present = place.load(Relaxed);
        let owed = match Balance::read(present) {
            Some(balance) if balance.tag == tag => return (place, present),
            Some(balance) => balance.recovered(limits, now),
            None => i64::MAX,
        };
        if owed > best.2 {
            best = (place, present, owed);
        }
    }
    (best.0, best.1)
}

/// The bits of an address that make its network.
fn network(limits: &RateLimitConfig, client: IpAddr) -> u64 {
    match client {
        IpAddr::V4(address) => u64::from(u32::from(address) >> (32 - u32::from(limits.ipv4_prefix.min(32)))),
        IpAddr::V6(address) => (u128::from(address) >> (128 - u32::from(limits.ipv6_prefix.clamp(1, 64)))) as u64,
    }
}

/// Whether a client is never limited.
pub fn is_exempt(limits: &RateLimitConfig, client: IpAddr) -> bool {
    limits.exempt.iter().any(|network| network.contains(&client))
}

fn rate(limits: &RateLimitConfig) -> i64 {
    i64::from(limits.responses_per_second)
}

/// An account as it stands.
#[derive(Clone, Copy)]
struct Balance {
    /// The part of its key's hash that is kept.
    tag: u64,
    /// The second of the last response.
    seen: u32,
    /// What may still be sent; below 0: what was sent, or dropped, too much.
    responses: i64,
    /// Dropped since the last that slipped through.
    slipped: u32,
}

impl Balance {
    const TAG_BITS: u32 = 20;
    const SEEN_BITS: u32 = 18;
    const RESPONSES_BITS: u32 = 22;
    const SLIPPED_BITS: u32 = 4;

    /// Added to a balance where it is kept: it is never 0, which a free place is.
    const OFFSET: i64 = 1 << (Self::RESPONSES_BITS - 1);

    /// Seconds wrap after three days. An account that is that old by chance is taken for a young one.
    const SEEN_MASK: u32 = (1 << Self::SEEN_BITS) - 1;

    /// Workers read the clock once a batch: one may be a little behind another.
    const BEHIND: u32 = 16;

    fn read(number: u64) -> Option<Balance> {
        let part = |from: u32, bits: u32| number >> from & ((1 << bits) - 1);
        let seen_from = Self::SLIPPED_BITS + Self::RESPONSES_BITS;
        (number != 0).then(|| Balance {
            slipped: part(0, Self::SLIPPED_BITS) as u32,
            responses: part(Self::SLIPPED_BITS, Self::RESPONSES_BITS) as i64 - Self::OFFSET,
            seen: part(seen_from, Self::SEEN_BITS) as u32,
            tag: part(seen_from + Self::SEEN_BITS, Self::TAG_BITS),
        })
    }

    fn written(self) -> u64 {
        let responses = (self.responses + Self::OFFSET) as u64;
        let seen = u64::from(self.seen & Self::SEEN_MASK);
        ((self.tag << Self::SEEN_BITS | seen) << Self::RESPONSES_BITS | responses) << Self::SLIPPED_BITS
            | u64::from(self.slipped)
    }

    /// What may be sent now, with the credit since the last response.
    fn recovered(&self, limits: &RateLimitConfig, now: u32) -> i64 {
        (self.responses + i64::from(self.elapsed(now)) * rate(limits)).min(rate(limits))
    }

    fn elapsed(&self, now: u32) -> u32 {
        match now.wrapping_sub(self.seen) & Self::SEEN_MASK {
            behind if Self::SEEN_MASK - behind < Self::BEHIND => 0,
            elapsed => elapsed,
        }
    }

    /// Debits one response.
    fn take(&mut self, limits: &RateLimitConfig, now: u32) -> Verdict {
        let overdraft = i64::try_from(limits.window.as_secs()).unwrap_or(i64::MAX).saturating_mul(rate(limits));
        let recovered = self.recovered(limits, now);
        if self.elapsed(now) > 0 {
            self.seen = now;
        }
        self.responses = (recovered - 1).max(-overdraft.min(Self::OFFSET - 1));
        if self.responses >= 0 {
            self.slipped = 0;
            return Verdict::Send;
        }
        if limits.slip == 0 {
            return Verdict::Drop;
        }
        self.slipped += 1;
        if self.slipped < limits.slip.min(15) {
            return Verdict::Drop;
        }
        self.slipped = 0;
        Verdict::Slip
    }
}

#[cfg(test)]
mod tests;
