//! The data of an RRSIG record (RFC 4034, 3.1).

use super::canonical::canonical_set;
use super::public_key::verify;
use crate::zone::name;

/// How long the data is before the signer's name, in bytes.
const FIXED: usize = 18;

/// The fields of an RRSIG record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rrsig<'r> {
    /// The type of the set that it is of.
    pub covered: u16,
    /// The number of the key's algorithm.
    pub algorithm: u8,
    /// How many labels the owner has, the root and a `*` not counted.
    pub labels: u8,
    /// The TTL of the set when it was signed, in seconds.
    pub original_ttl: u32,
    /// The last second at which it is good; since the epoch, the lower 32 bits.
    pub expiration: u32,
    /// The first such second.
    pub inception: u32,
    /// The tag of the key.
    pub tag: u16,
    /// The zone whose key it is, in wire format.
    pub signer: &'r [u8],
    /// The signature.
    pub signature: &'r [u8],
    /// All before the signature.
    head: &'r [u8],
}

impl<'r> Rrsig<'r> {
    /// Reads the data of a record; none: it is malformed.
    pub fn read(rdata: &'r [u8]) -> Option<Rrsig<'r>> {
        let fixed: &[u8; FIXED] = rdata.first_chunk()?;
        let behind = FIXED + name::measure(&rdata[FIXED..]).ok()?;
        let (head, signature) = rdata.split_at(behind);
        let short = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let long = |at: usize| u32::from(short(at)) << 16 | u32::from(short(at + 2));
        Some(Rrsig {
            covered: short(0),
            algorithm: fixed[2],
            labels: fixed[3],
            original_ttl: long(4),
            expiration: long(8),
            inception: long(12),
            tag: short(16),
            signer: &head[FIXED..],
            signature,
            head,
        })
    }

    /// Whether it is that of this key over a set, whose owner is in lower case and no name that a wildcard stands for.
    pub fn is_by<'s>(&self, dnskey: &[u8], owner: &[u8], rdatas: impl IntoIterator<Item = &'s [u8]>) -> bool {
        let mut message = self.head.to_vec();
        message[FIXED..].make_ascii_lowercase();
        message.extend(canonical_set(owner, self.covered, self.original_ttl, rdatas));
        verify(dnskey, &message, self.signature)
    }

    /// How many labels a signature of this owner says.
    pub fn labels_of(owner: &[u8]) -> usize {
        name::labels(owner).count() - usize::from(name::is_wildcard(owner))
    }
}
