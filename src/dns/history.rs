//! How a zone came to be what it is: the differences between its serials, for other nameservers that have an earlier one (RFC 1995).
//!
//! Owns when a difference may be sent, and how much is kept. Pure. Must never: give a difference to somebody whose copy may not be what
//! the difference begins with; where that cannot be known, there is none, and he gets the whole zone. Made by [`journal`](super::journal),
//! read by [`transfer`](super::transfer).

mod stored;

use std::sync::Arc;

use crate::zone::serial::is_newer;

/// The least and the most bytes of differences that are kept of a zone; between these, as many as the zone has itself: whoever lacks more is
/// better off with the whole.
const KEPT: [usize; 2] = [64 << 10, 16 << 20];

/// What a zone is at one serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its serial.
    pub serial: u32,
    /// The SHA-256 of its records, whatever their order.
    pub digest: [u8; 32],
    /// Its copies have addresses of pools as they were answered at some moment: no two copies need be equal.
    pub has_pools: bool,
}

/// The differences that lead to the present content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    content: Content,
    /// Copies with this serial or an earlier one may have something else than we had: a difference begins with a later one.
    distrusted: Option<u32>,
    /// One after the other; the last one leads to the content.
    steps: Vec<Arc<Step>>,
}

/// The difference between a serial and the next one that was served.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    from: u32,
    to: u32,
    /// Every copy with the serial that it begins with has what it begins with.
    is_trusted: bool,
    /// The SOA before, then what is gone.
    removed: Box<[u8]>,
    /// The SOA behind it, then what is new.
    added: Box<[u8]>,
}

/// What was changed: records, one after the other, as [`put`] writes them, the SOA first.
#[derive(Debug, Default)]
pub struct Difference {
    /// The SOA before, then what is gone.
    pub removed: Vec<u8>,
    /// The SOA behind it, then what is new.
    pub added: Vec<u8>,
}

/// A record of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'s> {
    /// In wire format.
    pub owner: &'s [u8],
    /// Its type.
    pub rtype: u16,
    /// In seconds.
    pub ttl: u32,
    /// In wire format, uncompressed.
    pub rdata: &'s [u8],
}

/// Where the process that served the content before is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// It is this one: nothing was served in between.
    Here,
    /// It has ended, and may have served the next serial with something else in it before it could write that down.
    Gone,
}

impl History {
    /// Nothing is known of what was served before, not even under this serial.
    pub fn begin(content: Content) -> History {
        History { content, distrusted: Some(content.serial), steps: Vec::new() }
    }

    /// What the zone is.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// What follows when this is served next. `difference` finds it if it is known, and is asked only if it is of use; `size` is that of the zone, in
    /// bytes.
    #[must_use]
    pub fn next(
        &self,
        content: Content,
        before: Before,
        size: usize,
        difference: impl FnOnce(usize) -> Option<Difference>,
    ) -> History {
        if content == self.content {
            return self.clone();
        }
        let from = self.content.serial;
        if !is_newer(content.serial, from) {
            // Somebody may have the later serial still, or this one with what it was.
            let distrusted = Some(self.later(later_of(from, content.serial)));
            return History { content, distrusted, steps: Vec::new() };
        }
        let is_distrusted = content.has_pools || before == Before::Gone;
        let distrusted = match is_distrusted {
            true => Some(self.later(content.serial)),
            false => self.distrusted.filter(|distrusted| !is_newer(content.serial, *distrusted)),
        };
        let most = size.clamp(KEPT[0], KEPT[1]);
        let is_of_use = !content.has_pools && !self.content.has_pools;
        let step = is_of_use.then(|| difference(most)).flatten().map(|Difference { removed, added }| {
            let is_trusted = self.distrusted.is_none_or(|distrusted| is_newer(from, distrusted));
            Step { from, to: content.serial, is_trusted, removed: removed.into(), added: added.into() }
        });
        let mut steps = Vec::new();
        if let Some(step) = step {
            let mut room = most;
            let all = self.steps.iter().cloned().chain([Arc::new(step)]).rev();
            steps.extend(all.take_while(|step| {
                let fits = step.size() <= room;
                room = room.saturating_sub(step.size());
                fits
            }));
            steps.reverse();
        }
        History { content, distrusted, steps }
    }

    /// The same where others may serve something else under serials up to this one.
    #[must_use]
    pub fn distrusting(self, serial: u32) -> History {
        History { distrusted: Some(self.later(serial)), ..self }
    }

    fn later(&self, serial: u32) -> u32 {
        self.distrusted.map_or(serial, |distrusted| later_of(distrusted, serial))
    }

    /// The differences that lead from this serial to the present one; `None` if they are not known, or not what everybody needs who has it.
    pub fn since(&self, serial: u32) -> Option<&[Arc<Step>]> {
        let first = self.steps.iter().rposition(|step| step.from == serial)?;
        self.steps[first].is_trusted.then(|| &self.steps[first..])
    }
}

/// Of two serials that are exactly 2^31 apart, neither is later.
fn later_of(one: u32, other: u32) -> u32 {
    if is_newer(other, one) { other } else { one }
}

impl Step {
    /// The bytes that it takes, about.
    fn size(&self) -> usize {
        const FIXED: usize = 64;
        FIXED + self.removed.len() + self.added.len()
    }

    /// The records before and behind, each beginning with the SOA.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.removed, &self.added]
    }
}

/// Adds a record.
pub fn put(records: &mut Vec<u8>, owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) {
    records.extend_from_slice(owner);
    records.extend_from_slice(&rtype.to_be_bytes());
    records.extend_from_slice(&ttl.to_be_bytes());
    records.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    records.extend_from_slice(rdata);
}

/// Reads the record that stands first, and gives how many bytes it takes; `None` if there is none, or it is cut off.
pub fn first(records: &[u8]) -> Option<(Record<'_>, usize)> {
    const FIXED: usize = 8;
    let owner = crate::zone::name::measure(records).ok()?;
    let head = records.get(owner..owner + FIXED)?;
    let end = owner + FIXED + usize::from(u16::from_be_bytes([head[6], head[7]]));
    let record = Record {
        owner: &records[..owner],
        rtype: u16::from_be_bytes([head[0], head[1]]),
        ttl: u32::from_be_bytes([head[2], head[3], head[4], head[5]]),
        rdata: records.get(owner + FIXED..end)?,
    };
    Some((record, end))
}

#[cfg(test)]
mod tests;
