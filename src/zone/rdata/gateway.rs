//! The gateway of an IPSECKEY (RFC 4025, 2.5) and the relay of an AMTRELAY (RFC 8777, 4.2): none, an address or a name, by
//! its type.

use super::super::fault::Fault;
use super::super::name;
use super::super::words::Words;
use super::value::{ipv4, ipv6, number};

/// The bit before a relay's type that makes discovery optional.
const DISCOVERY_OPTIONAL: u8 = 0x80;

/// Reads a gateway; `wire` ends with its type and the algorithm.
pub fn read(words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    address(kind(wire), words, origin, wire)
}

/// How long the gateway is behind `before`.
pub fn measure(before: &[u8], rest: &[u8]) -> Result<usize, Fault> {
    measure_address(kind(before), rest)
}

/// Reads whether discovery is optional, a relay's type, and the relay.
pub fn read_relay(words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    let optional = number(words.word()?, 1).map_err(|why| why.within("whether discovery is optional"))?;
    let kind = words.word().and_then(|word| number(word, 3)).map_err(|why| why.within("its type"))?;
    wire.push(kind | if optional == 1 { DISCOVERY_OPTIONAL } else { 0 });
    address(Some(kind), words, origin, wire)
}

/// How long all that is.
pub fn measure_relay(rest: &[u8]) -> Result<usize, Fault> {
    let (kind, relay) = rest.split_first().ok_or("the data ends too early")?;
    measure_address(Some(kind & !DISCOVERY_OPTIONAL), relay).map(|length| length + 1)
}

fn address(kind: Option<u8>, words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    match kind {
        Some(0) => match words.word()? {
            b"." => {}
            _ => return Err("it must be \".\" where its type is 0".into()),
        },
        Some(1) => wire.extend(ipv4(words.word()?)?.octets()),
        Some(2) => wire.extend(ipv6(words.word()?)?.octets()),
        Some(3) => wire.extend(words.name(origin)?),
        other => return Err(unknown(other)),
    }
    Ok(())
}

fn measure_address(kind: Option<u8>, rest: &[u8]) -> Result<usize, Fault> {
    let length = match kind {
        Some(0) => 0,
        Some(1) => 4,
        Some(2) => 16,
        Some(3) => name::measure(rest)?,
        other => return Err(unknown(other)),
    };
    if rest.len() < length { Err("the data ends too early".into()) } else { Ok(length) }
}

fn kind(before: &[u8]) -> Option<u8> {
    before.len().checked_sub(2).and_then(|at| before.get(at)).copied()
}

fn unknown(kind: Option<u8>) -> Fault {
    let kind = kind.map_or_else(String::new, |kind| format!(" {kind}"));
    format!("its type{kind} is none of 0 (none), 1 (IPv4), 2 (IPv6) and 3 (a name)").into()
}
