//! A zone as data: its records in wire format, each with its line.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::folder::Fingerprint;
use super::name;
use crate::config::Finding;
use crate::memory;

/// A zone as its files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFile {
    /// The apex in wire format, lower case.
    pub apex: Box<[u8]>,
    /// The records in the order of the files, duplicates removed, TTLs of an RRset made equal (the lowest; RFC 2181, 5.2).
    pub records: Records,
    /// The main file and every one it includes.
    pub files: Vec<PathBuf>,
    /// What is hardly meant, or never answered; the first hundred. None where checks are strict.
    pub warnings: Vec<Finding>,
    /// What it was read from; none if that was a text alone.
    pub fingerprint: Option<Fingerprint>,
}

/// One record of class IN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneRecord<'z> {
    /// The owner in uncompressed wire format, in the file's own case.
    pub owner: &'z [u8],
    /// The type's number.
    pub rtype: u16,
    /// The TTL in seconds, at most 2^31-1.
    pub ttl: u32,
    /// The data in uncompressed wire format.
    pub rdata: &'z [u8],
    /// The file it stands in: an index into [`ZoneFile::files`].
    pub file: u16,
    /// The line it begins in, from 1.
    pub line: u32,
}

/// The records of a zone: some 50 bytes each, and no allocation of their own.
#[derive(Clone, Default)]
pub struct Records {
    heads: Vec<Head>,
    /// Owners and data.
    bytes: Vec<u8>,
    /// Indexes of all records by owner (RFC 4034, 6.1), then type, then as they stand in the files.
    order: Vec<u32>,
}

/// Where a record is.
#[derive(Clone, Copy)]
struct Head {
    owner: u32,
    rdata: u32,
    ttl: u32,
    line: u32,
    rtype: u16,
    rdata_length: u16,
    file: u16,
    owner_length: u8,
}

/// The records do not fit into 4 GiB of owners and data.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

impl Records {
    /// Takes these and sorts them.
    ///
    /// # Errors
    ///
    /// They are too much.
    pub fn new<'r>(records: impl IntoIterator<Item = ZoneRecord<'r>>) -> Result<Records, TooMuch> {
        let mut taken = Records::default();
        records.into_iter().try_for_each(|record| taken.push(record))?;
        taken.sort();
        Ok(taken)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// One of them.
    pub fn get(&self, index: u32) -> ZoneRecord<'_> {
        self.at(&self.heads[index as usize])
    }

    /// All in the order of the files.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ZoneRecord<'_>> + ExactSizeIterator {
        self.heads.iter().map(|head| self.at(head))
    }

    /// The indexes of the records of each name, the names in canonical order, the records by type. For sorted ones.
    pub fn names(&self) -> impl Iterator<Item = &[u32]> {
        self.order.chunk_by(|a, b| self.get(*a).owner.eq_ignore_ascii_case(self.get(*b).owner))
    }

    /// The indexes of each RRset among those of one name.
    pub fn sets<'i>(&self, name: &'i [u32]) -> impl Iterator<Item = (u16, &'i [u32])> {
        name.chunk_by(|a, b| self.rtype(*a) == self.rtype(*b)).map(|set| (self.rtype(set[0]), set))
    }

    /// The indexes of one RRset among those of one name; empty if there is none.
    pub fn set<'i>(&self, name: &'i [u32], rtype: u16) -> &'i [u32] {
        let first = name.partition_point(|index| self.rtype(*index) < rtype);
        let length = name[first..].partition_point(|index| self.rtype(*index) == rtype);
        &name[first..first + length]
    }

    /// The type of one of them.
    pub fn rtype(&self, index: u32) -> u16 {
        self.heads[index as usize].rtype
    }

    /// Takes one more.
    pub(super) fn push(&mut self, record: ZoneRecord<'_>) -> Result<(), TooMuch> {
        let above = self.heads.last().map(|head| (head.owner, self.at(head).owner));
        let owner = match above.filter(|(_, owner)| *owner == record.owner) {
            Some((owner, _)) => owner,
            None => self.keep(record.owner)?,
        };
        let head = Head {
            owner,
            rdata: self.keep(record.rdata)?,
            ttl: record.ttl,
            line: record.line,
            rtype: record.rtype,
            rdata_length: record.rdata.len().try_into().map_err(|_| TooMuch)?,
            file: record.file,
            owner_length: record.owner.len().try_into().map_err(|_| TooMuch)?,
        };
        memory::reserve(&mut self.heads, 1);
        self.heads.push(head);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<u32, TooMuch> {
        let at = u32::try_from(self.bytes.len()).map_err(|_| TooMuch)?;
        memory::reserve(&mut self.bytes, bytes.len());
        self.bytes.extend_from_slice(bytes);
        Ok(at)
    }

    /// Sorts them, for all that goes by names.
    pub(super) fn sort(&mut self) {
        let mut order = memory::vector(self.len());
        order.extend(0..self.len() as u32);
        order.sort_unstable_by(|a, b| {
            let (one, other) = (self.get(*a), self.get(*b));
            name::compare(one.owner, other.owner).then(one.rtype.cmp(&other.rtype)).then(a.cmp(b))
        });
        self.order = order;
    }

    /// Gives the records of an RRset one TTL.
    pub(super) fn set_ttl(&mut self, rrset: &[u32], ttl: u32) {
        for index in rrset {
            self.heads[*index as usize].ttl = ttl;
        }
    }

    /// Removes these.
    pub(super) fn remove(&mut self, indexes: &BTreeSet<u32>) {
        if indexes.is_empty() {
            return;
        }
        let removed: Vec<u32> = indexes.iter().copied().collect();
        let mut index = 0..;
        self.heads.retain(|_| !index.next().is_some_and(|index| indexes.contains(&index)));
        self.order.retain(|index| !indexes.contains(index));
        for index in &mut self.order {
            *index -= removed.partition_point(|removed| removed < index) as u32;
        }
    }

    fn at(&self, head: &Head) -> ZoneRecord<'_> {
        let bytes = |at: u32, length: usize| &self.bytes[at as usize..][..length];
        ZoneRecord {
            owner: bytes(head.owner, head.owner_length.into()),
            rtype: head.rtype,
            ttl: head.ttl,
            rdata: bytes(head.rdata, head.rdata_length.into()),
            file: head.file,
            line: head.line,
        }
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Records) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Records {}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
