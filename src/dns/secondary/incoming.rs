//! Reads a transfer, message by message (RFC 5936, 2.2 and RFC 1995, 4): all records of a zone, or what has changed of it.
//!
//! Pure. Owns the bounds on what a primary may send. Must never: panic, whatever comes, or take a record of another zone.

use super::rdata;
use crate::dns::answer::HEADER;
use crate::dns::history::{Difference, put};
use crate::zone::name;
use crate::zone::number::{CLASS_IN, rtype};
use crate::zone::serial::{is_newer, of_soa};

/// The most bytes of records that are taken of one transfer.
pub const MOST: usize = 256 << 20;

/// Why what came is not taken, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It answers with an error.
    #[error("it answers with the error code {0}")]
    Rcode(u8),
    /// It is no answer to what was asked.
    #[error("what it sends is no answer to a question for this zone")]
    Strange,
    /// A record cannot be read.
    #[error("record {0} of its answer is malformed")]
    Malformed(usize),
    /// A record is of another zone.
    #[error("it sends a record of {0}, which is not in the zone")]
    Outside(String),
    /// The records do not come in the order that they must.
    #[error("record {0} of its answer is not where it can be: {1}")]
    Order(usize, &'static str),
    /// It is too much.
    #[error("it sends more than {} MiB of records", MOST >> 20)]
    TooMuch,
}

/// What a transfer has brought.
#[derive(Debug)]
pub enum Brought {
    /// All records, the SOA first and once.
    Whole(Vec<u8>),
    /// What leads from our serial to the newest, one after the other.
    Differences(Vec<Difference>),
    /// The SOA alone, with this serial, which is not newer than ours.
    Nothing(u32),
}

/// A transfer that is under way.
#[derive(Debug)]
pub struct Incoming {
    apex: Box<[u8]>,
    /// The identifier of the query.
    id: [u8; 2],
    /// The serial that is there, where what has changed since was asked for.
    held: Option<u32>,
    /// The SOA that came first: its data and its record.
    soa: Option<(Vec<u8>, u32, Vec<u8>)>,
    place: Place,
    bytes: usize,
    count: usize,
}

#[derive(Debug)]
enum Place {
    First,
    /// Whether it is the whole zone, the second record tells.
    Second,
    Whole(Vec<u8>),
    Removing(Vec<Difference>, Difference),
    /// With the serial that the difference leads to.
    Adding(Vec<Difference>, Difference, u32),
    Done(Brought),
}

impl Incoming {
    /// The answer to the query with this identifier for this zone; since `held` if that was asked, else for the whole zone.
    pub fn new(apex: &[u8], id: [u8; 2], held: Option<u32>) -> Incoming {
        Incoming { apex: apex.into(), id, held, soa: None, place: Place::First, bytes: 0, count: 0 }
    }

    /// Takes the next message, without its signature.
    ///
    /// # Errors
    ///
    /// Nothing of the transfer is to be used.
    pub fn take(&mut self, message: &[u8]) -> Result<(), Unusable> {
        let mut at = self.head(message)?;
        let answers = u16::from_be_bytes([message[6], message[7]]);
        for _ in 0..answers {
            self.count += 1;
            at = self.record(message, at)?;
        }
        // A SOA alone, and nothing newer in it.
        if let (Place::Second, Some((_, serial, _)), Some(held)) = (&self.place, &self.soa, self.held)
            && !is_newer(*serial, held)
        {
            self.place = Place::Done(Brought::Nothing(*serial));
        }
        Ok(())
    }

    /// The data of the SOA that came first.
    pub fn soa(&self) -> Option<&[u8]> {
        self.soa.as_ref().map(|(rdata, _, _)| rdata.as_slice())
    }

    /// All of it has come.
    pub fn is_done(&self) -> bool {
        matches!(self.place, Place::Done(_))
    }

    /// What has come, if that is all of it.
    pub fn brought(self) -> Option<Brought> {
        match self.place {
            Place::Done(brought) => Some(brought),
            _ => None,
        }
    }

