//! Domain names: text to uncompressed wire format and back (RFC 1035, 3.1 and 5.1), and how names relate.
//!
//! Most functions take a name as a plain slice of wire format. No length octet (at most 63) is a letter, so changing or
//! ignoring ASCII case may go over the whole slice. [`Name`] is for names in use: it lives on the stack and its suffixes
//! are slices of it, so that a query is answered without an allocation.

use std::cmp::Ordering;

use super::escape::{self, quote};
use super::fault::Fault;
use crate::config::names::LONGEST_LABEL;

/// The root.
pub const ROOT: &[u8] = &[0];

/// The longest name on the wire, the root's label included (RFC 1035, 2.3.4).
pub const LONGEST_NAME: usize = 255;

/// Reads a name; without its final dot it is relative to `origin`, and `@` is `origin` itself. Likely slips are refused.
pub fn parse(text: &[u8], origin: &[u8]) -> Result<Vec<u8>, Fault> {
    match parse_with_slip(text, origin)? {
        (name, None) => Ok(name),
        (_, Some(slip)) => Err(slip),
    }
}

/// The same, but a name that DNS can carry and hardly anybody means comes with what is odd about it.
pub fn parse_with_slip(text: &[u8], origin: &[u8]) -> Result<(Vec<u8>, Option<Fault>), Fault> {
    match text {
        b"@" => return Ok((origin.to_vec(), None)),
        b"." => return Ok((ROOT.to_vec(), None)),
        _ => {}
    }
    let mut slip = None;
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
        slip = slip.or_else(|| odd_byte(byte, text));
        let (byte, used) = escape::first(rest).map_err(|why| format!("the name {}: {why}", quote(text)))?;
        wire.push(byte);
        rest = &rest[used..];
    }
    if !absolute {
        close_label(&mut wire, label, text)?;
        slip = slip.or_else(|| missing_dot(&wire, text, origin));
        wire.extend_from_slice(origin);
    }
    if wire.len() > LONGEST_NAME {
        let found = wire.len();
        return Err(format!("the name {} takes {found} bytes: at most {LONGEST_NAME}", quote(text)).into());
    }
    Ok((wire, slip))
}

fn close_label(wire: &mut [u8], label: usize, text: &[u8]) -> Result<(), Fault> {
    let length = wire.len() - label - 1;
    match u8::try_from(length) {
        Ok(0) => Err(format!("the name {} has an empty label", quote(text)).into()),
        Ok(octet) if length <= LONGEST_LABEL => {
            wire[label] = octet;
            Ok(())
        }
        _ => Err(format!("the name {} has a label of {length} bytes: at most {LONGEST_LABEL}", quote(text)).into()),
    }
}

/// `www.example.net` below the origin `example.net.` would be `www.example.net.example.net.`, which nobody means: who
/// does can write it out. An origin of one label is left alone, for a host may well be called as a top-level domain.
fn missing_dot(relative: &[u8], text: &[u8], origin: &[u8]) -> Option<Fault> {
    let doubled = [relative, ROOT].concat();
    if labels(origin).nth(1).is_none() || !is_within(&doubled, origin) {
        return None;
    }
    let full = to_absolute_text(&[relative, origin].concat());
    Some(format!("the name {} has no final dot and is {full}: add the dot, or write that in full", quote(text)).into())
}

/// What DNS could carry and nobody means: mail addresses, and names that are not in their IDNA form.
fn odd_byte(byte: u8, text: &[u8]) -> Option<Fault> {
    match byte {
        b'@' => Some(
            format!(
                "the name {} has an @ inside: a mailbox is written with a dot (hostmaster.example.net.), a plain @ as \\@",
                quote(text)
            )
            .into(),
        ),
        0x80.. => Some(
            format!("the name {} is not ASCII: write it in its xn-- form, or single bytes as \\DDD", quote(text)).into(),
        ),
        _ => None,
    }
}

/// The wire format of a name in text, in lower case, with or without the final dot; `None` for what is no name.
pub fn from_text(text: &str) -> Option<Box<[u8]>> {
    match text {
        "" => Some(ROOT.into()),
        "@" => None,
        text => parse(text.as_bytes(), ROOT).ok().map(|wire| lower(&wire)),
    }
}

/// The name as text, without the final dot; the root is `.`. Bytes that are not printable come as `\DDD` (RFC 1035, 5.1).
pub fn to_text(name: &[u8]) -> String {
    let mut text = to_absolute_text(name);
    if text.len() > 1 {
        text.pop();
    }
    text
}

