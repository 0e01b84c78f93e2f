//! The secret half of a key: it signs, always the same bytes for the same message.
//!
//! Must never: sign with a nonce that is drawn, or show anything of itself.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaSignatureEncoding};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

use super::error::Fault;
use super::public_key::{MOST_RSA_BITS, RsaPublic, UNCOMPRESSED};

/// The fewest bits of an RSA key that signs. Shorter ones have not been good enough since 2013 (NIST SP 800-131A), some resolvers take
/// zones that are signed with them for unsigned, and aws-lc-rs does not sign with them.
const FEWEST_RSA_BITS: usize = 2048;

/// What signs.
pub(super) enum Secret {
    Rsa(RsaKeyPair, &'static RsaSignatureEncoding),
    EcdsaP256(SigningKey),
    Ed25519(Ed25519KeyPair),
}

/// A secret with the public key that belongs to it, as its DNSKEY has it.
pub(super) struct Halves {
    pub(super) secret: Secret,
    pub(super) public: Vec<u8>,
}

/// By which hash a key of RSA signs.
#[derive(Debug, Clone, Copy)]
pub(super) enum RsaHash {
    Sha256,
    Sha512,
}

/// The numbers of a secret key of RSA, as a `.private` has them. Holds secrets, and so has no `Debug`.
pub(super) struct RsaNumbers {
    pub(super) modulus: Vec<u8>,
    pub(super) public_exponent: Vec<u8>,
    pub(super) private_exponent: Vec<u8>,
    pub(super) primes: [Vec<u8>; 2],
    pub(super) exponents: [Vec<u8>; 2],
    pub(super) coefficient: Vec<u8>,
}

impl Secret {
    /// The secret of these numbers, with the public key of its DNSKEY (RFC 3110, 2).
    pub(super) fn rsa(numbers: &RsaNumbers, hash: RsaHash) -> Result<Halves, Fault> {
        let public = RsaPublic::new(&numbers.public_exponent, &numbers.modulus);
        let bits = public.bits();
        if bits < FEWEST_RSA_BITS {
            return Err(Fault::new(format!(
                "a key of RSA with {bits} bits is too short to sign with, {FEWEST_RSA_BITS} to {MOST_RSA_BITS} are needed: roll over to a new key first, \
                 where the zone is signed now (`dnssec-keygen -a ECDSAP256SHA256`)"
            )));
        }
        if bits > MOST_RSA_BITS {
            return Err(Fault::new(format!("a key of RSA with {bits} bits; at most {MOST_RSA_BITS} (RFC 5702, 2)")));
        }
        let pair = RsaKeyPair::from_components(&KeyPairComponents {
            public_key: PublicKeyComponents { n: public.modulus, e: public.exponent },
            d: &numbers.private_exponent[..],
            p: &numbers.primes[0],
            q: &numbers.primes[1],
            dP: &numbers.exponents[0],
            dQ: &numbers.exponents[1],
            qInv: &numbers.coefficient,
        })
        .map_err(|_| Fault::new("its numbers are not those of one key of RSA: the file is damaged"))?;
        let encoding = match hash {
            RsaHash::Sha256 => &RSA_PKCS1_SHA256,
            RsaHash::Sha512 => &RSA_PKCS1_SHA512,
        };
        Ok(Halves { secret: Secret::Rsa(pair, encoding), public: public.write() })
    }

    /// The secret of a number of 32 bytes below the order of P-256, with the public key of its DNSKEY (RFC 6605, 4).
    pub(super) fn ecdsa_p256(number: &[u8]) -> Option<Halves> {
        let key = (number.len() == 32).then(|| SigningKey::from_slice(number).ok()).flatten()?;
        let point = key.verifying_key().to_sec1_point(false);
        let public = point.as_bytes().strip_prefix(&[UNCOMPRESSED])?.to_vec();
        Some(Halves { secret: Secret::EcdsaP256(key), public })
    }

    /// The secret of a seed of 32 bytes, with the public key of its DNSKEY (RFC 8080, 3).
    pub(super) fn ed25519(seed: &[u8]) -> Option<Halves> {
        let pair = (seed.len() == 32).then(|| Ed25519KeyPair::from_seed_unchecked(seed).ok()).flatten()?;
        let public = pair.public_key().as_ref().to_vec();
        Some(Halves { secret: Secret::Ed25519(pair), public })
    }

    /// The signature field of an RRSIG over `message` (RFC 3110, 3; RFC 6605, 4; RFC 8080, 4).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Secret::Rsa(pair, how) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // Nothing is drawn from it: PKCS #1 v1.5 has no salt.
                let signed = pair.sign(*how, &SystemRandom::new(), message, &mut signature);
                signed.expect("a key of RSA that was checked when it was read signs any message");
                signature
            }
            Secret::EcdsaP256(key) => {
                let signature: Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}
