//! Prefixes of addresses (RFC 3123): `1:192.0.2.0/24 !1:192.0.2.128/25 2:2001:db8::/32`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::words::Words;

/// The numbers of the address families.
const V4: u16 = 1;
const V6: u16 = 2;

/// The bit that negates a prefix, in the byte that has the length.
const NEGATED: u8 = 0x80;

/// Reads prefixes to the end.
pub fn read(words: &mut Words<'_, '_>, wire: &mut Vec<u8>) -> Result<(), Fault> {
    while !words.is_empty() {
        let word = words.word()?;
        let (family, prefix, negated, address) = parse(word)
            .ok_or_else(|| format!("{} is not a prefix: 1:192.0.2.0/24 or !2:2001:db8::/32", quote(word)))?;
        let used = address.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        wire.extend(family.to_be_bytes());
        wire.extend([prefix, used as u8 | if negated { NEGATED } else { 0 }]);
        wire.extend(&address[..used]);
    }
    Ok(())
}

fn parse(word: &[u8]) -> Option<(u16, u8, bool, Vec<u8>)> {
    let text = std::str::from_utf8(word).ok()?;
    let (negated, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
    let (family, text) = text.split_once(':')?;
    let (address, prefix) = text.split_once('/')?;
    let prefix: u8 = prefix.parse().ok()?;
    let (family, address) = match family {
        "1" => (V4, address.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
        "2" => (V6, address.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        _ => return None,
    };
    (usize::from(prefix) <= address.len() * 8).then_some((family, prefix, negated, address))
}

/// Prefixes to the end, none with an address that is too long or ends in a zero.
pub fn measure(wire: &[u8]) -> Result<usize, Fault> {
    let mut rest = wire;
    while !rest.is_empty() {
        let Some(([a, b, prefix, length], tail)) = rest.split_first_chunk() else {
            return Err("the data ends within a prefix".into());
        };
        let most: u8 = match u16::from_be_bytes([*a, *b]) {
            V4 => 4,
            V6 => 16,
            // Other families have forms of their own.
            _ => 127,
        };
        let length = length & !NEGATED;
        let address = tail.get(..usize::from(length)).ok_or("the data ends within a prefix")?;
        if length > most || address.last() == Some(&0) || (most <= 16 && *prefix > most * 8) {
            return Err("a prefix is malformed".into());
        }
        rest = &tail[usize::from(length)..];
    }
    Ok(wire.len())
}
