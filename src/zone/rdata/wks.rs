//! Well-known services (RFC 1035, 3.4.2): a protocol, and a bitmap of its ports.

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::words::Words;
use super::value::number;

/// Names of protocols.
static PROTOCOLS: &[(&str, u8)] = &[("icmp", 1), ("tcp", 6), ("udp", 17)];

/// Names of ports that zones use; all others are written as numbers.
static SERVICES: &[(&str, u16)] = &[
    ("echo", 7),
    ("discard", 9),
    ("daytime", 13),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("nameserver", 42),
    ("domain", 53),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("nntp", 119),
    ("ntp", 123),
    ("imap", 143),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
];

/// Bytes of a bitmap of every port.
const LONGEST: usize = 65_536 / 8;

/// A protocol by number or name.
pub fn protocol(word: &[u8]) -> Result<u8, Fault> {
    find(PROTOCOLS, word)
        .map_or_else(|| number(word, u8::MAX), Ok)
        .map_err(|_| format!("{} is neither a number from 0 to 255 nor a protocol (tcp, udp)", quote(word)).into())
}

/// Reads ports to the end.
pub fn read(words: &mut Words<'_, '_>, wire: &mut Vec<u8>) -> Result<(), Fault> {
    let mut bits: Vec<u8> = Vec::new();
    while !words.is_empty() {
        let word = words.word()?;
        let port = find(SERVICES, word).map_or_else(|| number(word, u16::MAX), Ok).map_err(|_| {
            Fault::from(format!("{} is neither a port nor the name of a well-known one (smtp, 25)", quote(word)))
        })?;
        let byte = usize::from(port / 8);
        bits.resize(bits.len().max(byte + 1), 0);
        bits[byte] |= 0x80 >> (port % 8);
    }
    wire.extend(bits);
    Ok(())
}

/// A bitmap to the end.
pub fn measure(wire: &[u8]) -> Result<usize, Fault> {
    if wire.len() > LONGEST { Err("the bitmap has more bits than there are ports".into()) } else { Ok(wire.len()) }
}

fn find<N: Copy>(table: &[(&str, N)], word: &[u8]) -> Option<N> {
    table.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|(_, number)| *number)
}
