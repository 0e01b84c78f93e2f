//! The messages of one transfer.

use std::sync::Arc;

use crate::dns::answer::{Full, HEADER, Opt, Writer};
use crate::dns::compiled::{Node, NodeId, RrSet, Zone};
use crate::dns::history::{self, Record, Step};
use crate::dns::snapshot::{PoolRecords, Snapshot};
use crate::dns::tsig::Signer;
use crate::zone::number::{rcode, rtype};

/// The largest message (RFC 1035, 4.2.2), in bytes: what the buffer of each is to have.
pub const MESSAGE: usize = 65535;

/// How many bytes a message has that is not one record: names further behind could not be pointed to (RFC 1035, 4.1.4).
const USUAL: usize = 0x4000;

/// What is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'s> {
    /// All records, between the SOA and the SOA (RFC 5936, 2.2).
    Zone {
        /// With the addresses of pools, as they are answered now.
        with_pools: bool,
    },
    /// Between the SOA and the SOA, of each serial what is gone and what is new (RFC 1995, 4).
    Differences(&'s [Arc<Step>]),
    /// The SOA, to a client that has this serial or a later one (RFC 1995, 2).
    SoaAlone,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    FirstSoa,
    /// The records of a name, but for so many that have been written.
    Name(NodeId, usize),
    /// The records of a part of a step, from this byte on.
    Step(usize, usize, usize),
    LastSoa,
    End,
}

/// The messages, one after the other.
pub struct Messages<'s> {
    /// The query up to the end of its question.
    question: Vec<u8>,
    snapshot: &'s Snapshot,
    zone: &'s Zone,
    content: Content<'s>,
    opt: Option<Opt<'s>>,
    signer: Option<Signer<'s>>,
    place: Place,
    /// How long messages usually are, and at most.
    lengths: [usize; 2],
    /// Messages made.
    pub made: usize,
    /// Records written.
    pub records: usize,
    /// The next record has no room in any message, with what signs it: the transfer ends here.
    pub is_stuck: bool,
}

