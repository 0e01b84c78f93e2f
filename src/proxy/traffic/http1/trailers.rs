//! The trailer section of a chunked body: which of its fields go on (RFC 9110, 6.5).

use super::head::{Scan, Scanned, line};
use crate::config::proxy::CLIENT_CERT;
use crate::proxy::traffic::message::fields::FieldKind;

/// Bytes a trailer section may have.
pub const MOST_BYTES: usize = 8 * 1024;

/// Fields a trailer section may have.
const MOST_FIELDS: usize = 32;

/// The section is broken or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// How many bytes at the front of `input` are the trailer section, its empty line included; `None`: more is needed.
pub fn end(input: &[u8]) -> Result<Option<usize>, Malformed> {
    match Scan::default().next(input) {
        Scanned::Complete(length) if length <= MOST_BYTES => Ok(Some(length)),
        Scanned::Incomplete if input.len() < MOST_BYTES => Ok(None),
        _ => Err(Malformed),
    }
}

/// Writes the fields that may go on.
pub fn write(section: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    pass(section, |name, value| line(out, name, value))
}

/// Gives the fields that may go on, name and value, one after the other.
pub fn pass(section: &[u8], mut each: impl FnMut(&[u8], &[u8])) -> Result<(), Malformed> {
    if section.is_empty() || section == b"\r\n" {
        return Ok(());
    }
    let mut room = [httparse::EMPTY_HEADER; MOST_FIELDS];
    match httparse::parse_headers(section, &mut room) {
        Ok(httparse::Status::Complete((length, found))) if length == section.len() => {
            for field in found {
                let name = field.name.as_bytes();
                if allowed(name) {
                    each(name, field.value);
                }
            }
            Ok(())
        }
        _ => Err(Malformed),
    }
}

/// Fields that frame, route, authenticate or change how the content is read have no place in a trailer section.
fn allowed(name: &[u8]) -> bool {
    const NEVER: [&str; 14] = [
        "accept-encoding",
        "age",
        "content-encoding",
        "content-range",
        "content-type",
        "date",
        "expires",
        "if-match",
        "if-none-match",
        "if-range",
        "location",
        "pragma",
        "range",
        "vary",
    ];
    FieldKind::of(name) == FieldKind::Other
        && !NEVER.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes()))
        && !speaks_of_certificate(name)
}

/// In any spelling: some backends take trailers for fields of the head, and there the proxy alone says who a visitor is.
fn speaks_of_certificate(name: &[u8]) -> bool {
    let letters = |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    name.iter().map(letters).take(CLIENT_CERT.len()).eq(CLIENT_CERT.bytes())
}

#[cfg(test)]
mod tests;
