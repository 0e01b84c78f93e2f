//! Version 1: one line of text (specification, 2.1).

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::header::{Ends, Facts, Header, Malformed};

/// What the line begins with.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line, its end included.
const LONGEST: usize = 107;

pub(super) fn measure(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST)]) {
        Some(end) => Ok(Some(end + 1)),
        None if bytes.len() >= LONGEST => Err(Malformed::TooLong),
        None => Ok(None),
    }
}

pub(super) fn read(line: &[u8]) -> Result<Header, Malformed> {
    let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok()).ok_or(Malformed::Line)?;
    let mut words = line.split(' ').skip(1);
    let ends = match words.next() {
        // What follows is to be ignored.
        Some("UNKNOWN") => return Ok(Header::default()),
        Some("TCP4") => read_ends::<Ipv4Addr>(&mut words),
        Some("TCP6") => read_ends::<Ipv6Addr>(&mut words),
        _ => None,
    };
    let ends = ends.filter(|_| words.next().is_none()).ok_or(Malformed::Line)?;
    Ok(Header { ends: Some(ends), facts: Facts::default() })
}

fn read_ends<'l, A: FromStr + Into<IpAddr>>(words: &mut impl Iterator<Item = &'l str>) -> Option<Ends> {
    let mut address = || -> Option<IpAddr> { Some(words.next()?.parse::<A>().ok()?.into()) };
    let (source, destination) = (address()?, address()?);
    let mut port = || read_port(words.next()?);
    let (source, destination) = (SocketAddr::new(source, port()?), SocketAddr::new(destination, port()?));
    Some(Ends { source, destination })
}

/// Digits, and no zero before them.
fn read_port(word: &str) -> Option<u16> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    is_plain.then(|| word.parse().ok()).flatten()
}

pub(super) fn write(ends: Option<Ends>, out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    // Writing to a Vec cannot fail.
    let _ = match ends {
        None => write!(out, "UNKNOWN\r\n"),
        Some(Ends { source, destination }) => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let ports = (source.port(), destination.port());
            write!(out, "{family} {} {} {} {}\r\n", source.ip(), destination.ip(), ports.0, ports.1)
        }
    };
}
