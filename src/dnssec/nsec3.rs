//! The names of NSEC3 (RFC 5155): hashed, so that who asks for what does not exist is not told what does (pure).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use crate::zone::rdata::base32hex;

/// How long a hash is, in bytes. Its algorithm is SHA-1, the only one there is (RFC 5155, 11): nothing secret hangs on it.
pub const HASH: usize = 20;

/// How long the label of a hash is, in bytes.
pub const LABEL: usize = 32;

/// The number of that algorithm.
pub const SHA1: u8 = 1;

/// The flag of an NSEC3 record between whose hash and the next one delegations without a DS may lie (RFC 5155, 3.1.2.1).
pub const OPT_OUT: u8 = 1;

/// The digits of base32hex (RFC 4648, 7), in lower case: labels in this order are hashes in their order.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The hash of a name, which is in wire format and lower case (RFC 5155, 5). `iterations` are those after the first; 0, and no `salt`, are what is to
/// be used (RFC 9276, 3.1).
pub fn hash(name: &[u8], salt: &[u8], iterations: u16) -> [u8; HASH] {
    let mut hash = [0; HASH];
    hash.copy_from_slice(salted(name, salt).as_ref());
    for _ in 0..iterations {
        let next = salted(&hash, salt);
        hash.copy_from_slice(next.as_ref());
    }
    hash
}

fn salted(bytes: &[u8], salt: &[u8]) -> aws_lc_rs::digest::Digest {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(bytes);
    context.update(salt);
    context.finish()
}

/// The label of a hash: base32hex, which for 20 bytes has no padding (RFC 5155, 3).
pub fn label(hash: &[u8; HASH]) -> [u8; LABEL] {
    let mut label = [0; LABEL];
    let (digits, _) = label.as_chunks_mut::<8>();
    let (bytes, _) = hash.as_chunks::<5>();
    for (digits, [a, b, c, d, e]) in digits.iter_mut().zip(bytes) {
        let number = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]);
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            *digit = DIGITS[(number >> (5 * place) & 31) as usize];
        }
    }
    label
}

/// The hash that an owner of NSEC3 records in the zone of this apex is made of; none: it is of another form.
pub fn hash_of_owner(owner: &[u8], apex: &[u8]) -> Option<[u8; HASH]> {
    let (length, rest) = owner.split_first().filter(|(length, _)| usize::from(**length) == LABEL)?;
    let (label, above) = rest.split_at_checked(usize::from(*length))?;
    if !above.eq_ignore_ascii_case(apex) {
        return None;
    }
    base32hex::decode(label)?.try_into().ok()
}

/// How names are hashed, as NSEC3 and NSEC3PARAM records say it (RFC 5155, 3.1 and 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters<'r> {
    /// The number of the algorithm: 1 is SHA-1, and there is no other.
    pub algorithm: u8,
    /// How often a hash is hashed again.
    pub iterations: u16,
    /// What is hashed with each name.
    pub salt: &'r [u8],
}

impl<'r> Parameters<'r> {
    /// Reads them from the data of either record; with the flags, and what stands behind. None: it is malformed.
    pub fn read(rdata: &'r [u8]) -> Option<(Parameters<'r>, u8, &'r [u8])> {
        let ([algorithm, flags, high, low, length], rest) = rdata.split_first_chunk()?;
        let (salt, rest) = rest.split_at_checked(usize::from(*length))?;
        let iterations = u16::from_be_bytes([*high, *low]);
        Some((Parameters { algorithm: *algorithm, iterations, salt }, *flags, rest))
    }

    /// Reads those of a NSEC3PARAM record that nameservers go by: one without flags (RFC 5155, 4.1.2).
    pub fn of_zone(rdata: &'r [u8]) -> Option<Parameters<'r>> {
        Parameters::read(rdata)
            .filter(|(parameters, flags, rest)| *flags == 0 && parameters.algorithm == SHA1 && rest.is_empty())
            .map(|(parameters, ..)| parameters)
    }

    /// The hash of a name in wire format and lower case.
    pub fn hash(&self, lower: &[u8]) -> [u8; HASH] {
        hash(lower, self.salt, self.iterations)
    }
}

/// The data of an NSEC3 record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nsec3<'r> {
    /// How names are hashed.
    pub parameters: Parameters<'r>,
    /// See [`OPT_OUT`].
    pub flags: u8,
    /// The next hash of the zone.
    pub next: [u8; HASH],
    /// The types of the name, as a bitmap.
    pub types: &'r [u8],
}

impl<'r> Nsec3<'r> {
    /// Reads the data of a record; none: it is malformed, or its hash is of another length.
    pub fn read(rdata: &'r [u8]) -> Option<Nsec3<'r>> {
        let (parameters, flags, rest) = Parameters::read(rdata)?;
        let (length, rest) = rest.split_first()?;
        let (next, types) = rest.split_at_checked(usize::from(*length))?;
        Some(Nsec3 { parameters, flags, next: next.try_into().ok()?, types })
    }
}

#[cfg(test)]
mod tests;