/// The name as text with the final dot, as findings about zones show it.
pub fn to_absolute_text(name: &[u8]) -> String {
    if name == ROOT {
        return ".".to_owned();
    }
    let mut text = String::with_capacity(name.len());
    for label in labels(name) {
        for &byte in label {
            match byte {
                b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => text.extend(['\\', char::from(byte)]),
                0x21..=0x7e => text.push(char::from(byte)),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        text.push('.');
    }
    text
}

/// The name in lower case.
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

/// The canonical order of names (RFC 4034, 6.1): by their labels from the root down, without case.
pub fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let ((starts, count), (others, length)) = (label_starts(one), label_starts(other));
    let differing = starts[..count].iter().rev().zip(others[..length].iter().rev()).find_map(|(start, beside)| {
        let order = compare_labels(label_at(one, *start), label_at(other, *beside));
        order.is_ne().then_some(order)
    });
    differing.unwrap_or(count.cmp(&length))
}

/// The canonical order of labels, without case.
pub fn compare_labels(one: &[u8], other: &[u8]) -> Ordering {
    let lower = |label: &[u8], at: usize| label[at].to_ascii_lowercase();
    let shorter = one.len().min(other.len());
    let differing = (0..shorter).map(|at| lower(one, at).cmp(&lower(other, at))).find(|order| order.is_ne());
    differing.unwrap_or(one.len().cmp(&other.len()))
}

fn label_at(name: &[u8], start: u8) -> &[u8] {
    let (length, rest) = name[usize::from(start)..].split_first().unwrap_or((&0, &[]));
    &rest[..usize::from(*length)]
}

/// Where each label begins, and how many there are: on the stack, for sorting compares names a million times.
fn label_starts(name: &[u8]) -> ([u8; 128], usize) {
    let (mut starts, mut count, mut at) = ([0; 128], 0, 0);
    while let Some(&length @ 1..) = name.get(at) {
        starts[count] = at as u8;
        count += 1;
        at += usize::from(length) + 1;
    }
    (starts, count)
}

/// Whether the first label is `*` (RFC 4592, 2.1.1).
pub fn is_wildcard(name: &[u8]) -> bool {
    name.starts_with(b"\x01*")
}

/// How many bytes the uncompressed name takes that begins `wire`.
pub fn measure(wire: &[u8]) -> Result<usize, Fault> {
    let mut length = 0;
    loop {
        match wire.get(length) {
            Some(0) if length < LONGEST_NAME => return Ok(length + 1),
            Some(0) => return Err(format!("the name is longer than {LONGEST_NAME} bytes").into()),
            Some(&octet) if usize::from(octet) <= LONGEST_LABEL => length += usize::from(octet) + 1,
            Some(_) => return Err("the name is compressed or malformed".into()),
            None => return Err("the name has no end".into()),
        }
    }
}

/// Reads the name at `at` of a message, in its own case, and gives it with the offset behind it. Pointers lead back (RFC 1035, 4.1.4), each further
/// than the one before. `None` where it is cut off or too long.
pub fn expand(message: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let (mut name, mut from, mut first, mut end) = (Vec::new(), at, at, None);
    loop {
        match usize::from(*message.get(from)?) {
            pointer @ 0xc0.. => {
                let low = usize::from(*message.get(from + 1)?);
                end = end.or(Some(from + 2));
                from = (pointer & 0x3f) << 8 | low;
                if from >= first {
                    return None;
                }
                first = from;
            }
            label @ ..=LONGEST_LABEL => {
                name.extend_from_slice(message.get(from..from + label + 1)?);
                from += label + 1;
                match label {
                    0 => return Some((name, end.unwrap_or(from))),
                    _ if name.len() >= LONGEST_NAME => return None,
                    _ => {}
                }
            }
            _ => return None,
        }
    }
}

/// The labels of a name, the leftmost first; the root has none.
pub fn labels(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    upward(name).filter_map(|name| {
        let length = usize::from(*name.first()?);
        if length == 0 { None } else { name.get(1..=length) }
    })
}

/// A name in lower case with the start of each label, so that any ancestor is a slice of it.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; LONGEST_NAME],
    length: u8,
    starts: [u8; 128],
    labels: u8,
}

impl Name {
    /// The root.
    pub const ROOT: Name = Name { bytes: [0; LONGEST_NAME], length: 1, starts: [0; 128], labels: 0 };

    /// Reads the uncompressed name at `at` of a message. Gives it with the offset behind it; `None` where it is cut
    /// off, too long, or holds a pointer (nothing stands before a question that one could point at).
    pub fn read(message: &[u8], at: usize) -> Option<(Name, usize)> {
        let mut name = Name::ROOT;
        let end = name.read_from(message, at)?;
        Some((name, end))
    }

    /// The same into this one, which saves copying it about. It is no particular name where `None` is given.
    pub fn read_from(&mut self, message: &[u8], at: usize) -> Option<usize> {
        self.labels = 0;
        let mut from = at;
        loop {
            let label = *message.get(from)? as usize;
            let start = from - at;
            if label > 63 || start + label + 1 > LONGEST_NAME {
                return None;
            }
            self.starts[self.labels as usize] = start as u8;
            if label == 0 {
                self.length = (start + 1) as u8;
                self.bytes[..=start].copy_from_slice(&message[at..=from]);
                self.bytes[..=start].make_ascii_lowercase();
                return Some(from + 1);
            }
            self.labels += 1;
            from += label + 1;
        }
    }

    /// A whole uncompressed name in wire format; `None` if it is not exactly one.
    pub fn from_wire(wire: &[u8]) -> Option<Name> {
        Name::read(wire, 0).filter(|(_, end)| *end == wire.len()).map(|(name, _)| name)
    }

    /// A name in text, with or without the final dot; `None` for what is no name.
    pub fn from_text(text: &str) -> Option<Name> {
        Name::from_wire(&from_text(text)?)
    }

    /// The wire format, lower case.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    /// The number of labels, the root not counted.
    pub fn labels(&self) -> usize {
        self.labels as usize
    }

    /// Where label `label` begins; `labels()` gives the root.
    pub fn start(&self, label: usize) -> usize {
        self.starts[label] as usize
    }

    /// The ancestor that begins at label `label`: 0 is the name itself, `labels()` is the root.
    pub fn from_label(&self, label: usize) -> &[u8] {
        &self.as_bytes()[self.start(label)..]
    }

    /// The labels before `label`, then `target` (RFC 6672, 2.2). `None` if that is too long for a name.
    pub fn with_suffix(&self, label: usize, target: &[u8]) -> Option<Name> {
        let head = self.start(label);
        let length = head + target.len();
        if length > LONGEST_NAME {
            return None;
        }
        let mut bytes = [0; LONGEST_NAME];
        bytes[..head].copy_from_slice(&self.bytes[..head]);
        bytes[head..length].copy_from_slice(target);
        Name::from_wire(&bytes[..length])
    }
}

#[cfg(test)]
mod tests;
