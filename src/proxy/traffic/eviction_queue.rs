//! The connections that may be evicted, in the order in which they would be.
//!
//! A list linked through a table with a slot a connection: adding and removing take constant time and allocate
//! nothing, since every request does both.

/// A position in the list. `None`: not in it.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    before: Option<u32>,
    after: Option<u32>,
    is_queued: bool,
}

/// The list; the longest waiting is first.
#[derive(Debug, Default)]
pub struct EvictionQueue {
    links: Vec<Link>,
    first: Option<u32>,
    last: Option<u32>,
    length: usize,
}

impl EvictionQueue {
    /// How many are in it.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Puts the connection with this number last, wherever it was before. Numbers are small, as a slab gives them.
    pub fn push(&mut self, number: usize) {
        self.remove(number);
        if self.links.len() <= number {
            self.links.resize(number + 1, Link::default());
        }
        let last = self.last.replace(number as u32);
        self.links[number] = Link { before: last, after: None, is_queued: true };
        match last {
            Some(last) => self.links[last as usize].after = Some(number as u32),
            None => self.first = Some(number as u32),
        }
        self.length += 1;
    }

    /// Takes it out, if it is in.
    pub fn remove(&mut self, number: usize) {
        let Some(Link { before, after, is_queued: true }) = self.links.get(number).copied() else { return };
        match before {
            Some(before) => self.links[before as usize].after = after,
            None => self.first = after,
        }
        match after {
            Some(after) => self.links[after as usize].before = before,
            None => self.last = before,
        }
        self.links[number] = Link::default();
        self.length -= 1;
    }

    /// All, the longest waiting first.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        std::iter::successors(self.first, |number| self.links[*number as usize].after).map(|number| number as usize)
    }
}

#[cfg(test)]
mod tests;
