//! Whether, and when, it is signed what pools may be answered with next (pure).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::prepared::Prepared;
use crate::daemon::clock::Now;
use crate::dns::compiled::{Zone, Zones};
use crate::dns::signing::{Ahead, Made, ZoneSigner, sign_ahead};

/// How often it is begun at most: each time what was made before is looked through.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be signed ahead; answered with [`SignedAhead`].
#[derive(Debug)]
pub struct AheadOrder {
    /// Whose pools.
    pub document: Arc<Prepared>,
    /// By pool, the addresses that clients get at present, everywhere and in each location.
    pub present: Vec<Vec<Vec<IpAddr>>>,
    /// The zones that are served.
    pub served: Arc<Zones>,
    /// Those of them that are signed, with what signs them.
    pub zones: Vec<(Arc<Zone>, Arc<ZoneSigner>)>,
    /// For which hour, in seconds since the epoch.
    pub hour: u64,
    /// What was made before.
    pub before: [Arc<Made>; 2],
}

impl AheadOrder {
    /// Signs all of it: seconds, where there are many names.
    pub fn perform(self) -> SignedAhead {
        let AheadOrder { document, present, served, zones, hour, before } = self;
        let pools: Vec<_> = document.config.pools.values().zip(present.iter().map(Vec::as_slice)).collect();
        let ahead = sign_ahead(&pools, &zones, hour, &before.each_ref().map(AsRef::as_ref));
        SignedAhead { ahead, served }
    }
}

/// What was signed ahead.
#[derive(Debug)]
pub struct SignedAhead {
    /// The signatures.
    pub ahead: Ahead,
    /// The zones that were served.
    pub served: Arc<Zones>,
}

/// Whether it is to be signed ahead.
#[derive(Debug, Default)]
pub(super) struct Aheads {
    is_wanted: bool,
    is_under_way: bool,
    not_before: Duration,
    /// With these zones every answer is there that pools can have.
    all_of: Option<Arc<Zones>>,
}

impl Aheads {
    /// What is answered from these zones has changed.
    pub(super) fn note_change(&mut self, zones: &Arc<Zones>) {
        self.is_wanted = !self.all_of.as_ref().is_some_and(|of| Arc::ptr_eq(of, zones));
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

    /// It has ended for these zones, and all that pools can have is there, or not.
    pub(super) fn end(&mut self, is_all: bool, zones: Arc<Zones>) {
        (self.is_under_way, self.all_of) = (false, is_all.then_some(zones));
    }
}
