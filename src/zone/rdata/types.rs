//! The record types: names, numbers, fields.

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::number::rtype;
use super::field::Field::{self, *};
use crate::config::near_miss::did_you_mean;

/// A type whose data is read field by field.
pub struct RecordType {
    /// As zones spell it.
    pub name: &'static str,
    /// RFC 1035, 3.2.2, and the IANA registry.
    pub code: u16,
    /// What a message calls each field, and how it is read.
    pub fields: &'static [(&'static str, Field)],
}

/// The types whose data is read field by field, frequent ones first.
pub static KNOWN: &[RecordType] = &[
    RecordType { name: "A", code: rtype::A, fields: &[("address", Ipv4)] },
    RecordType { name: "AAAA", code: rtype::AAAA, fields: &[("address", Ipv6)] },
    RecordType { name: "CNAME", code: rtype::CNAME, fields: &[("target", Name)] },
    RecordType { name: "MX", code: rtype::MX, fields: &[("preference", U16), ("mail server", Name)] },
    RecordType { name: "TXT", code: 16, fields: TEXTS },
    RecordType { name: "NS", code: rtype::NS, fields: &[("nameserver", Name)] },
    RecordType { name: "PTR", code: rtype::PTR, fields: &[("target", Name)] },
    RecordType { name: "SRV", code: rtype::SRV, fields: &[PRIORITY, WEIGHT, ("port", U16), ("target", Name)] },
    RecordType { name: "CAA", code: 257, fields: &[("flags", U8), ("tag", Tag), ("value", Rest)] },
    RecordType { name: "TLSA", code: 52, fields: ASSOCIATION },
    RecordType { name: "HTTPS", code: rtype::HTTPS, fields: SERVICE_BINDING },
    RecordType { name: "SVCB", code: rtype::SVCB, fields: SERVICE_BINDING },
    RecordType {
        name: "SOA",
        code: rtype::SOA,
        fields: &[
            ("primary nameserver", Name),
            ("mailbox", Name),
            ("serial", U32),
            ("refresh", Seconds),
            ("retry", Seconds),
            ("expire", Seconds),
            ("negative TTL", Seconds),
        ],
    },
    RecordType { name: "SSHFP", code: 44, fields: &[("algorithm", U8), ("type", U8), ("fingerprint", Digest(SSHFP))] },
    RecordType { name: "DS", code: rtype::DS, fields: SIGNER },
    RecordType { name: "DNSKEY", code: 48, fields: KEY },
    RecordType { name: "CDS", code: 59, fields: SIGNER },
    RecordType { name: "CDNSKEY", code: 60, fields: KEY },
    RecordType { name: "DNAME", code: rtype::DNAME, fields: &[("target", Name)] },
    RecordType { name: "SPF", code: 99, fields: TEXTS },
    RecordType { name: "HINFO", code: 13, fields: &[("CPU", Text), ("operating system", Text)] },
    RecordType { name: "RP", code: 17, fields: &[("mailbox", Name), ("text's owner", Name)] },
    RecordType { name: "AFSDB", code: 18, fields: &[("subtype", U16), ("server", Name)] },
    RecordType { name: "LOC", code: 29, fields: &[("place", Location)] },
    RecordType {
        name: "NAPTR",
        code: 35,
        fields: &[
            ("order", U16),
            ("preference", U16),
            ("flags", Text),
            ("services", Text),
            ("regular expression", Text),
            ("replacement", Name),
        ],
    },
    RecordType {
        name: "CERT",
        code: 37,
        fields: &[("type", CertificateType), ("key tag", U16), ("algorithm", Algorithm), ("certificate", Base64)],
    },
    RecordType { name: "SMIMEA", code: 53, fields: ASSOCIATION },
    RecordType { name: "OPENPGPKEY", code: 61, fields: &[("key", Base64)] },
    RecordType { name: "CSYNC", code: 62, fields: &[("serial", U32), ("flags", U16), ("types", Types)] },
    RecordType {
        name: "ZONEMD",
        code: 63,
        fields: &[("serial", U32), ("scheme", U8), ("hash", U8), ("digest", Digest(ZONEMD))],
    },
    RecordType {
        name: "RRSIG",
        code: rtype::RRSIG,
        fields: &[
            ("type covered", TypeName),
            ("algorithm", Algorithm),
            ("labels", U8),
            ("original TTL", Seconds),
            ("expiration", Moment),
            ("inception", Moment),
            ("key tag", U16),
            ("signer's name", Name),
            ("signature", Base64),
        ],
    },
    RecordType { name: "NSEC", code: rtype::NSEC, fields: &[("next name", Name), ("types", Types)] },
    RecordType {
        name: "NSEC3",
        code: rtype::NSEC3,
        fields: &[
            ("hash algorithm", U8),
            ("flags", U8),
            ("iterations", U16),
            ("salt", Salt),
            ("next hash", NextHash),
            ("types", Types),
        ],
    },
    RecordType {
        name: "NSEC3PARAM",
        code: rtype::NSEC3PARAM,
        fields: &[("hash algorithm", U8), ("flags", U8), ("iterations", U16), ("salt", Salt)],
    },
    RecordType { name: "URI", code: 256, fields: &[PRIORITY, WEIGHT, ("target", NonEmptyRest)] },
    RecordType { name: "WKS", code: 11, fields: &[("address", Ipv4), ("protocol", Protocol), ("services", Services)] },
    RecordType { name: "KX", code: 36, fields: &[PREFERENCE, ("key exchanger", Name)] },
    RecordType { name: "APL", code: 42, fields: &[("prefixes", Prefixes)] },
    RecordType {
        name: "IPSECKEY",
        code: 45,
        fields: &[
            ("precedence", U8),
            ("gateway type", U8),
            ("algorithm", U8),
            ("gateway", Gateway),
            ("public key", OptionalBase64),
        ],
    },
    RecordType { name: "DHCID", code: 49, fields: &[("identity", Base64)] },
    RecordType { name: "NID", code: 104, fields: &[PREFERENCE, ("node identifier", Quads)] },
    RecordType { name: "L32", code: 105, fields: &[PREFERENCE, ("locator", Ipv4)] },
    RecordType { name: "L64", code: 106, fields: &[PREFERENCE, ("locator", Quads)] },
    RecordType { name: "LP", code: 107, fields: &[PREFERENCE, ("target", Name)] },
    RecordType { name: "EUI48", code: 108, fields: &[("address", Hyphenated(6))] },
    RecordType { name: "EUI64", code: 109, fields: &[("address", Hyphenated(8))] },
    RecordType { name: "MB", code: 7, fields: &[("host", Name)] },
    RecordType { name: "MG", code: 8, fields: &[("mailbox", Name)] },
    RecordType { name: "MR", code: 9, fields: &[("mailbox", Name)] },
    RecordType { name: "MINFO", code: 14, fields: &[("mailbox", Name), ("mailbox for errors", Name)] },
    RecordType { name: "X25", code: 19, fields: &[("PSDN address", Text)] },
    RecordType { name: "ISDN", code: 20, fields: &[("address", Text), ("subaddress", OptionalText)] },
    RecordType { name: "RT", code: 21, fields: &[PREFERENCE, ("intermediate host", Name)] },
    RecordType { name: "NSAP", code: 22, fields: &[("address", DottedHex)] },
    RecordType { name: "NSAP-PTR", code: 23, fields: &[("target", Name)] },
    RecordType { name: "PX", code: 26, fields: &[PREFERENCE, ("mail domain", Name), ("X.400 domain", Name)] },
    RecordType { name: "GPOS", code: 27, fields: &[("longitude", Text), ("latitude", Text), ("altitude", Text)] },
    RecordType { name: "EID", code: 31, fields: &[("endpoint", Hex)] },
    RecordType { name: "NIMLOC", code: 32, fields: &[("locator", Hex)] },
    RecordType { name: "HIP", code: 55, fields: &[("host identity", HostIdentity)] },
    RecordType { name: "NINFO", code: 56, fields: TEXTS },
    RecordType {
        name: "RKEY",
        code: 57,
        fields: &[("flags", U16), ("protocol", U8), ("algorithm", Algorithm), ("public key", Base64)],
    },
    RecordType { name: "TALINK", code: 58, fields: &[("previous", Name), ("next", Name)] },
    RecordType { name: "AVC", code: 258, fields: TEXTS },
    RecordType { name: "AMTRELAY", code: 260, fields: &[("precedence", U8), ("relay", Relay)] },
    RecordType { name: "RESINFO", code: 261, fields: TEXTS },
    RecordType { name: "WALLET", code: 262, fields: TEXTS },
    RecordType { name: "TA", code: 32768, fields: SIGNER },
    RecordType { name: "DLV", code: 32769, fields: SIGNER },
];

