//! The fields that record data is made of.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::escape::quote;
use super::super::words::Words;
use super::super::{name, ttl};
use super::{bitmap, keyword, loc, svcb};

/// How one field is spelt and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A number in one byte.
    U8,
    /// A number in two bytes.
    U16,
    /// A number in four bytes.
    U32,
    /// The number 3 in one byte, where nothing else is allowed (RFC 4034, 2.1.2).
    Three,
    /// A time with or without units.
    Seconds,
    /// 192.0.2.1
    Ipv4,
    /// 2001:db8::1
    Ipv6,
    /// Uncompressed.
    Name,
    /// One string of at most 255 bytes, its length before it.
    Text,
    /// One or more of those, to the end.
    Texts,
    /// A property tag: a short [`Field::Text`] of ASCII letters and digits (RFC 8659, 4.1).
    Tag,
    /// One string without its length, to the end.
    Rest,
    /// The same, never empty.
    NonEmptyRest,
    /// Hexadecimal to the end; the byte before it says which digest it is, and the table how long that one must be.
    Digest(&'static [(u8, usize)]),
    /// Base64 to the end.
    Base64,
    /// A DNSSEC algorithm by number or mnemonic.
    Algorithm,
    /// A certificate type by number or mnemonic.
    CertificateType,
    /// Types to the end, as a bitmap (RFC 4034, 4.1.2).
    Types,
    /// A place on earth (RFC 1876).
    Location,
    /// SvcParams to the end (RFC 9460).
    Parameters,
}

impl Field {
    /// Whether a record may end before this field.
    pub fn may_be_empty(self) -> bool {
        matches!(self, Field::Types | Field::Parameters)
    }

    /// Reads the field and adds it to `wire`, which holds those before it.
    pub fn read(self, words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Field::U8 => wire.push(number(words.word()?, u8::MAX)?),
            Field::U16 => wire.extend(number(words.word()?, u16::MAX)?.to_be_bytes()),
            Field::U32 => wire.extend(number(words.word()?, u32::MAX)?.to_be_bytes()),
            Field::Three => wire.push(three(number(words.word()?, u8::MAX)?)?),
            Field::Seconds => wire.extend(ttl::parse(words.word()?)?.to_be_bytes()),
            Field::Ipv4 => wire.extend(ipv4(words.word()?)?.octets()),
            Field::Ipv6 => wire.extend(ipv6(words.word()?)?.octets()),
            Field::Name => wire.extend(name::parse(words.word()?, origin)?),
            Field::Text => text(&words.string()?, wire)?,
            Field::Texts => {
                while !words.is_empty() {
                    text(&words.string()?, wire)?;
                }
            }
            Field::Tag => text(&tag(words.word()?.to_vec())?, wire)?,
            Field::Rest => wire.extend(words.string()?),
            Field::NonEmptyRest => wire.extend(non_empty(words.string()?)?),
            Field::Digest(lengths) => {
                let digest = hex(&words.joined()?)?;
                check_digest(lengths, wire.last().copied(), digest.len())?;
                wire.extend(digest);
            }
            Field::Base64 => wire.extend(base64(&words.joined()?)?),
            Field::Algorithm => wire.push(keyword::algorithm(words.word()?)?),
            Field::CertificateType => wire.extend(keyword::certificate_type(words.word()?)?.to_be_bytes()),
            Field::Types => bitmap::read(words, wire)?,
            Field::Location => loc::read(words, wire)?,
            Field::Parameters => svcb::read(words, wire)?,
        }
        Ok(())
    }

    /// How many bytes of `wire` the field takes from `at` on, when they are such a field.
    pub fn measure(self, wire: &[u8], at: usize) -> Result<usize, String> {
        let (before, rest) = wire.split_at_checked(at).unwrap_or((wire, &[]));
        match self {
            Field::U8 | Field::Algorithm => fixed(rest, 1),
            Field::U16 | Field::CertificateType => fixed(rest, 2),
            Field::U32 | Field::Ipv4 => fixed(rest, 4),
            Field::Ipv6 => fixed(rest, 16),
            Field::Three => three(*rest.first().ok_or(SHORT)?).map(|_| 1),
            Field::Seconds => fixed(rest, 4),
            Field::Name => name::measure(rest),
            Field::Text => measure_text(rest),
            Field::Texts => measure_texts(rest),
            Field::Tag => {
                let length = measure_text(rest)?;
                tag(rest[1..length].to_vec()).map(|_| length)
            }
            Field::Rest => Ok(rest.len()),
            Field::NonEmptyRest | Field::Base64 => non_empty(rest.to_vec()).map(|rest| rest.len()),
            Field::Digest(lengths) => {
                non_empty(rest.to_vec())?;
                check_digest(lengths, before.last().copied(), rest.len()).map(|()| rest.len())
            }
            Field::Types => bitmap::measure(rest),
            Field::Location => loc::measure(rest),
            Field::Parameters => svcb::measure(before, rest),
        }
    }
}

