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

impl Subject<'_> {
    /// Whether the signatures of this owner's sets are verified.
    pub(super) fn is_verified(&self, owner: &[u8]) -> bool {
        match self.depth {
            Depth::Structure => false,
            Depth::Apex => owner.eq_ignore_ascii_case(self.apex),
            Depth::Signatures => true,
        }
    }
}

/// How deep a zone is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All but whether signatures are what they must be: no more work than sorting the zone.
    Structure,
    /// The same, and the signatures at the apex are verified: whoever changes a zone without its keys has to change its SOA.
    Apex,
    /// Each signature is verified, which takes some 50 microseconds of a processor.
    Signatures,
}
