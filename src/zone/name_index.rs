//! Finds names by a hash table of their numbers: eleven bytes a name. The names themselves are the caller's.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::name::LONGEST_NAME;
use crate::memory;

/// Numbers by name.
#[derive(Debug)]
pub struct NameIndex {
    /// Where a name's hash leads, or behind it (linear probing); at most three quarters are taken.
    slots: Vec<Slot>,
    /// With a seed of this table's own: who writes a zone does not know where its names will be. Who asks adds none, so that a fast hash is enough.
    hash: RandomState,
}

/// Half of a name's hash, and its number.
#[derive(Debug, Clone, Copy)]
struct Slot {
    mark: u32,
    number: u32,
}

impl Slot {
    const FREE: Slot = Slot { mark: 0, number: u32::MAX };

    fn is_free(self) -> bool {
        self.number == u32::MAX
    }
}

impl NameIndex {
    /// Numbers names in their order from 0. No two are equal, in any case.
    pub fn new<'n>(names: impl ExactSizeIterator<Item = &'n [u8]>) -> NameIndex {
        let count = names.len() / 3 * 4 + 4;
        let mut slots = memory::vector(count);
        slots.resize(count, Slot::FREE);
        let mut index = NameIndex { slots, hash: RandomState::default() };
        for (number, name) in names.enumerate() {
            let (mut at, mark) = index.place(name);
            while !index.slots[at].is_free() {
                at = index.behind(at);
            }
            index.slots[at] = Slot { mark, number: number as u32 };
        }
        index
    }

    /// The number of the name for which `is` holds, which only a name of equal hash is tried with.
    pub fn find(&self, name: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        self.find_from(self.place(name), is)
    }

    /// The same of a name in lower case, as those of queries are.
    pub fn find_lower(&self, lower: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        self.find_from(self.place_of_lower(lower), is)
    }

    fn find_from(&self, (mut at, mark): (usize, u32), is: impl Fn(u32) -> bool) -> Option<u32> {
        loop {
            match self.slots[at] {
                slot if slot.is_free() => return None,
                slot if slot.mark == mark && is(slot.number) => return Some(slot.number),
                _ => at = self.behind(at),
            }
        }
    }

    fn place(&self, name: &[u8]) -> (usize, u32) {
        let mut lower = [0; LONGEST_NAME];
        let lower = &mut lower[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.place_of_lower(lower)
    }

    fn place_of_lower(&self, lower: &[u8]) -> (usize, u32) {
        let hash = self.hash.hash_one(lower);
        let (high, low) = (hash >> 32, hash as u32);
        (((high * self.slots.len() as u64) >> 32) as usize, low)
    }

    fn behind(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

#[cfg(test)]
mod tests;