    /// The header and the question; gives where the answers begin.
    fn head(&self, message: &[u8]) -> Result<usize, Unusable> {
        let head = message.get(..HEADER).ok_or(Unusable::Strange)?;
        // QR, opcode 0, no TC. AA, which it should have (RFC 5936, 2.2.1), Knot does not set.
        if head[..2] != self.id || head[2] & 0xfa != 0x80 {
            return Err(Unusable::Strange);
        }
        if head[3] & 0x0f != 0 {
            return Err(Unusable::Rcode(head[3] & 0x0f));
        }
        match u16::from_be_bytes([head[4], head[5]]) {
            0 if self.count > 0 => Ok(HEADER),
            1 => {
                let (name, end) = name::expand(message, HEADER).ok_or(Unusable::Strange)?;
                let is_ours = name.eq_ignore_ascii_case(&self.apex) && message.len() >= end + 4;
                is_ours.then_some(end + 4).ok_or(Unusable::Strange)
            }
            _ => Err(Unusable::Strange),
        }
    }

    fn record(&mut self, message: &[u8], at: usize) -> Result<usize, Unusable> {
        let malformed = || Unusable::Malformed(self.count);
        let (owner, head) = name::expand(message, at).ok_or_else(malformed)?;
        let fixed = message.get(head..head + 10).ok_or_else(malformed)?;
        let rtype = u16::from_be_bytes([fixed[0], fixed[1]]);
        let class = u16::from_be_bytes([fixed[2], fixed[3]]);
        let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let end = head + 10 + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let mut rdata = Vec::new();
        rdata::expand(message, rtype, head + 10, end, &mut rdata).ok_or_else(malformed)?;
        if class != CLASS_IN || rdata.len() > usize::from(u16::MAX) {
            return Err(malformed());
        }
        let is_apex = owner.eq_ignore_ascii_case(&self.apex);
        if !name::is_within(&owner, &self.apex) || (rtype == rtype::SOA && !is_apex) {
            return Err(Unusable::Outside(name::to_text(&owner)));
        }
        // RFC 2181, 8: the highest bit is none.
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        self.bytes += owner.len() + 10 + rdata.len();
        if self.bytes > MOST {
            return Err(Unusable::TooMuch);
        }
        self.place(&owner, rtype, ttl, rdata)?;
        Ok(end)
    }

    fn place(&mut self, owner: &[u8], rtype: u16, ttl: u32, rdata: Vec<u8>) -> Result<(), Unusable> {
        let wrong = |why| Err(Unusable::Order(self.count, why));
        let serial = if rtype == rtype::SOA { of_soa(&rdata) } else { None };
        let mut record = Vec::new();
        put(&mut record, owner, rtype, ttl, &rdata);
        let newest = self.soa.as_ref().map(|(_, serial, _)| *serial);
        self.place = match (std::mem::replace(&mut self.place, Place::First), serial) {
            (Place::First, Some(serial)) => {
                self.soa = Some((rdata, serial, record));
                if self.held.is_some() { Place::Second } else { self.whole() }
            }
            (Place::First, None) => return wrong("the SOA must be the first"),
            // The SOA that we have: what has changed since follows.
            (Place::Second, Some(serial)) if Some(serial) == self.held && Some(serial) != newest => {
                Place::Removing(Vec::new(), Difference { removed: record, added: Vec::new() })
            }
            (Place::Second, _) => {
                self.place = self.whole();
                return self.place(owner, rtype, ttl, rdata);
            }
            (Place::Whole(records), Some(_)) => match &self.soa {
                Some((first, _, _)) if *first == rdata => Place::Done(Brought::Whole(records)),
                _ => return wrong("another SOA than the first one stands in the zone"),
            },
            (Place::Whole(mut records), None) => {
                records.extend_from_slice(&record);
                Place::Whole(records)
            }
            (Place::Removing(all, mut one), None) => {
                one.removed.extend_from_slice(&record);
                Place::Removing(all, one)
            }
            (Place::Removing(all, mut one), Some(serial)) => {
                one.added = record;
                Place::Adding(all, one, serial)
            }
            (Place::Adding(all, mut one, serial), None) => {
                one.added.extend_from_slice(&record);
                Place::Adding(all, one, serial)
            }
            (Place::Adding(mut all, one, at), Some(serial)) => {
                all.push(one);
                match () {
                    () if serial != at => return wrong("a difference does not begin where the one before has led"),
                    () if Some(at) == newest => Place::Done(Brought::Differences(all)),
                    () => Place::Removing(all, Difference { removed: record, added: Vec::new() }),
                }
            }
            (Place::Done(_), _) => return wrong("it stands behind the last one"),
        };
        Ok(())
    }

    /// The whole zone, which begins with its SOA.
    fn whole(&self) -> Place {
        Place::Whole(self.soa.as_ref().map(|(_, _, record)| record.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
