//! Signing zones (RFC 4035, 2): off the query path, whenever what is answered changes or signatures get old.
//!
//! Owns which key signs what, for which time, and what is signed of a zone and of a pool's names. Pure, and the same on every nameserver that has
//! the same keys and the same time: signatures follow from what is signed and from the hour. Must never: read a file or a clock. Called when a document
//! is made ready, and by [`control`](super::control) before it publishes a snapshot.

mod hash;
mod period;
pub mod pools;
mod roles;
mod rrset;
pub mod told;
mod types;
mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::dns::Denial;
use crate::dnssec::ZoneKey;

pub use hash::hash;
pub use period::hour_of;
pub use roles::Moment;
pub use zone::{Unsignable, sign_zone};

/// What signs a zone.
#[derive(Debug, Clone)]
pub struct ZoneSigner {
    apex: Box<[u8]>,
    keys: Vec<Arc<ZoneKey>>,
    lifetime: Duration,
    denial: Denial,
}

impl ZoneSigner {
    /// With the keys of a zone, of which there is at least one, for its apex in lower case. `lifetime` is that of signatures, a day at least.
    pub fn new(apex: Box<[u8]>, keys: Vec<Arc<ZoneKey>>, lifetime: Duration, denial: Denial) -> ZoneSigner {
        ZoneSigner { apex, keys, lifetime, denial }
    }

    /// The apex, in lower case.
    pub fn apex(&self) -> &[u8] {
        &self.apex
    }

    /// All its keys.
    pub fn keys(&self) -> &[Arc<ZoneKey>] {
        &self.keys
    }

    /// How it signs at a time, in seconds since the epoch: all that follows is good for the whole hour.
    pub fn at(&self, now: u64) -> Moment<'_> {
        Moment::new(self, hour_of(now))
    }
}

/// What signs the zones of a document, by apex in lower case.
#[derive(Debug, Default)]
pub struct Signers(BTreeMap<Box<[u8]>, Arc<ZoneSigner>>);

impl Signers {
    /// What signs the zone of an apex; none: it is not signed here.
    pub fn of(&self, apex: &[u8]) -> Option<&Arc<ZoneSigner>> {
        self.0.get(apex)
    }

    /// Whether no zone is signed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ZoneSigner>> {
        self.0.values()
    }
}

impl FromIterator<ZoneSigner> for Signers {
    fn from_iter<T: IntoIterator<Item = ZoneSigner>>(signers: T) -> Signers {
        Signers(signers.into_iter().map(|signer| (signer.apex.clone(), Arc::new(signer))).collect())
    }
}

#[cfg(test)]
mod tests;