impl<'s> Messages<'s> {
    /// Of a query, which is given up to the end of its question.
    pub(super) fn new(
        question: &[u8],
        snapshot: &'s Snapshot,
        zone: &'s Zone,
        content: Content<'s>,
        (opt, signer): (Option<Opt<'s>>, Option<Signer<'s>>),
    ) -> Messages<'s> {
        let question = question.to_vec();
        Messages {
            question,
            snapshot,
            zone,
            content,
            opt,
            signer,
            lengths: [USUAL, MESSAGE],
            place: Place::FirstSoa,
            made: 0,
            records: 0,
            is_stuck: false,
        }
    }

    /// Makes all of it as one datagram, and gives its length; `None` where it does not fit. Its client takes as much as the buffer has room for.
    pub(super) fn datagram(mut self, buffer: &mut [u8], now: u64) -> Option<usize> {
        let room = buffer.len().checked_sub(self.signer.as_ref().map_or(0, |signer| signer.key().record_length()))?;
        if room < self.question.len() + self.opt.as_ref().map_or(0, Opt::length) {
            return None;
        }
        self.lengths = [room; 2];
        let length = self.next(buffer, now)?;
        (self.place == Place::End).then_some(length)
    }

    /// Makes the next message in the buffer, which has [`MESSAGE`] bytes, and gives its length; `None` behind the last one, or where it
    /// [is stuck](Messages::is_stuck). `now` is in
    /// seconds since the epoch.
    pub fn next(&mut self, buffer: &mut [u8], now: u64) -> Option<usize> {
        if self.place == Place::End {
            return None;
        }
        let room = buffer.len() - self.signer.as_ref().map_or(0, |signer| signer.key().record_length());
        let before = self.records;
        let length = self.fill(&mut buffer[..room]);
        if self.records == before && self.place != Place::End {
            self.is_stuck = true;
            return None;
        }
        self.made += 1;
        Some(match &mut self.signer {
            Some(signer) => signer.sign(buffer, length, now),
            None => length,
        })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let mut writer = Writer::new(buffer, &self.question);
        writer.set_authoritative();
        // In the first message it must be, in the others it may be (RFC 5936, 2.2.1).
        if self.made == 0 {
            writer.question(&self.question[HEADER..]);
        }
        let [usual, most] = self.lengths;
        let mut written = Written { writer, opt: self.opt, most, records: 0 };
        written.writer.set_limit(usual, self.opt.as_ref());
        while self.place != Place::End {
            let before = written.records;
            let next = self.write(&mut written);
            self.records += written.records - before;
            match next {
                Ok(next) => self.place = next,
                Err(Cut(place)) => {
                    self.place = place;
                    break;
                }
            }
        }
        written.writer.finish(rcode::NOERROR, self.opt.as_ref(), None)
    }

    /// Writes what comes next; gives what follows it.
    fn write(&self, written: &mut Written<'_, '_>) -> Result<Place, Cut> {
        let zone = self.zone;
        match self.place {
            Place::FirstSoa => {
                written.soa(zone).map_err(|Full| Cut(self.place))?;
                Ok(match self.content {
                    Content::SoaAlone => Place::End,
                    Content::Zone { .. } => Place::Name(0, 0),
                    Content::Differences(_) => Place::Step(0, 0, 0),
                })
            }
            Place::Name(id, done) => {
                let node = zone.node(id);
                let records = self.sets(node);
                let records = records.flat_map(|(owner, set)| set.rdatas().map(move |rdata| (owner, set, rdata)));
                for (n, (owner, set, rdata)) in records.enumerate().skip(done) {
                    let record = Record { owner, rtype: set.rtype, ttl: set.ttl, rdata };
                    written.record(record).map_err(|Full| Cut(Place::Name(id, n)))?;
                }
                let next = id + 1;
                Ok(if (next as usize) < zone.nodes().len() { Place::Name(next, 0) } else { Place::LastSoa })
            }
            Place::Step(step, part, mut at) => {
                let Content::Differences(steps) = self.content else { return Ok(Place::LastSoa) };
                let Some(records) = steps.get(step).map(|step| step.parts()[part]) else { return Ok(Place::LastSoa) };
                while let Some((record, length)) = history::first(&records[at..]) {
                    written.record(record).map_err(|Full| Cut(Place::Step(step, part, at)))?;
                    at += length;
                }
                Ok(if part == 0 { Place::Step(step, 1, 0) } else { Place::Step(step + 1, 0, 0) })
            }
            Place::LastSoa => written.soa(zone).map(|()| Place::End).map_err(|Full| Cut(self.place)),
            Place::End => Ok(Place::End),
        }
    }

    /// The sets of a name, each with its owner: all of the file, hidden ones too (RFC 5936, 3.2), without the SOA; those of its pool, without which a
    /// signed zone would not be whole; what comes of the zone's being signed; and signatures.
    fn sets(&self, node: Node<'s>) -> impl Iterator<Item = (&'s [u8], RrSet<'s>)> {
        let signatures = self.zone.signatures();
        let with_pools = self.content == Content::Zone { with_pools: true } || signatures.is_some();
        let pool = node.pool().filter(|_| with_pools).map(|pool| self.snapshot.pool(pool));
        let of_pool = pool
            .into_iter()
            .flat_map(move |pool| PoolRecords::TYPES.into_iter().filter_map(move |rtype| pool.set(node, None, rtype)));
        let of_apex = signatures.filter(|_| node.id() == 0).into_iter().flat_map(|signatures| signatures.at_apex());
        let denial = pool.map_or_else(|| node.denial(), |pool| pool.denial(node, None));
        let own = node.sets().chain(of_apex).chain(of_pool).map(move |set| (node.name(), set));
        let sets = own.chain(denial.map(|denial| (node.denial_owner(), denial)));
        let sets = sets.chain(self.zone.others().filter(move |_| node.id() == 0));
        sets.flat_map(|(owner, set)| {
            let records = Some(set).filter(|set| set.rtype != rtype::SOA);
            records.into_iter().chain(set.rrsigs()).map(move |set| (owner, set))
        })
    }
}

/// The message is full: this is what comes next.
struct Cut(Place);

/// A message under construction.
struct Written<'b, 's> {
    writer: Writer<'b>,
    opt: Option<Opt<'s>>,
    most: usize,
    records: usize,
}

impl Written<'_, '_> {
    fn soa(&mut self, zone: &Zone) -> Result<(), Full> {
        let apex = zone.node(0);
        match apex.set(rtype::SOA) {
            Some(set) => self.record(Record { owner: apex.name(), rtype: set.rtype, ttl: set.ttl, rdata: set.first() }),
            None => Ok(()),
        }
    }

    /// Writes a record; one that is larger than messages usually are gets one to itself.
    fn record(&mut self, Record { owner, rtype, ttl, rdata }: Record<'_>) -> Result<(), Full> {
        let mut written = self.writer.one(owner, rtype, ttl, rdata);
        if written.is_err() && self.records == 0 {
            self.writer.set_limit(self.most, self.opt.as_ref());
            written = self.writer.one(owner, rtype, ttl, rdata);
        }
        self.records += usize::from(written.is_ok());
        written
    }
}
