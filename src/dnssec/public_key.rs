//! The public key of a DNSKEY, and whether a signature is its.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// Before the coordinates of a point: it is not compressed (SEC 1, 2.3.3). DNS leaves it away (RFC 6605, 4).
pub(super) const UNCOMPRESSED: u8 = 4;

/// The most bits of an RSA key that is taken (RFC 5702, 2).
pub(super) const MOST_RSA_BITS: usize = 4096;

/// How signatures of an algorithm are verified.
enum Verifying {
    Rsa(&'static RsaParameters),
    Point(&'static dyn VerificationAlgorithm),
    Plain(&'static dyn VerificationAlgorithm),
}

impl Verifying {
    /// By the number of the algorithm: those that zones are signed with here, and those that zones from elsewhere come with (RFC 9904).
    fn of(algorithm: u8) -> Option<Verifying> {
        Some(match algorithm {
            5 | 7 => Verifying::Rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            8 => Verifying::Rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            10 => Verifying::Rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            13 => Verifying::Point(&ECDSA_P256_SHA256_FIXED),
            14 => Verifying::Point(&ECDSA_P384_SHA384_FIXED),
            15 => Verifying::Plain(&ED25519),
            _ => return None,
        })
    }
}

/// Whether signatures of an algorithm can be verified here.
pub fn is_verifiable(algorithm: u8) -> bool {
    Verifying::of(algorithm).is_some()
}

/// Whether `signature`, as it stands in an RRSIG, is that of a DNSKEY's data over `message`. False for a key that is none, and for one of
/// an algorithm that is not [verifiable](is_verifiable); RSA of 1024 to 4096 bits. Says nothing of flags, names and times.
pub fn verify(dnskey_rdata: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let [_, _, 3, algorithm, public @ ..] = dnskey_rdata else { return false };
    match Verifying::of(*algorithm) {
        None => false,
        Some(Verifying::Rsa(how)) => is_by_rsa(public, how, message, signature),
        Some(Verifying::Point(how)) => {
            let point = [&[UNCOMPRESSED], public].concat();
            UnparsedPublicKey::new(how, point).verify(message, signature).is_ok()
        }
        Some(Verifying::Plain(how)) => UnparsedPublicKey::new(how, public).verify(message, signature).is_ok(),
    }
}

fn is_by_rsa(public: &[u8], how: &RsaParameters, message: &[u8], signature: &[u8]) -> bool {
    let key = RsaPublic::read(public).filter(|key| key.bits() <= MOST_RSA_BITS);
    key.is_some_and(|RsaPublic { exponent, modulus }| {
        RsaPublicKeyComponents { n: modulus, e: exponent }.verify(how, message, signature).is_ok()
    })
}

/// The numbers of an RSA key, most significant byte first, without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RsaPublic<'k> {
    pub(super) exponent: &'k [u8],
    pub(super) modulus: &'k [u8],
}

impl<'k> RsaPublic<'k> {
    pub(super) fn new(exponent: &'k [u8], modulus: &'k [u8]) -> RsaPublic<'k> {
        RsaPublic { exponent: without_zeros(exponent), modulus: without_zeros(modulus) }
    }

    /// Reads them from a DNSKEY (RFC 3110, 2): the length of the exponent in one byte, or in two after a zero.
    pub(super) fn read(public: &'k [u8]) -> Option<RsaPublic<'k>> {
        let (length, rest) = match public {
            [0, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            [length, rest @ ..] => (usize::from(*length), rest),
            [] => return None,
        };
        let (exponent, modulus) = rest.split_at_checked(length)?;
        let key = RsaPublic::new(exponent, modulus);
        (!key.exponent.is_empty() && !key.modulus.is_empty()).then_some(key)
    }

    /// As a DNSKEY has them.
    pub(super) fn write(self) -> Vec<u8> {
        let length = self.exponent.len();
        let prefix = match u8::try_from(length) {
            Ok(length) => vec![length],
            Err(_) => [&[0], &(length as u16).to_be_bytes()[..]].concat(),
        };
        [&prefix, self.exponent, self.modulus].concat()
    }

    /// The size of the modulus.
    pub(super) fn bits(self) -> usize {
        self.modulus.len() * 8 - self.modulus.first().map_or(0, |first| first.leading_zeros() as usize)
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests;
