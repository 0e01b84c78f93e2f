//! Where a head ends, how much room its fields get, and how a line of one is written.

use std::mem::MaybeUninit;

use crate::config::proxy::MOST_FIELDS;

/// Fields for which there is room at once; a head with more of them is read twice.
const USUAL_FIELDS: usize = 128;

type Room<'r, 'h> = &'r mut [MaybeUninit<httparse::Header<'h>>];

/// What the lines read so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// The empty line has not come yet.
    Incomplete,
    /// The head is this many bytes, its empty line included.
    Complete(usize),
    /// A line ended in a bare LF (RFC 9112, 2.2 lets us refuse it; two readers could disagree on it).
    BareLf,
}

/// Looks at every byte of a head once, however many reads it comes in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan {
    seen: usize,
    line: usize,
}

impl Scan {
    /// Goes on with `bytes`, which begin where they began at the last call.
    pub fn next(&mut self, bytes: &[u8]) -> Scanned {
        while let Some(found) = memchr::memchr(b'\n', &bytes[self.seen..]) {
            let lf = self.seen + found;
            if lf == self.line || bytes[lf - 1] != b'\r' {
                return Scanned::BareLf;
            }
            let empty = lf - 1 == self.line;
            self.seen = lf + 1;
            self.line = lf + 1;
            if empty {
                return Scanned::Complete(lf + 1);
            }
        }
        self.seen = bytes.len();
        Scanned::Incomplete
    }

    /// The first line has not ended yet.
    pub fn in_first_line(&self) -> bool {
        self.line == 0
    }
}

/// Parses a head of at most `most` fields.
pub fn with_room<'h, T>(
    most: usize,
    mut parse: impl FnMut(Room<'_, 'h>) -> Result<T, httparse::Error>,
) -> Result<T, httparse::Error> {
    let mut room = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    match parse(&mut room[..most.clamp(1, USUAL_FIELDS)]) {
        Err(httparse::Error::TooManyHeaders) if most > USUAL_FIELDS => with_much_room(most, parse),
        parsed => parsed,
    }
}

#[cold]
#[inline(never)]
fn with_much_room<'h, T>(
    most: usize,
    mut parse: impl FnMut(Room<'_, 'h>) -> Result<T, httparse::Error>,
) -> Result<T, httparse::Error> {
    parse(&mut [const { MaybeUninit::uninit() }; MOST_FIELDS][..most.min(MOST_FIELDS)])
}

/// A copy of a head whose version, at `at`, is HTTP/1.2 or later, with HTTP/1.1 instead: that is what it is to be read as (RFC 9110,
/// 2.5). `None` for any other version.
pub fn as_http11(head: &[u8], at: usize) -> Option<Vec<u8>> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9', ..] = head.get(at..)? else { return None };
    let mut copy = head.to_vec();
    copy[at + "HTTP/1.".len()] = b'1';
    Some(copy)
}

/// Writes `Name: value` and the end of the line.
pub fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
