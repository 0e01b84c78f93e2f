//! Values that many fields are spelt with: numbers, addresses, hexadecimal and Base64.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::escape::quote;
use super::super::fault::Fault;

/// A decimal number from 0 to `most`.
pub fn number<N: FromStr + PartialOrd + std::fmt::Display>(word: &[u8], most: N) -> Result<N, Fault> {
    let digits = word.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(word).ok()).flatten();
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|number| *number <= most)
        .ok_or_else(|| format!("{} is not a number from 0 to {most}", quote(word)).into())
}

/// 192.0.2.1
pub fn ipv4(word: &[u8]) -> Result<Ipv4Addr, Fault> {
    parse_text(word).ok_or_else(|| format!("{} is not an IPv4 address", quote(word)).into())
}

/// 2001:db8::1
pub fn ipv6(word: &[u8]) -> Result<Ipv6Addr, Fault> {
    parse_text(word).ok_or_else(|| format!("{} is not an IPv6 address", quote(word)).into())
}

fn parse_text<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Pairs of hexadecimal digits.
pub fn hex(digits: &[u8]) -> Result<Vec<u8>, Fault> {
    let (pairs, odd) = digits.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect::<Option<_>>();
    match bytes {
        Some(_) if !odd.is_empty() => Err(format!("{} has an odd number of hexadecimal digits", quote(digits)).into()),
        Some(bytes) => Ok(bytes),
        None => Err(format!("{} is not hexadecimal", quote(digits)).into()),
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// RFC 4648, 4, with its padding.
pub fn base64(digits: &[u8]) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(digits).map_err(|_| format!("{} is not Base64", quote(digits)).into())
}
