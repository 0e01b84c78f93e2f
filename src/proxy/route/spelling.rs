//! Paths that another program may read as other paths (pure).
//!
//! Routes are found for the path as it stands. A backend that decodes it, or resolves its dots, may come to a page that another service
//! guards: what is guarded under `/private` is asked for as `/%70rivate`, too.

use std::borrow::Cow;

/// How a program reads a path, beside decoding it once and resolving its dots (RFC 3986, 5.2.4 and 6.2.2).
#[derive(Debug, Clone, Copy)]
struct Reader {
    /// A backslash is a slash.
    backslash: bool,
    /// What follows a semicolon is no part of a segment's name.
    parameters: bool,
    /// An encoded slash is a slash.
    encoded_slash: bool,
    /// Slashes in a row are one.
    merges: bool,
}

/// The path as programs may read it; none where all read it as it stands.
pub fn readings(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let differing = if may_be_read_otherwise(path) { differing(path) } else { 0 };
    let bits = (0..=differing).filter(move |bits| differing != 0 && bits & !differing == 0);
    bits.map(|bits| Reader::of(bits).read(path))
}

/// In what programs may differ about this path, as bits of [`Reader::of`].
fn differing(path: &[u8]) -> u8 {
    let decoded = decode(path);
    let has = |byte| decoded.contains(&byte);
    u8::from(has(b'\\')) | u8::from(has(b';')) << 1 | u8::from(decoded.len() != path.len()) << 2 | 1 << 3
}

fn may_be_read_otherwise(path: &[u8]) -> bool {
    memchr::memchr3(b'%', b';', b'\\', path).is_some() || path.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

impl Reader {
    fn of(bits: u8) -> Reader {
        let bit = |place: u8| bits >> place & 1 == 1;
        Reader { backslash: bit(0), parameters: bit(1), encoded_slash: bit(2), merges: bit(3) }
    }

    fn read(self, path: &[u8]) -> Vec<u8> {
        // Whatever has been cut into segments before it is decoded keeps its encoded slashes within them.
        let path = if self.encoded_slash { Cow::Owned(decode(path)) } else { Cow::Borrowed(path) };
        let body = path.strip_prefix(b"/").unwrap_or(&path);
        let mut read = Vec::with_capacity(path.len() + 1);
        // Where each segment of it begins, with its slash.
        let mut segments = Vec::new();
        for segment in body.split(|byte| *byte == b'/' || *byte == b'\\' && self.backslash) {
            let name =
                if self.parameters { segment.split(|byte| *byte == b';').next().unwrap_or_default() } else { segment };
            let begin = read.len();
            read.push(b'/');
            match self.encoded_slash {
                true => read.extend_from_slice(name),
                false => decode_into(name, &mut read),
            }
            match &read[begin + 1..] {
                b"." => read.truncate(begin),
                b"" if self.merges => read.truncate(begin),
                b".." => read.truncate(segments.pop().unwrap_or(begin)),
                _ => segments.push(begin),
            }
        }
        if read.is_empty() {
            read.push(b'/');
        }
        read
    }
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    decode_into(path, &mut decoded);
    decoded
}

fn decode_into(path: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &rest[3..] } else { tail };
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
