//! The names of NSEC3 (RFC 5155): hashed, so that who asks for what does not exist is not told what does (pure).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// How long a hash is, in bytes. Its algorithm is SHA-1, the only one there is (RFC 5155, 11): nothing secret hangs on it.
pub const HASH: usize = 20;

/// How long the label of a hash is, in bytes.
pub const LABEL: usize = 32;

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

#[cfg(test)]
mod tests;
