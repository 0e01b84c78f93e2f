//! Parts of a file (RFC 9110, 14; pure).

use std::ops::Range;

/// What a Range field asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All: what is asked for is not understood, or is several parts at once, which nobody has to serve (14.2).
    Whole,
    /// These bytes, never none.
    One(Range<u64>),
    /// Nothing that the file has.
    Beyond,
}

/// Reads a Range field for a file of this length.
pub fn part(field: &[u8], length: u64) -> Part {
    read(field, length).unwrap_or(Part::Whole)
}

fn read(field: &[u8], length: u64) -> Option<Part> {
    let (unit, set) = field.split_at(memchr::memchr(b'=', field)?);
    let range = set[1..].trim_ascii();
    if !unit.trim_ascii().eq_ignore_ascii_case(b"bytes") || range.contains(&b',') {
        return None;
    }
    let (first, last) = range.split_at(memchr::memchr(b'-', range)?);
    let last = &last[1..];
    let range = if first.is_empty() {
        let suffix = number(last)?;
        length.saturating_sub(suffix)..length
    } else {
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        if last < first {
            return None;
        }
        first..last.saturating_add(1).min(length)
    };
    Some(if range.is_empty() { Part::Beyond } else { Part::One(range) })
}

/// Digits alone. More than there is a number for is more than any file has.
fn number(digits: &[u8]) -> Option<u64> {
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    are_digits.then(|| digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests;
