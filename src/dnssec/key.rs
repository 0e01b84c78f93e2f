//! A key of a zone, whose two halves are known to fit together.

use std::fmt;

use super::algorithm::{Algorithm, Digest};
use super::secret::{Halves, Secret};
use super::times::Times;
use crate::zone::name;

/// What a key signs. The flags of its DNSKEY say it (RFC 4034, 2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// 257, with the flag SEP: a KSK, which signs the DNSKEY set and which the parent has a DS of; or the one key of a zone, a CSK,
    /// which signs all of it.
    Ksk,
    /// 256: a ZSK, which signs all other sets.
    Zsk,
}

impl Role {
    /// The flags of a DNSKEY; none for those of a key that is revoked (RFC 5011) or is none of a zone.
    pub fn from_flags(flags: u16) -> Option<Role> {
        match flags {
            257 => Some(Role::Ksk),
            256 => Some(Role::Zsk),
            _ => None,
        }
    }

    /// The same the other way round.
    pub fn flags(self) -> u16 {
        match self {
            Role::Ksk => 257,
            Role::Zsk => 256,
        }
    }
}

/// A key with its secret.
pub struct ZoneKey {
    /// In wire format, lower case.
    apex: Box<[u8]>,
    role: Role,
    algorithm: Algorithm,
    dnskey: Box<[u8]>,
    tag: u16,
    secret: Secret,
    times: Times,
}

/// Shows which key it is, and nothing of its secret.
impl fmt::Debug for ZoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (apex, algorithm) = (name::to_absolute_text(&self.apex), self.algorithm.number());
        write!(f, "ZoneKey({apex} {} {algorithm} {}, secret not shown)", self.flags(), self.tag)
    }
}

impl ZoneKey {
    /// Of a secret with the public key that it belongs to. `apex` is in wire format and lower case.
    pub(super) fn new(
        apex: &[u8],
        role: Role,
        algorithm: Algorithm,
        Halves { secret, public }: Halves,
        times: Times,
    ) -> ZoneKey {
        let dnskey = dnskey(role, algorithm, &public).into_boxed_slice();
        ZoneKey { apex: apex.into(), role, algorithm, tag: tag(&dnskey), dnskey, secret, times }
    }

    /// The zone's name in wire format, lower case.
    pub fn apex(&self) -> &[u8] {
        &self.apex
    }

    /// The flags of the DNSKEY: 256 or 257.
    pub fn flags(&self) -> u16 {
        self.role.flags()
    }

    /// What it signs.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether it has the flag SEP (RFC 4034, 2.1.1): a KSK, or the one key of a zone.
    pub fn is_ksk(&self) -> bool {
        self.role == Role::Ksk
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its tag (RFC 4034, appendix B). Two keys of a zone may have the same one.
    pub fn tag(&self) -> u16 {
        self.tag
    }

    /// The data of its DNSKEY record.
    pub fn dnskey(&self) -> &[u8] {
        &self.dnskey
    }

    /// When it is published and when it signs.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// [`Times::is_published`] of its times. `now` is in seconds since the epoch.
    pub fn is_published(&self, now: u64) -> bool {
        self.times.is_published(now)
    }

    /// [`Times::is_active`] of its times. `now` is in seconds since the epoch.
    pub fn is_active(&self, now: u64) -> bool {
        self.times.is_active(now)
    }

    /// The signature field of an RRSIG over `message` (RFC 4034, 3.1.8.1; RFC 3110, 6605, 8080). The same message has the same signature,
    /// on every machine.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.secret.sign(message)
    }

    /// The data of a DS record of it (RFC 4034, 5.1).
    pub fn ds(&self, digest: Digest) -> Vec<u8> {
        let hash = digest.of([&self.apex, &self.dnskey]);
        let head = [&self.tag.to_be_bytes()[..], &[self.algorithm.number(), digest.number()]].concat();
        [&head, hash.as_ref()].concat()
    }
}

/// The data of a DNSKEY record (RFC 4034, 2.1). Its protocol is always 3.
pub(super) fn dnskey(role: Role, algorithm: Algorithm, public: &[u8]) -> Vec<u8> {
    [&role.flags().to_be_bytes()[..], &[3, algorithm.number()], public].concat()
}

/// The tag of a DNSKEY's data (RFC 4034, appendix B).
pub(crate) fn tag(dnskey: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let sum: u32 = dnskey.chunks(2).map(word).sum();
    (sum + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests;
