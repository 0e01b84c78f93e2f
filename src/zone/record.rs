//! A zone as data: its records in wire format, each with the line it stands in.

use std::path::PathBuf;

/// A zone as its files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFile {
    /// The apex in wire format, lower case.
    pub apex: Box<[u8]>,
    /// In the order of the files, duplicates removed, TTLs of an RRset made equal (the lowest; RFC 2181, 5.2).
    pub records: Vec<ZoneRecord>,
    /// The main file and every one it includes.
    pub files: Vec<PathBuf>,
}

/// One record of class IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Wire format, uncompressed, in the file's own case.
    pub owner: Box<[u8]>,
    /// The type's number.
    pub rtype: u16,
    /// In seconds, at most 2^31-1.
    pub ttl: u32,
    /// Wire format, uncompressed.
    pub rdata: Box<[u8]>,
    /// Index into [`ZoneFile::files`].
    pub file: u16,
    /// From 1.
    pub line: u32,
}
