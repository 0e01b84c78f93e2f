//! How many connections each address has, over all workers.

#![allow(
    clippy::disallowed_types,
    reason = "exact counts over all workers need a table that all change; a connection \
                                             takes a lock twice in its life, a request never"
)]

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::daemon::client_network;

/// Parts of the table, each with its own lock: workers seldom meet at one.
const PARTS: usize = 64;

/// Who counts as one client ([`client_network`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    /// Of a connection's peer.
    pub fn of(address: IpAddr) -> Origin {
        Origin(client_network::of(address))
    }
}

/// Connections by origin. The hash is keyed, so that nobody can choose addresses that meet in one place.
#[derive(Debug)]
pub(super) struct Addresses {
    parts: [Mutex<HashMap<Origin, usize>>; PARTS],
    hasher: RandomState,
}

impl Default for Addresses {
    fn default() -> Addresses {
        Addresses { parts: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Addresses {
    fn part(&self, origin: Origin) -> MutexGuard<'_, HashMap<Origin, usize>> {
        let part = self.hasher.hash_one(origin) as usize % PARTS;
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Origins that have a connection.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

/// One of the connections that an origin may have, counted until it is dropped.
#[derive(Debug)]
pub struct AddressSlot {
    origin: Origin,
    of: Arc<Addresses>,
}

impl AddressSlot {
    pub(super) fn take(of: &Arc<Addresses>, origin: Origin, most: usize) -> Option<AddressSlot> {
        let mut part = of.part(origin);
        let count = part.entry(origin).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(AddressSlot { origin, of: Arc::clone(of) })
    }

    /// Whose connection it is.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        let mut part = self.of.part(self.origin);
        if let Some(count) = part.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                part.remove(&self.origin);
            }
        }
    }
}
