//! One field of record data: from text to wire format, and how long it is there.

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::words::Words;
use super::super::{name, ttl};
use super::field::Field;
use super::value::{base64, dotted_hex, hex, hyphenated, ipv4, ipv6, number, quads};
use super::{apl, base32hex, bitmap, gateway, hip, keyword, loc, moment, svcb, types, wks};

impl Field {
    /// Reads the field and adds it to `wire`, which holds those before it.
    pub fn read(self, words: &mut Words<'_, '_>, origin: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Field::U8 => wire.push(number(words.word()?, u8::MAX)?),
            Field::U16 => wire.extend(number(words.word()?, u16::MAX)?.to_be_bytes()),
            Field::U32 => wire.extend(number(words.word()?, u32::MAX)?.to_be_bytes()),
            Field::Three => wire.push(three(number(words.word()?, u8::MAX)?)?),
            Field::Seconds => wire.extend(ttl::parse(words.word()?)?.to_be_bytes()),
            Field::Ipv4 => wire.extend(ipv4(words.word()?)?.octets()),
            Field::Ipv6 => wire.extend(ipv6(words.word()?)?.octets()),
            Field::Name => wire.extend(words.name(origin)?),
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
            Field::OptionalBase64 => wire.extend(base64(&words.joined()?)?),
            Field::Hyphenated(bytes) => wire.extend(hyphenated(words.word()?, bytes)?),
            Field::Quads => wire.extend(quads(words.word()?)?),
            Field::Prefixes => apl::read(words, wire)?,
            Field::Gateway => gateway::read(words, origin, wire)?,
            Field::Relay => gateway::read_relay(words, origin, wire)?,
            Field::OptionalText if words.is_empty() => {}
            Field::OptionalText => text(&words.string()?, wire)?,
            Field::Hex => wire.extend(non_empty(hex(&words.joined()?)?)?),
            Field::DottedHex => wire.extend(non_empty(dotted_hex(words.word()?)?)?),
            Field::HostIdentity => hip::read(words, origin, wire)?,
            Field::Protocol => wire.push(wks::protocol(words.word()?)?),
            Field::Services => wks::read(words, wire)?,
            Field::TypeName => wire.extend(types::parse_listed(words.word()?)?.to_be_bytes()),
            Field::Moment => wire.extend(moment::read(words.word()?)?.to_be_bytes()),
            Field::Salt => text(&salt(words.word()?)?, wire)?,
            Field::NextHash => text(&base32hex::read(words.word()?)?, wire)?,
        }
        Ok(())
    }

    /// How many bytes of `wire` the field takes from `at` on, when they are such a field.
    pub fn measure(self, wire: &[u8], at: usize) -> Result<usize, Fault> {
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
            Field::NonEmptyRest | Field::Base64 | Field::Hex | Field::DottedHex => {
                non_empty(rest.to_vec()).map(|rest| rest.len())
            }
            Field::Digest(lengths) => {
                non_empty(rest.to_vec())?;
                check_digest(lengths, before.last().copied(), rest.len()).map(|()| rest.len())
            }
            Field::Types => bitmap::measure(rest),
            Field::Location => loc::measure(rest),
            Field::Parameters => svcb::measure(before, rest),
            Field::OptionalBase64 => Ok(rest.len()),
            Field::Hyphenated(bytes) => fixed(rest, bytes),
            Field::Quads => fixed(rest, 8),
            Field::Prefixes => apl::measure(rest),
            Field::Gateway => gateway::measure(before, rest),
            Field::Relay => gateway::measure_relay(rest),
            Field::OptionalText if rest.is_empty() => Ok(0),
            Field::OptionalText => measure_text(rest),
            Field::HostIdentity => hip::measure(rest),
            Field::Protocol => fixed(rest, 1),
            Field::Services => wks::measure(rest),
            Field::TypeName => fixed(rest, 2),
            Field::Moment => fixed(rest, 4),
            Field::Salt => measure_text(rest),
            Field::NextHash => {
                measure_text(rest).and_then(|length| non_empty(rest[1..length].to_vec()).map(|_| length))
            }
        }
    }
}

const SHORT: &str = "the data ends too early";

fn fixed(rest: &[u8], length: usize) -> Result<usize, Fault> {
    if rest.len() >= length { Ok(length) } else { Err(SHORT.into()) }
}

fn three(number: u8) -> Result<u8, Fault> {
    if number == 3 { Ok(3) } else { Err(format!("it is {number}, but must be 3").into()) }
}

fn text(bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), Fault> {
    let length = u8::try_from(bytes.len())
        .map_err(|_| format!("a string of {} bytes: at most 255, split it into several", bytes.len()))?;
    wire.push(length);
    wire.extend_from_slice(bytes);
    Ok(())
}

fn measure_text(rest: &[u8]) -> Result<usize, Fault> {
    let length = usize::from(*rest.first().ok_or(SHORT)?);
    fixed(rest, length + 1)
}

fn salt(word: &[u8]) -> Result<Vec<u8>, Fault> {
    if word == b"-" { Ok(Vec::new()) } else { non_empty(hex(word)?) }
}

fn measure_texts(rest: &[u8]) -> Result<usize, Fault> {
    let mut at = measure_text(rest)?;
    while at < rest.len() {
        at += measure_text(&rest[at..])?;
    }
    Ok(at)
}

fn tag(tag: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric) {
        return Ok(tag);
    }
    Err(format!("{} is not a tag: ASCII letters and digits, such as issue", quote(&tag)).into())
}

fn non_empty(bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if bytes.is_empty() { Err("it is empty".into()) } else { Ok(bytes) }
}

fn check_digest(lengths: &[(u8, usize)], kind: Option<u8>, found: usize) -> Result<(), Fault> {
    match lengths.iter().find(|(known, _)| Some(*known) == kind) {
        Some((kind, length)) if *length != found => {
            Err(format!("it has {found} bytes, but one of type {kind} has {length}").into())
        }
        _ => Ok(()),
    }
}
