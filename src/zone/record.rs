//! A zone as data: its records in wire format, each with its line.

use std::path::PathBuf;

use crate::config::Finding;

/// A zone as its files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFile {
    /// The apex in wire format, lower case.
    pub apex: Box<[u8]>,
    /// The records in the order of the files, duplicates removed, TTLs of an RRset made equal (the lowest; RFC 2181, 5.2).
    pub records: Vec<ZoneRecord>,
    /// The main file and every one it includes.
    pub files: Vec<PathBuf>,
    /// What is hardly meant, or never answered; the first hundred. None where checks are strict.
    pub warnings: Vec<Finding>,
}

/// One record of class IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRecord {
    /// The owner in uncompressed wire format, in the file's own case.
    pub owner: Box<[u8]>,
    /// The type's number.
    pub rtype: u16,
    /// The TTL in seconds, at most 2^31-1.
    pub ttl: u32,
    /// The data in uncompressed wire format.
    pub rdata: Box<[u8]>,
    /// The file it stands in: an index into [`ZoneFile::files`].
    pub file: u16,
    /// The line it begins in, from 1.
    pub line: u32,
}