const SHORT: &str = "the data ends too early";

fn fixed(rest: &[u8], length: usize) -> Result<usize, String> {
    if rest.len() >= length { Ok(length) } else { Err(SHORT.to_owned()) }
}

/// A decimal number from 0 to `most`.
pub fn number<N: FromStr + PartialOrd + std::fmt::Display>(word: &[u8], most: N) -> Result<N, String> {
    let digits = word.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(word).ok()).flatten();
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|number| *number <= most)
        .ok_or_else(|| format!("{} is not a number from 0 to {most}", quote(word)))
}

fn three(number: u8) -> Result<u8, String> {
    if number == 3 { Ok(3) } else { Err(format!("it is {number}, but must be 3")) }
}

/// 192.0.2.1
pub fn ipv4(word: &[u8]) -> Result<Ipv4Addr, String> {
    parse_text(word).ok_or_else(|| format!("{} is not an IPv4 address", quote(word)))
}

/// 2001:db8::1
pub fn ipv6(word: &[u8]) -> Result<Ipv6Addr, String> {
    parse_text(word).ok_or_else(|| format!("{} is not an IPv6 address", quote(word)))
}

fn parse_text<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn text(bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), String> {
    let length = u8::try_from(bytes.len())
        .map_err(|_| format!("a string of {} bytes: at most 255, split it into several", bytes.len()))?;
    wire.push(length);
    wire.extend_from_slice(bytes);
    Ok(())
}

fn measure_text(rest: &[u8]) -> Result<usize, String> {
    let length = usize::from(*rest.first().ok_or(SHORT)?);
    fixed(rest, length + 1)
}

fn measure_texts(rest: &[u8]) -> Result<usize, String> {
    let mut at = measure_text(rest)?;
    while at < rest.len() {
        at += measure_text(&rest[at..])?;
    }
    Ok(at)
}

fn tag(tag: Vec<u8>) -> Result<Vec<u8>, String> {
    if !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric) {
        return Ok(tag);
    }
    Err(format!("{} is not a tag: ASCII letters and digits, such as issue", quote(&tag)))
}

fn non_empty(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.is_empty() { Err("it is empty".to_owned()) } else { Ok(bytes) }
}

fn check_digest(lengths: &[(u8, usize)], kind: Option<u8>, found: usize) -> Result<(), String> {
    match lengths.iter().find(|(known, _)| Some(*known) == kind) {
        Some((kind, length)) if *length != found => {
            Err(format!("it has {found} bytes, but one of type {kind} has {length}"))
        }
        _ => Ok(()),
    }
}

/// Pairs of hexadecimal digits.
pub fn hex(digits: &[u8]) -> Result<Vec<u8>, String> {
    let (pairs, odd) = digits.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect::<Option<_>>();
    match bytes {
        Some(_) if !odd.is_empty() => Err(format!("{} has an odd number of hexadecimal digits", quote(digits))),
        Some(bytes) => Ok(bytes),
        None => Err(format!("{} is not hexadecimal", quote(digits))),
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// RFC 4648, 4, with its padding.
pub fn base64(digits: &[u8]) -> Result<Vec<u8>, String> {
    STANDARD.decode(digits).map_err(|_| format!("{} is not Base64", quote(digits)))
}
