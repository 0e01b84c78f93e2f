//! The accounts of client networks: a table of one size, without a lock.
//!
//! A network has its account in one set of eight. Where all eight are others', and none of them is even, the newcomer gets the one that is
//! nearest to it, **with what is owed there**: so nobody is ever freed by being forgotten, however many addresses he has. Whoever comes back
//! finds at least what he owed when he was forgotten (as counters in the Space-Saving algorithm of Metwally, Agrawal and El Abbadi, 2005).
//! What that costs: while more networks than there is room for use all of their burst, newcomers share what is left.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::pace::{Pace, ticks};

/// Accounts that share a cache line.
const WAYS: usize = 8;

/// The bits of an account that say when it is even: 194 days of ticks. One that is older by chance owes for a moment what it does not.
const EVEN_BITS: u32 = 44;
const EVEN: u64 = (1 << EVEN_BITS) - 1;

/// All accounts.
#[derive(Debug)]
pub struct Accounts {
    sets: Box<[Set]>,
    /// With keys of its own, so that nobody can aim at another's account.
    hasher: RandomState,
}

/// A cache line of accounts: the rest of the hash of its network, and when it is even.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

/// An account as it was read.
struct Found<'s> {
    place: &'s AtomicU64,
    present: u64,
    /// Ticks from now until it is even.
    owed: u64,
}

impl Accounts {
    /// Room for so many, rounded up to whole sets.
    pub fn new(entries: usize) -> Accounts {
        Accounts { sets: (0..entries.div_ceil(WAYS)).map(|_| Set::default()).collect(), hasher: RandomState::new() }
    }

    /// Takes a request of a network, or says how long it has to wait.
    pub fn take(&self, network: (u128, u8), pace: &Pace, now: Duration) -> Result<(), Duration> {
        let hash = self.hasher.hash_one(network);
        let (tag, now) = (hash >> EVEN_BITS, ticks(now));
        let place = usize::try_from(hash & EVEN).unwrap_or_default().checked_rem(self.sets.len());
        let Some(Set(set)) = place.map(|place| &self.sets[place]) else { return Ok(()) };
        loop {
            let found = Found::of(tag, set, pace, now);
            let even = pace.after_one_more(now + found.owed, now)?;
            let written = tag << EVEN_BITS | even & EVEN;
            if found.place.compare_exchange(found.present, written, Relaxed, Relaxed).is_ok() {
                return Ok(());
            }
            // Another worker was faster, which is progress too.
        }
    }
}

impl<'s> Found<'s> {
    /// The account with this tag, or the one that is nearest to even.
    fn of(tag: u64, set: &'s [AtomicU64; WAYS], pace: &Pace, now: u64) -> Found<'s> {
        let read = |place: &'s AtomicU64| {
            let present = place.load(Relaxed);
            Found { place, present, owed: owed(present, pace, now) }
        };
        let mut nearest = read(&set[0]);
        for found in set.iter().map(read) {
            // An account that is not used yet has the tag of some network too, and owes nothing.
            if found.present >> EVEN_BITS == tag {
                return found;
            }
            if found.owed < nearest.owed {
                nearest = found;
            }
        }
        nearest
    }
}

/// What an account owes. None can owe more than its pace allows: what looks like more is long past, or was owed under another document.
fn owed(account: u64, pace: &Pace, now: u64) -> u64 {
    let ahead = (account & EVEN).wrapping_sub(now) & EVEN;
    if ahead > pace.furthest() { 0 } else { ahead }
}
