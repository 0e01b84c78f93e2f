//! Whether, and when, it is signed what pools may be answered with next (pure).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::prepared::Prepared;
use crate::daemon::clock::Now;
use crate::dns::compiled::Zone;
use crate::dns::signing::{Ahead, Made, ZoneSigner, sign_ahead};

/// How often it is begun at most: each time what was made before is looked through.
const PAUSE: Duration = Duration::from_secs(1);

/// The pools whose next answers are to be signed.
#[derive(Debug)]
pub struct PoolsOrder {
    /// Whose pools.
    pub document: Arc<Prepared>,
    /// By pool, the addresses that clients get at present, everywhere and in each location.
    pub present: Vec<Vec<Vec<IpAddr>>>,
    /// What was made before.
    pub before: [Arc<Made>; 2],
}

impl PoolsOrder {
    /// Signs what they may be answered with next, in these zones at an hour: seconds, where there are many names.
    pub(super) fn perform(self, zones: &[(Arc<Zone>, Arc<ZoneSigner>)], hour: u64) -> SignedAhead {
        let PoolsOrder { document, present, before } = self;
        let pools: Vec<_> = document.config.pools.values().zip(present.iter().map(Vec::as_slice)).collect();
        let ahead = sign_ahead(&pools, zones, hour, &before.each_ref().map(AsRef::as_ref));
        SignedAhead { ahead, document, hour }
    }
}

/// What is to be signed ahead; answered with [`SignedAhead`].
#[derive(Debug)]
pub struct AheadOrder {
    /// Of which pools.
    pub pools: PoolsOrder,
    /// The zones that are signed, with what signs them.
    pub zones: Vec<(Arc<Zone>, Arc<ZoneSigner>)>,
    /// For which hour, in seconds since the epoch.
    pub hour: u64,
}

impl AheadOrder {
    /// Does it.
    pub fn perform(self) -> SignedAhead {
        self.pools.perform(&self.zones, self.hour)
    }
}

/// What was signed ahead.
#[derive(Debug)]
pub struct SignedAhead {
    /// The signatures.
    pub ahead: Ahead,
    /// Whose pools.
    pub document: Arc<Prepared>,
    /// For this hour, in seconds since the epoch.
    pub hour: u64,
}

/// Whether it is to be signed ahead.
#[derive(Debug, Default)]
pub(super) struct Aheads {
    is_wanted: bool,
    is_under_way: bool,
    not_before: Duration,
    /// In this hour every answer is there that the pools of the document can have.
    all_of: Option<u64>,
}

impl Aheads {
    /// Another document is in force.
    pub(super) fn note_reload(&mut self) {
        self.all_of = None;
    }

    /// What is answered has changed, and is signed for this hour.
    pub(super) fn note_change(&mut self, hour: u64) {
        self.is_wanted = self.all_of != Some(hour);
    }

    /// All that pools can have in this hour is there, or not.
    pub(super) fn note_made(&mut self, is_all: bool, hour: u64) {
        self.all_of = is_all.then_some(hour);
    }

    /// Whether it is to begin now.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.begins().is_some_and(|begins| begins <= now.running)
    }

    /// When it is to begin, if it is.
    pub(super) fn begins(&self) -> Option<Duration> {
        (self.is_wanted && !self.is_under_way).then_some(self.not_before)
    }

    /// It begins; or there is nothing that could be signed.
    pub(super) fn begin(&mut self, is_anything_there: bool, now: Now) {
        (self.is_wanted, self.is_under_way) = (false, is_anything_there);
        self.not_before = now.running + PAUSE;
    }

    /// It has ended.
    pub(super) fn end(&mut self) {
        self.is_under_way = false;
    }
}
