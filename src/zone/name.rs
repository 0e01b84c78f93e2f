//! Names: text to uncompressed wire format and back (RFC 1035, 3.1 and 5.1).
//!
//! A name here is a plain slice of wire format. No length octet (at most 63) is a letter, so that changing or ignoring
//! ASCII case may go over the whole slice.

use super::escape::{self, quote};

/// The root.
pub const ROOT: &[u8] = &[0];

/// RFC 1035, 2.3.4.
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 255;

/// Reads a name; without its final dot it is relative to `origin`, and `@` is `origin` itself.
pub fn parse(text: &[u8], origin: &[u8]) -> Result<Vec<u8>, String> {
    match text {
        b"@" => return Ok(origin.to_vec()),
        b"." => return Ok(ROOT.to_vec()),
        _ => {}
    }
    let mut wire = Vec::with_capacity(text.len() + 1 + origin.len());
    let mut label = 0;
    wire.push(0);
    let mut rest = text;
    let mut absolute = false;
    while let Some(&byte) = rest.first() {
        absolute = byte == b'.';
        if absolute {
            close_label(&mut wire, label, text)?;
            label = wire.len();
            wire.push(0);
            rest = &rest[1..];
            continue;
        }
        refuse_likely_slip(byte, text)?;
        let (byte, used) = escape::first(rest).map_err(|why| format!("the name {}: {why}", quote(text)))?;
        wire.push(byte);
        rest = &rest[used..];
    }
    if !absolute {
        close_label(&mut wire, label, text)?;
        refuse_missing_dot(&wire, text, origin)?;
        wire.extend_from_slice(origin);
    }
    if wire.len() > LONGEST_NAME {
        let found = wire.len();
        return Err(format!("the name {} takes {found} bytes: at most {LONGEST_NAME}", quote(text)));
    }
    Ok(wire)
}

fn close_label(wire: &mut [u8], label: usize, text: &[u8]) -> Result<(), String> {
    let length = wire.len() - label - 1;
    match u8::try_from(length) {
        Ok(0) => Err(format!("the name {} has an empty label", quote(text))),
        Ok(octet) if length <= LONGEST_LABEL => {
            wire[label] = octet;
            Ok(())
        }
        _ => Err(format!("the name {} has a label of {length} bytes: at most {LONGEST_LABEL}", quote(text))),
    }
}

/// `www.example.net` below the origin `example.net.` would be `www.example.net.example.net.`, which nobody means: who
/// does can write it out. An origin of one label is left alone, for a host may well be called as a top-level domain.
fn refuse_missing_dot(relative: &[u8], text: &[u8], origin: &[u8]) -> Result<(), String> {
    let doubled = [relative, ROOT].concat();
    if labels(origin).nth(1).is_none() || !is_within(&doubled, origin) {
        return Ok(());
    }
    let full = show(&[relative, origin].concat());
    Err(format!("the name {} has no final dot and would be {full}: add the dot, or write that in full", quote(text)))
}

/// What DNS would carry, but nobody means: mail addresses and names before IDNA.
fn refuse_likely_slip(byte: u8, text: &[u8]) -> Result<(), String> {
    match byte {
        b'@' => Err(format!(
            "the name {} has an @ inside: a mailbox is written with a dot (hostmaster.example.net.), a plain @ as \\@",
            quote(text)
        )),
        0x80.. => {
            Err(format!("the name {} is not ASCII: write it in its xn-- form, or single bytes as \\DDD", quote(text)))
        }
        _ => Ok(()),
    }
}

/// The name as text, absolute.
pub fn show(name: &[u8]) -> String {
    if name == ROOT {
        return ".".to_owned();
    }
    let mut text = String::with_capacity(name.len());
    for label in labels(name) {
        for &byte in label {
            match byte {
                b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                    text.push('\\');
                    text.push(char::from(byte));
                }
                0x21..=0x7e => text.push(char::from(byte)),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        text.push('.');
    }
    text
}

/// In lower case.
pub fn lower(name: &[u8]) -> Box<[u8]> {
    name.to_ascii_lowercase().into_boxed_slice()
}

/// The name without its first label; `None` for the root.
pub fn parent(name: &[u8]) -> Option<&[u8]> {
    match name.first() {
        None | Some(0) => None,
        Some(&length) => name.get(usize::from(length) + 1..),
    }
}

/// The name, its parent, and so on up to the root.
pub fn upward(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(name), |name| parent(name))
}

/// Whether `name` is `other` or lies below it, in any case.
pub fn is_within(name: &[u8], other: &[u8]) -> bool {
    upward(name).any(|name| name.eq_ignore_ascii_case(other))
}

/// Whether the first label is `*` (RFC 4592, 2.1.1).
pub fn is_wildcard(name: &[u8]) -> bool {
    name.starts_with(b"\x01*")
}

/// How many bytes the uncompressed name takes that begins `wire`.
pub fn measure(wire: &[u8]) -> Result<usize, String> {
    let mut length = 0;
    loop {
        match wire.get(length) {
            Some(0) if length < LONGEST_NAME => return Ok(length + 1),
            Some(0) => return Err(format!("the name is longer than {LONGEST_NAME} bytes")),
            Some(&octet) if usize::from(octet) <= LONGEST_LABEL => length += usize::from(octet) + 1,
            Some(_) => return Err("the name is compressed or malformed".to_owned()),
            None => return Err("the name has no end".to_owned()),
        }
    }
}

fn labels(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    upward(name).filter_map(|name| {
        let length = usize::from(*name.first()?);
        if length == 0 { None } else { name.get(1..=length) }
    })
}

#[cfg(test)]
mod tests;
