//! Mnemonics for numbers: DNSSEC algorithms and certificate types.

use super::super::escape::quote;
use super::super::fault::Fault;
use super::value::number;

/// IANA "DNS Security Algorithm Numbers".
static ALGORITHMS: &[(&str, u8)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// RFC 4398, 2.1.
static CERTIFICATE_TYPES: &[(&str, u16)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];

/// A DNSSEC algorithm by number or mnemonic.
pub fn algorithm(word: &[u8]) -> Result<u8, Fault> {
    find(ALGORITHMS, word).map_or_else(|| number(word, u8::MAX), Ok).map_err(|_| {
        format!("{} is neither a number from 0 to 255 nor an algorithm (ECDSAP256SHA256)", quote(word)).into()
    })
}

/// A certificate type by number or mnemonic.
pub fn certificate_type(word: &[u8]) -> Result<u16, Fault> {
    find(CERTIFICATE_TYPES, word).map_or_else(|| number(word, u16::MAX), Ok).map_err(|_| {
        format!("{} is neither a number from 0 to 65535 nor a certificate type (PKIX)", quote(word)).into()
    })
}

fn find<N: Copy>(table: &[(&str, N)], word: &[u8]) -> Option<N> {
    table.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|(_, number)| *number)
}
