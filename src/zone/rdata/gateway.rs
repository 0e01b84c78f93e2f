//! The gateway of an IPSECKEY (RFC 4025, 2.5): none, an address or a name, by the type before the algorithm.

use super::super::fault::Fault;
use super::super::name;
use super::super::words::Words;
use super::value::{ipv4, ipv6};

/// Reads the gateway; `wire` ends with its type and the algorithm.
pub fn read(words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    match kind(wire) {
        Some(0) => match words.word()? {
            b"." => Ok(()),
            _ => Err("it must be \".\" where the gateway type is 0".into()),
        },
        Some(1) => {
            wire.extend(ipv4(words.word()?)?.octets());
            Ok(())
        }
        Some(2) => {
            wire.extend(ipv6(words.word()?)?.octets());
            Ok(())
        }
        Some(3) => {
            wire.extend(words.name(origin)?);
            Ok(())
        }
        other => Err(unknown(other)),
    }
}

/// How long the gateway is behind `before`.
pub fn measure(before: &[u8], rest: &[u8]) -> Result<usize, Fault> {
    let length = match kind(before) {
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