const PREFERENCE: (&str, Field) = ("preference", U16);
const PRIORITY: (&str, Field) = ("priority", U16);
const WEIGHT: (&str, Field) = ("weight", U16);
const TEXTS: &[(&str, Field)] = &[("text", Texts)];
const SERVICE_BINDING: &[(&str, Field)] = &[PRIORITY, ("target", Name), ("parameters", Parameters)];
const ASSOCIATION: &[(&str, Field)] =
    &[("usage", U8), ("selector", U8), ("matching type", U8), ("association data", Digest(TLSA))];
const SIGNER: &[(&str, Field)] =
    &[("key tag", U16), ("algorithm", Algorithm), ("digest type", U8), ("digest", Digest(DELEGATION))];
const KEY: &[(&str, Field)] = &[("flags", U16), ("protocol", Three), ("algorithm", Algorithm), ("public key", Base64)];

/// Lengths of digests by their number: RFC 4255 and 6594; 6698; 4034, 4509 and 6605; 8976.
const SSHFP: &[(u8, usize)] = &[(1, 20), (2, 32)];
const TLSA: &[(u8, usize)] = &[(1, 32), (2, 64)];
const DELEGATION: &[(u8, usize)] = &[(1, 20), (2, 32), (4, 48)];
const ZONEMD: &[(u8, usize)] = &[(1, 48), (2, 64)];

