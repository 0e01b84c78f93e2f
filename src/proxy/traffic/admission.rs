//! Who may hold a connection: slots over all workers, and how many of them one address has.
//!
//! A connection holds a [`Slot`] for as long as it lives, or until it is evicted: then the slot goes to the connection that
//! it was evicted for, and nothing is counted twice. Beyond `limits.connections` there is a small reserve, so that readiness can
//! be asked whatever happens: a connection in the reserve needs a regular slot before any other request (`eviction`).
//!
//! What it costs: a connection takes and gives back a slot (one atomic count each) and one of its address (one of 64
//! locks each, held for one look into a table). A request takes none of this.

mod addresses;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use addresses::Addresses;
pub use addresses::{AddressSlot, Origin};

/// Connections beyond `limits.connections`, for readiness. Nameservers ask each address of a proxy every few seconds and
/// hold a connection for one answer: a fleet's nameservers together hold a few at a time.
pub const RESERVE: usize = 64;

/// How many connections there are, over all workers.
#[derive(Debug, Default)]
pub struct Admission {
    regular: AtomicUsize,
    reserved: AtomicUsize,
    addresses: Arc<Addresses>,
}

/// A connection's slot, counted until it is dropped.
#[derive(Debug)]
pub struct Slot {
    kind: SlotKind,
    of: Arc<Admission>,
}

/// What an accepted connection holds.
#[derive(Debug)]
pub struct Admitted {
    /// Its slot.
    pub slot: Slot,
    /// Its part of what its address may have; `None`: a trusted proxy, which speaks for many.
    pub address: Option<AddressSlot>,
}

/// What a slot is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// Every request.
    Regular,
    /// `/.polder/ready`.
    Reserved,
}

impl Admission {
    /// Clients' connections now, those in the reserve included.
    pub fn connections(&self) -> usize {
        self.regular.load(Ordering::Relaxed) + self.reserved.load(Ordering::Relaxed)
    }

    /// One of `most` regular slots, if one is free.
    pub fn regular(self: &Arc<Admission>, most: usize) -> Option<Slot> {
        self.take(SlotKind::Regular, most)
    }

    /// A slot in the reserve, if one is free.
    pub fn reserved(self: &Arc<Admission>) -> Option<Slot> {
        self.take(SlotKind::Reserved, RESERVE)
    }

    /// One of the `most` connections that an address may have, if it has not got them all.
    pub fn of_address(&self, address: IpAddr, most: usize) -> Option<AddressSlot> {
        AddressSlot::take(&self.addresses, Origin::of(address), most)
    }

    fn take(self: &Arc<Admission>, kind: SlotKind, most: usize) -> Option<Slot> {
        let taken = |count: usize| (count < most).then_some(count + 1);
        self.count(kind).fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).ok()?;
        Some(Slot { kind, of: Arc::clone(self) })
    }

    fn count(&self, kind: SlotKind) -> &AtomicUsize {
        match kind {
            SlotKind::Regular => &self.regular,
            SlotKind::Reserved => &self.reserved,
        }
    }
}

impl Slot {
    /// What it is good for.
    pub fn kind(&self) -> SlotKind {
        self.kind
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.of.count(self.kind).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
