//! Writes a response into the caller's buffer: sections, name compression, and the limit on its size.
//!
//! Written by hand because a query must cost no allocation: hickory's encoder allocates for each message and
//! takes records as objects that would have to be built for every answer. Here RRsets are copied in wire format
//! as they were prepared at load, and one that does not fit is taken back whole, so that a truncated response is exact.

use crate::dns::compiled::{RrSet, Shape};
use crate::zone::name;
use crate::zone::number::{CLASS_CHAOS, CLASS_IN, rtype};

use super::extended::Extended;
use super::opt::{EXTENDED_BYTES, OPT_BYTES, OPTION_HEAD, Opt};
use super::query::{HEADER, TsigPlace};
use crate::dns::locality::subnet;

/// How many offsets of earlier names are remembered as targets of compression pointers.
const KNOWN: usize = 64;

/// The offsets that a compression pointer can name: 14 bits (RFC 1035, 4.1.4).
const POINTABLE: usize = 0x4000;

/// The multiple that the length of a padded response is (RFC 8467, 4.1), in bytes.
const PADDED_TO: usize = 468;

/// The largest UDP response that is sent, and the largest query that is announced as accepted, in bytes (the value of the DNS
/// flag day of 2020).
pub const UDP_SIZE: u16 = 1232;

/// The records do not fit; what had been written of them has been taken back.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// The sections records are written to, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The answer section: the records in question.
    Answer = 0,
    /// The authority section: a delegation, or the SOA of a negative answer.
    Authority = 1,
    /// The additional section: glue and addresses.
    Additional = 2,
}

/// The owner of the records that are written.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'n> {
    /// The name at this offset of the response.
    At(usize),
    /// This name, in wire format.
    Name(&'n [u8]),
}

/// Why the TSIG of a query is refused.
pub struct Unsigned<'q> {
    /// The query.
    pub query: &'q [u8],
    /// Where its TSIG is.
    pub place: TsigPlace,
    /// The error's number (RFC 8945, 3).
    pub error: u16,
}

/// A response under construction.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
    limit: usize,
    counts: [u16; 3],
    known: [u16; KNOWN],
    known_length: usize,
    shows_signatures: bool,
}

