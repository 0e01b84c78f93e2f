//! Record data as zones spell it: by the same table as it is read by. A type without a table, and one with a field that has no
//! spelling here, is written as `\# LENGTH HEX` (RFC 3597, 5), which every reader of master files knows.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::name;
use super::field::Field;
use super::svcparam::Key;
use super::{base32hex, moment, types};

/// The data of a record. It reads back as the same bytes.
pub fn show(rtype: u16, wire: &[u8]) -> String {
    fields(rtype, wire).unwrap_or_else(|| generic(wire))
}

fn fields(rtype: u16, wire: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    let mut at = 0;
    for (_, field) in types::by_code(rtype)?.fields {
        let length = field.measure(wire, at).ok()?;
        words.push(field.show(wire.get(at..at + length)?)?);
        at += length;
    }
    words.retain(|word| !word.is_empty());
    (at == wire.len()).then(|| words.join(" "))
}

fn generic(wire: &[u8]) -> String {
    let gap = if wire.is_empty() { "" } else { " " };
    format!("\\# {}{gap}{}", wire.len(), hex(wire))
}

impl Field {
    /// The field's bytes as text; none: it has no spelling here.
    fn show(self, bytes: &[u8]) -> Option<String> {
        Some(match self {
            Field::U8 | Field::U16 | Field::U32 | Field::Three | Field::Seconds => number(bytes),
            Field::Algorithm | Field::CertificateType | Field::Protocol => number(bytes),
            Field::Ipv4 => std::net::Ipv4Addr::from(*bytes.first_chunk()?).to_string(),
            Field::Ipv6 => std::net::Ipv6Addr::from(*bytes.first_chunk()?).to_string(),
            Field::Name => name::to_absolute_text(bytes),
            Field::Text => quoted(bytes.get(1..)?),
            Field::Texts => texts(bytes)?.join(" "),
            Field::Tag => String::from_utf8(bytes.get(1..)?.to_vec()).ok()?,
            Field::Rest | Field::NonEmptyRest => quoted(bytes),
            Field::Digest(_) | Field::Hex => hex(bytes),
            Field::Base64 | Field::OptionalBase64 => STANDARD.encode(bytes),
            Field::Types => listed(bytes)?,
            Field::Parameters => parameters(bytes)?,
            Field::Hyphenated(_) => groups(bytes, 1, "-"),
            Field::Quads => groups(bytes, 2, ":"),
            Field::OptionalText if bytes.is_empty() => String::new(),
            Field::OptionalText => quoted(bytes.get(1..)?),
            Field::DottedHex => format!("0x{}", hex(bytes)),
            Field::TypeName => types::to_text(u16::from_be_bytes(*bytes.first_chunk()?)),
            Field::Moment => moment::show(u32::from_be_bytes(*bytes.first_chunk()?)),
            Field::Salt if bytes == [0] => "-".to_owned(),
            Field::Salt => hex(bytes.get(1..)?),
            Field::NextHash => base32hex::show(bytes.get(1..)?),
            Field::Location | Field::Prefixes | Field::Gateway | Field::Relay => return None,
            Field::HostIdentity | Field::Services => return None,
        })
    }
}

fn number(bytes: &[u8]) -> String {
    bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn groups(bytes: &[u8], size: usize, between: &str) -> String {
    bytes.chunks(size).map(hex).collect::<Vec<_>>().join(between)
}

/// A string in double quotes; what could end it, or cannot be printed, is escaped (RFC 1035, 5.1).
fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes))
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03}");
            }
        }
    }
    text
}

fn texts(mut rest: &[u8]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    while let Some((length, tail)) = rest.split_first() {
        let (text, tail) = tail.split_at_checked(usize::from(*length))?;
        texts.push(quoted(text));
        rest = tail;
    }
    Some(texts)
}

/// A bitmap of types (RFC 4034, 4.1.2).
fn listed(mut rest: &[u8]) -> Option<String> {
    let mut listed = Vec::new();
    while let [window, length, tail @ ..] = rest {
        let (bits, tail) = tail.split_at_checked(usize::from(*length))?;
        for (place, byte) in (0u8..).zip(bits) {
            for bit in (0..8u8).filter(|bit| byte & 0x80 >> bit != 0) {
                let name = types::to_text(u16::from_be_bytes([*window, place * 8 + bit]));
                // Types of messages have a bit, and no name in a list.
                types::parse_listed(name.as_bytes()).ok()?;
                listed.push(name);
            }
        }
        rest = tail;
    }
    Some(listed.join(" "))
}

/// The parameters of a service (RFC 9460, 2.1).
fn parameters(mut rest: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (key, tail) = rest.split_first_chunk()?;
        let (length, tail) = tail.split_first_chunk()?;
        let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        words.push(parameter(Key(u16::from_be_bytes(*key)), value));
        rest = tail;
    }
    Some(words.join(" "))
}

fn parameter(key: Key, value: &[u8]) -> String {
    let named = match key {
        Key::NO_DEFAULT_ALPN => return key.to_string(),
        Key::MANDATORY => Some(super::svcparam::keys(value).map(|key| key.to_string()).collect::<Vec<_>>().join(",")),
        Key::ALPN => protocols(value),
        Key::PORT => Some(number(value)),
        Key::IPV4HINT => Some(addresses(value, |bytes: [u8; 4]| bytes.into())),
        Key::IPV6HINT => Some(addresses(value, |bytes: [u8; 16]| bytes.into())),
        Key::ECH => Some(STANDARD.encode(value)),
        _ => None,
    };
    match named {
        Some(value) => format!("{key}={value}"),
        // As its bytes: what a name would say of a value is not all that it can be.
        None if value.is_empty() => format!("key{}", key.0),
        None => format!("key{}={}", key.0, quoted(value)),
    }
}

/// A list of protocols, where none has a letter that a list would have to escape twice.
fn protocols(mut rest: &[u8]) -> Option<String> {
    let mut protocols = Vec::new();
    while let Some((length, tail)) = rest.split_first() {
        let (protocol, tail) = tail.split_at_checked(usize::from(*length))?;
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/+".contains(byte);
        protocols.push(std::str::from_utf8(protocol).ok().filter(|text| text.bytes().all(|byte| is_plain(&byte)))?);
        rest = tail;
    }
    Some(protocols.join(","))
}

fn addresses<const N: usize>(value: &[u8], address: impl Fn([u8; N]) -> std::net::IpAddr) -> String {
    value.as_chunks::<N>().0.iter().map(|bytes| address(*bytes).to_string()).collect::<Vec<_>>().join(",")
}
