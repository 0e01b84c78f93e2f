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

/// `0x47.0005.80`: hexadecimal after 0x, with dots wherever they help the eye (RFC 1706, 7).
pub fn dotted_hex(word: &[u8]) -> Result<Vec<u8>, Fault> {
    let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X"));
    let digits = digits.ok_or_else(|| format!("{} does not begin with 0x", quote(word)))?;
    hex(&digits.iter().copied().filter(|byte| *byte != b'.').collect::<Vec<u8>>())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// So many bytes as `00-00-5e-00-53-2a`.
pub fn hyphenated(word: &[u8], bytes: usize) -> Result<Vec<u8>, Fault> {
    let parts = word.split(|byte| *byte == b'-').map(|part| hex(part).ok().filter(|part| part.len() == 1));
    let parts: Option<Vec<Vec<u8>>> = parts.collect();
    parts.map(|parts| parts.concat()).filter(|address| address.len() == bytes).ok_or_else(|| {
        format!("{} is not {bytes} bytes in hexadecimal with hyphens between them (00-00-5e-00-53-2a)", quote(word))
            .into()
    })
}

/// 64 bits as `14:4fff:ff20:ee64`.
pub fn quads(word: &[u8]) -> Result<[u8; 8], Fault> {
    let quad = |part: &str| {
        let digits = (1..=4).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_hexdigit());
        digits.then(|| u16::from_str_radix(part, 16).ok()).flatten()
    };
    let quads: Option<Vec<u16>> = std::str::from_utf8(word).ok().and_then(|text| text.split(':').map(quad).collect());
    match quads.as_deref() {
        Some([a, b, c, d]) => {
            let value = u64::from(*a) << 48 | u64::from(*b) << 32 | u64::from(*c) << 16 | u64::from(*d);
            Ok(value.to_be_bytes())
        }
        _ => {
            Err(format!("{} is not four hexadecimal numbers with colons between them (14:4fff:ff20:ee64)", quote(word))
                .into())
        }
    }
}

/// RFC 4648, 4, with its padding.
pub fn base64(digits: &[u8]) -> Result<Vec<u8>, Fault> {
    STANDARD.decode(digits).map_err(|_| format!("{} is not Base64", quote(digits)).into())
}
