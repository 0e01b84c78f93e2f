//! The algorithms that zones are signed with here, and the digests by which a parent names a key.

use std::fmt;

/// An algorithm of a DNSKEY, by its number at IANA. Those that RFC 9904 recommends or that zones still have; none by SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSA with SHA-256 (RFC 5702).
    RsaSha256 = 8,
    /// RSA with SHA-512 (RFC 5702).
    RsaSha512 = 10,
    /// ECDSA on the curve P-256 with SHA-256 (RFC 6605).
    EcdsaP256 = 13,
    /// Ed25519 (RFC 8080).
    Ed25519 = 15,
}

impl Algorithm {
    /// All of them, in the order of their numbers.
    pub const ALL: [Algorithm; 4] =
        [Algorithm::RsaSha256, Algorithm::RsaSha512, Algorithm::EcdsaP256, Algorithm::Ed25519];

    /// The algorithm of a number; none: zones are not signed with it here.
    pub fn from_number(number: u8) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// The algorithm of a name in any case, as BIND writes it (`ECDSAP256SHA256`).
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// What an error says of another one.
    pub(super) fn expected() -> String {
        let known: Vec<String> = Algorithm::ALL.map(|known| format!("{} ({known})", known.number())).into();
        format!("which zones are not signed with here; expected one of {}", known.join(", "))
    }

    /// Its number in DNSKEY, DS and RRSIG.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Its name as IANA and BIND write it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::RsaSha256 => "RSASHA256",
            Algorithm::RsaSha512 => "RSASHA512",
            Algorithm::EcdsaP256 => "ECDSAP256SHA256",
            Algorithm::Ed25519 => "ED25519",
        }
    }
}

/// `ECDSAP256SHA256`
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest of a DS, by its number at IANA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256 (RFC 4509), which every parent takes.
    Sha256 = 2,
    /// SHA-384 (RFC 6605).
    Sha384 = 4,
}

impl Digest {
    /// Its number in a DS.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The digest of a number; none: it is of another kind, or SHA-1, which proves nothing (RFC 9904).
    pub fn from_number(number: u8) -> Option<Digest> {
        [Digest::Sha256, Digest::Sha384].into_iter().find(|digest| digest.number() == number)
    }

    pub(super) fn of(self, parts: [&[u8]; 2]) -> aws_lc_rs::digest::Digest {
        let mut context = aws_lc_rs::digest::Context::new(match self {
            Digest::Sha256 => &aws_lc_rs::digest::SHA256,
            Digest::Sha384 => &aws_lc_rs::digest::SHA384,
        });
        parts.into_iter().for_each(|part| context.update(part));
        context.finish()
    }
}
