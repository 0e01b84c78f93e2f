//! Hashes of names (RFC 5155, 5), in the one form of RFC 9276, 3.1: SHA-1, no further iterations, no salt.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::dns::compiled::NameHash;

/// The data of an NSEC3PARAM record that says so (RFC 5155, 4.2).
pub const PARAMETERS: [u8; 5] = [1, 0, 0, 0, 0];

/// Base 32 with digits first (RFC 4648, 7), in lower case, so that hashes in text have their own order.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The hash of a name in wire format and lower case.
pub fn hash(name: &[u8]) -> NameHash {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, name);
    let mut hash = NameHash::default();
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// The owner of the NSEC3 record of a hash in the zone of an apex (RFC 5155, 3): its label has 32 bytes.
pub fn owner(hash: &NameHash, apex: &[u8]) -> Vec<u8> {
    let mut owner = vec![32];
    for five in hash.as_chunks::<5>().0 {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        owner.extend((0..8).rev().map(|at| DIGITS[(bits >> (5 * at)) as usize & 31]));
    }
    owner.extend_from_slice(apex);
    owner
}
