//! Hashes of names (RFC 5155), in the one form of RFC 9276, 3.1: no further iterations, no salt.

use crate::dns::compiled::NameHash;
use crate::dnssec::nsec3;

/// The data of an NSEC3PARAM record that says so (RFC 5155, 4.2): SHA-1, no flags.
pub const PARAMETERS: [u8; 5] = [1, 0, 0, 0, 0];

/// The hash of a name in wire format and lower case.
pub fn hash(name: &[u8]) -> NameHash {
    nsec3::hash(name, &[], 0)
}

/// The owner of the NSEC3 record of a hash in the zone of an apex (RFC 5155, 3).
pub fn owner(hash: &NameHash, apex: &[u8]) -> Vec<u8> {
    [&[nsec3::LABEL as u8][..], &nsec3::label(hash), apex].concat()
}