/// Types of the IANA registry that have a name but no fields here.
static NAMED: &[(&str, u16)] = &[
    ("MD", 3),
    ("MF", 4),
    ("NULL", 10),
    ("NXT", 30),
    ("ATMA", 34),
    ("A6", 38),
    ("SINK", 40),
    ("DSYNC", 66),
    ("DOA", 259),
];

/// Types that zones had which were signed before RFC 4034.
static OBSOLETE: &[(&str, u16)] = &[("SIG", 24), ("KEY", 25)];

/// Whether only a zone holds records of this type that is signed by rules nobody goes by any more (RFC 3755, 3).
pub fn is_obsolete(code: u16) -> bool {
    OBSOLETE.iter().any(|(_, obsolete)| *obsolete == code)
}

/// Types and meta-types of messages (RFC 6895, 3.1, and OPT).
fn is_meta(code: u16) -> bool {
    matches!(code, 0 | 41 | 128..=255)
}

/// Reads the type of a record.
pub fn parse(word: &[u8]) -> Result<u16, Fault> {
    if let Some(known) = by_name(word) {
        return Ok(known.code);
    }
    let text = String::from_utf8_lossy(word).to_ascii_uppercase();
    if let Some(code) = by_number(&text) {
        return if is_meta(code) { Err(format!("{text} is for messages, not for zones").into()) } else { Ok(code) };
    }
    if let Some((_, code)) = OBSOLETE.iter().find(|(name, _)| *name == text) {
        return Ok(*code);
    }
    match NAMED.iter().find(|(name, _)| *name == text) {
        Some((_, code)) => {
            Err(format!("the fields of {text} are not known here: write it as TYPE{code} \\# LENGTH HEX (RFC 3597)")
                .into())
        }
        None => Err(format!(
            "{} is no record type known here{}: any type can be written as TYPEnnn \\# LENGTH HEX (RFC 3597)",
            quote(word),
            did_you_mean(&text, KNOWN.iter().map(|known| known.name))
        )
        .into()),
    }
}

/// Reads a type in a list of types (CSYNC), where every one with a name has its place.
pub fn parse_listed(word: &[u8]) -> Result<u16, Fault> {
    let text = String::from_utf8_lossy(word).to_ascii_uppercase();
    let named = || NAMED.iter().chain(OBSOLETE).find(|(name, _)| *name == text).map(|(_, code)| *code);
    by_name(word)
        .map(|known| known.code)
        .or_else(|| by_number(&text))
        .or_else(named)
        .filter(|code| !is_meta(*code))
        .ok_or_else(|| format!("{} is no record type", quote(word)).into())
}

/// The type's entry in the table.
pub fn by_code(code: u16) -> Option<&'static RecordType> {
    KNOWN.iter().find(|known| known.code == code)
}

/// The type's name, or TYPEnnn.
pub fn to_text(code: u16) -> String {
    let obsolete = || OBSOLETE.iter().find(|(_, obsolete)| *obsolete == code).map(|(name, _)| *name);
    by_code(code).map(|known| known.name).or_else(obsolete).map_or_else(|| format!("TYPE{code}"), str::to_owned)
}

fn by_name(word: &[u8]) -> Option<&'static RecordType> {
    KNOWN.iter().find(|known| known.name.as_bytes().eq_ignore_ascii_case(word))
}

fn by_number(upper: &str) -> Option<u16> {
    upper.strip_prefix("TYPE").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()
}