impl<'b> Writer<'b> {
    /// Begins a response to `query`, a whole header at least. Its identifier, opcode and RD are copied. RA, AD and CD
    /// are 0: we neither recurse nor validate (what CD asks for or not: RFC 4035, 3.1.6), and
    /// the Z bit must be 0. The buffer has room for a header, the longest question and an OPT.
    pub fn new(buffer: &'b mut [u8], query: &[u8]) -> Writer<'b> {
        buffer[..HEADER].fill(0);
        buffer[..2].copy_from_slice(&query[..2]);
        buffer[2] = 0x80 | (query[2] & 0x79);
        let limit = buffer.len();
        Writer {
            buffer,
            length: HEADER,
            limit,
            counts: [0; 3],
            known: [0; KNOWN],
            known_length: 0,
            shows_signatures: false,
        }
    }

    /// Echoes the question as it was asked, in its own case.
    pub fn question(&mut self, question: &[u8]) {
        self.buffer[HEADER..HEADER + question.len()].copy_from_slice(question);
        self.buffer[5] = 1;
        self.length = HEADER + question.len();
        self.know(HEADER);
    }

    /// The size that the records may fill, an OPT's room taken off where one will follow.
    pub fn set_limit(&mut self, limit: usize, opt: Option<&Opt<'_>>) {
        let opt = opt.map_or(0, Opt::length);
        self.limit = (limit.min(self.buffer.len()) - opt).max(self.length);
    }

    /// From now on the signatures of each set go with it.
    pub fn show_signatures(&mut self) {
        self.shows_signatures = true;
    }

    /// Whether signatures go with sets.
    pub fn shows_signatures(&self) -> bool {
        self.shows_signatures
    }

    /// Sets AA: the server is authoritative for the name.
    pub fn set_authoritative(&mut self) {
        self.buffer[2] |= 0x04;
    }

    /// Sets TC: records are missing.
    pub fn set_truncated(&mut self) {
        self.buffer[2] |= 0x02;
    }

    /// Whether TC is set.
    pub fn truncated(&self) -> bool {
        self.buffer[2] & 0x02 != 0
    }

    /// Writes all records of a set, or none of them, the first being record number `rotation` modulo their count
    /// (for sets whose records are of one length), and its signatures where they are wanted. Returns the offset of the last record's data.
    pub fn set(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        set: RrSet<'_>,
        ttl: u32,
        rotation: usize,
    ) -> Result<usize, Full> {
        let rrsigs = if self.shows_signatures { set.rrsigs() } else { None };
        let count = set.count + rrsigs.map_or(0, |rrsigs| rrsigs.count);
        self.whole(section, count, |writer| {
            let place = writer.any(owner, set, ttl, rotation)?;
            if let Some(rrsigs) = rrsigs {
                writer.any(owner, rrsigs, ttl, 0)?;
            }
            Ok(place)
        })
    }

    fn any(&mut self, owner: Owner<'_>, set: RrSet<'_>, ttl: u32, rotation: usize) -> Result<usize, Full> {
        match owner {
            Owner::At(HEADER) if set.shape == Shape::Opaque && ttl == set.ttl => self.prepared(set, rotation),
            _ => self.records(owner, set, ttl, rotation),
        }
    }

    /// Writes one record to the answer section, or nothing of it.
    pub fn one(&mut self, owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Result<(), Full> {
        let one = |writer: &mut Self| writer.record(Owner::Name(owner), rtype, ttl, Shape::of(rtype), rdata);
        self.whole(Section::Answer, 1, one).map(|_| ())
    }

    /// Writes the CNAME that is synthesized from a DNAME (RFC 6672, 3.1). Returns the offset of its target.
    pub fn cname(&mut self, owner: usize, target: &[u8], ttl: u32) -> Result<usize, Full> {
        self.whole(Section::Answer, 1, |writer| {
            writer.record(Owner::At(owner), rtype::CNAME, ttl, Shape::Name { prefix: 0 }, target)
        })
    }

    /// Writes a text about the server itself (RFC 4892), the owner being the question's name.
    pub fn about_server(&mut self, text: &str) -> Result<usize, Full> {
        self.whole(Section::Answer, 1, |writer| {
            writer.put(&(0xc000 | HEADER as u16).to_be_bytes())?;
            writer.put(&rtype::TXT.to_be_bytes())?;
            writer.put(&CLASS_CHAOS.to_be_bytes())?;
            writer.put(&[0; 4])?;
            writer.put(&(1 + text.len() as u16).to_be_bytes())?;
            writer.put(&[text.len() as u8])?;
            writer.put(text.as_bytes())?;
            Ok(writer.length)
        })
    }

    /// Ends the response: the counts, the error code, the OPT where the query had one, and where `unsigned` says why the query's TSIG is
    /// refused, one without a signature (RFC 8945, 5.3.2). Gives its length.
    pub fn finish(&mut self, rcode: u16, opt: Option<&Opt<'_>>, unsigned: Option<Unsigned<'_>>) -> usize {
        self.buffer[3] = (rcode & 0x0f) as u8;
        if let Some(opt) = opt {
            let size = (self.limit + opt.length()).min(self.buffer.len());
            let extended = opt.extended.filter(|_| self.length + opt.length() + EXTENDED_BYTES <= size);
            self.limit = self.buffer.len();
            self.opt(rcode, opt, extended).expect("room for the OPT was kept free");
            self.counts[Section::Additional as usize] += 1;
        }
        if let Some(unsigned) = unsigned {
            self.limit = self.buffer.len();
            self.unsigned(&unsigned).expect("the buffer has room for a TSIG");
            self.counts[Section::Additional as usize] += 1;
        }
        for (section, count) in self.counts.iter().enumerate() {
            self.buffer[6 + 2 * section..8 + 2 * section].copy_from_slice(&count.to_be_bytes());
        }
        self.length
    }

    /// RFC 6891, 6.1.2: the root, OPT, our UDP size, the upper half of the error code, version 0, DO as it came.
    fn opt(&mut self, rcode: u16, opt: &Opt<'_>, extended: Option<Extended>) -> Result<(), Full> {
        let dnssec_ok = if opt.dnssec_ok { 0x80 } else { 0 };
        let others = opt.options() + extended.map_or(0, |_| EXTENDED_BYTES);
        let padding = self.padding(others).filter(|_| opt.is_padded);
        let options = others + padding.map_or(0, |bytes| OPTION_HEAD + bytes);
        let [[t, u], [s, z], [l, n]] = [rtype::OPT, UDP_SIZE, options as u16].map(u16::to_be_bytes);
        let head: [u8; OPT_BYTES] = [0, t, u, s, z, (rcode >> 4) as u8, 0, dnssec_ok, 0, l, n];
        self.put(&head)?;
        if let Some(idle) = opt.keepalive {
            self.put(&[0, 11, 0, 2])?;
            self.put(&idle.to_be_bytes())?;
        }
        if let Some(cookie) = &opt.cookie {
            self.put(&[0, 10, 0, cookie.len() as u8])?;
            self.put(cookie)?;
        }
        if let Some(nsid) = opt.nsid {
            self.put(&[0, 3, 0, nsid.len() as u8])?;
            self.put(nsid.as_bytes())?;
        }
        if let Some((network, scope)) = opt.subnet {
            self.put(&subnet::OPTION.to_be_bytes())?;
            self.put(&(network.length() as u16).to_be_bytes())?;
            self.put(&network.head(scope))?;
            let (octets, length) = network.address_bytes();
            self.put(&octets[..length])?;
        }
        if let Some(extended) = extended {
            self.put(&[0, 15, 0, 2])?;
            self.put(&(extended as u16).to_be_bytes())?;
        }
        if let Some(bytes) = padding {
            self.put(&[0, 12])?;
            self.put(&(bytes as u16).to_be_bytes())?;
            self.put(&[0; PADDED_TO][..bytes])?;
        }
        Ok(())
    }

    /// How many bytes of padding there are, if any, behind other options of this length. What is signed afterwards is longer by what the signature takes, which is always the same.
    fn padding(&self, others: usize) -> Option<usize> {
        let least = self.length + OPT_BYTES + others + OPTION_HEAD;
        let room = self.limit.checked_sub(least)?;
        Some((least.next_multiple_of(PADDED_TO) - least).min(room))
    }

    /// RFC 8945, 4.2: the query's key, algorithm, time and fudge, no MAC, its identifier, the error, nothing else.
    fn unsigned(&mut self, Unsigned { query, place, error }: &Unsigned<'_>) -> Result<(), Full> {
        const CLASS_ANY: u16 = 255;
        self.put(&name::expand(query, place.key).map_or_else(|| name::ROOT.to_vec(), |(key, _)| key))?;
        self.put(&rtype::TSIG.to_be_bytes())?;
        self.put(&CLASS_ANY.to_be_bytes())?;
        self.put(&[0; 4])?;
        self.put(&((place.fudge_end - place.algorithm + 8) as u16).to_be_bytes())?;
        self.put(&query[place.algorithm..place.fudge_end])?;
        self.put(&[0; 2])?;
        self.put(&query[place.original_id..place.original_id + 2])?;
        self.put(&error.to_be_bytes())?;
        self.put(&[0; 2])
    }

    /// Whether the name at an offset of the response is `name`, in any case.
    pub fn is_name(&self, at: usize, name: &[u8]) -> bool {
        self.matches(at, name, false)
    }

    /// Does all of `write`, or takes back what it wrote.
    fn whole(
        &mut self,
        section: Section,
        count: u16,
        write: impl FnOnce(&mut Self) -> Result<usize, Full>,
    ) -> Result<usize, Full> {
        let (length, known_length) = (self.length, self.known_length);
        let written = write(self);
        match written {
            Ok(_) => self.counts[section as usize] += count,
            Err(Full) => (self.length, self.known_length) = (length, known_length),
        }
        written
    }

    /// A set of the question's own name, as it is prepared: two copies, cut where the rotation begins.
    fn prepared(&mut self, set: RrSet<'_>, rotation: usize) -> Result<usize, Full> {
        let count = (set.count as usize).max(1);
        let (last, first) = set.wire.split_at(rotation % count * (set.wire.len() / count));
        self.put(first)?;
        self.put(last)?;
        Ok(self.length)
    }

    fn records(&mut self, mut owner: Owner<'_>, set: RrSet<'_>, ttl: u32, rotation: usize) -> Result<usize, Full> {
        let first = rotation % (set.count as usize).max(1);
        let mut place = self.length;
        for rdata in set.rdatas().skip(first).chain(set.rdatas().take(first)) {
            let at = self.length;
            place = self.record(owner, set.rtype, ttl, set.shape, rdata)?;
            if let (Owner::Name(_), true) = (owner, at < POINTABLE) {
                owner = Owner::At(at);
            }
        }
        Ok(place)
    }

    /// Writes one record. Returns the offset of its data.
    fn record(&mut self, owner: Owner<'_>, rtype: u16, ttl: u32, shape: Shape, rdata: &[u8]) -> Result<usize, Full> {
        match owner {
            Owner::At(at) if at < POINTABLE => self.put(&(0xc000 | at as u16).to_be_bytes())?,
            Owner::At(_) => return Err(Full),
            Owner::Name(name) => self.name(name, false)?,
        }
        self.put(&rtype.to_be_bytes())?;
        self.put(&CLASS_IN.to_be_bytes())?;
        self.put(&ttl.to_be_bytes())?;
        self.put(&[0, 0])?;
        let place = self.length;
        self.rdata(shape, rdata)?;
        let bytes = (self.length - place) as u16;
        self.buffer[place - 2..place].copy_from_slice(&bytes.to_be_bytes());
        Ok(place)
    }

    fn rdata(&mut self, shape: Shape, rdata: &[u8]) -> Result<(), Full> {
        match shape {
            Shape::Opaque => self.put(rdata),
            Shape::Name { prefix } => {
                let (before, name) = rdata.split_at(prefix.min(rdata.len()));
                self.put(before)?;
                self.name(name, true)
            }
            Shape::Soa => {
                let (names, fixed) = rdata.split_at(rdata.len().saturating_sub(20));
                let (mname, rname) = names.split_at(name::measure(names).unwrap_or(names.len()));
                self.name(mname, true)?;
                self.name(rname, true)?;
                self.put(fixed)
            }
        }
    }

    /// Writes a name, the longest suffix that stands already as a pointer. A name in record data keeps its case
    /// (`exact`); an owner may take that of the question.
    fn name(&mut self, name: &[u8], exact: bool) -> Result<(), Full> {
        let start = self.length;
        let mut rest = name;
        while let Some((&label, after)) = rest.split_first()
            && label > 0
        {
            if let Some(at) = self.known[..self.known_length].iter().find(|at| self.matches(**at as usize, rest, exact))
            {
                self.put(&(0xc000 | at).to_be_bytes())?;
                self.know(start);
                return Ok(());
            }
            let (head, tail) = rest.split_at((1 + label as usize).min(1 + after.len()));
            self.put(head)?;
            rest = tail;
        }
        self.put(&[0])?;
        self.know(start);
        Ok(())
    }

    /// Whether the name at `at`, which this writer wrote, is `name`.
    fn matches(&self, mut at: usize, mut name: &[u8], exact: bool) -> bool {
        loop {
            let label = self.buffer[at] as usize;
            if label >= 0xc0 {
                at = (label & 0x3f) << 8 | self.buffer[at + 1] as usize;
                continue;
            }
            let (Some(written), Some(wanted)) = (self.buffer.get(at..=at + label), name.get(..=label)) else {
                return false;
            };
            let same = if exact { written == wanted } else { written.eq_ignore_ascii_case(wanted) };
            if !same || label == 0 {
                return same;
            }
            at += label + 1;
            name = &name[label + 1..];
        }
    }

    /// Remembers the labels of a name that stands there whole. Half a name must not be known: what follows it in the
    /// buffer is of an earlier response.
    fn know(&mut self, mut at: usize) {
        while let label @ 1..=63 = self.buffer[at]
            && self.known_length < KNOWN
            && at < POINTABLE
        {
            self.known[self.known_length] = at as u16;
            self.known_length += 1;
            at += label as usize + 1;
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.length + bytes.len();
        if end > self.limit {
            return Err(Full);
        }
        self.buffer[self.length..end].copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }
}
