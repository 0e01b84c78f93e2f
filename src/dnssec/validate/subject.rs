//! What is looked at, and how deep.

use crate::zone::Records;

/// A zone that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'z> {
    /// Its apex in wire format, lower case.
    pub apex: &'z [u8],
    /// All its records, sorted.
    pub records: &'z Records,
    /// In seconds since the epoch.
    pub now: u64,
    /// How deep it is looked into.
    pub depth: Depth,
    /// The data of the DS records that the zone above has of it; none: not known.
    pub parent: Option<&'z [Vec<u8>]>,
}

/// How deep a zone is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All but whether signatures are what they must be: no more work than sorting the zone.
    Structure,
    /// Each signature is verified, which takes some 50 microseconds of a processor.
    Signatures,
}
