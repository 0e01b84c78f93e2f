//! Paths that another program may read as other paths (pure).
//!
//! Routes are found for the path as it stands. A backend that decodes it, or resolves its dots, may come to a page that another service
//! guards: what is guarded under `/private` is asked for as `/%70rivate`, too.

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
    let readers = if may_be_read_otherwise(path) { 0..16_u8 } else { 0..0 };
    readers.map(|bits| {
        let bit = |place: u8| bits >> place & 1 == 1;
        let reader = Reader { backslash: bit(0), parameters: bit(1), encoded_slash: bit(2), merges: bit(3) };
        reader.read(path)
    })
}

fn may_be_read_otherwise(path: &[u8]) -> bool {
    memchr::memchr3(b'%', b';', b'\\', path).is_some() || path.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

impl Reader {
    fn read(self, path: &[u8]) -> Vec<u8> {
        let mut segments: Vec<Vec<u8>> = Vec::new();
        // Whatever has been cut into segments before it is decoded keeps its encoded slashes within them.
        let decoded = if self.encoded_slash { decode(path) } else { path.to_vec() };
        let body = decoded.strip_prefix(b"/").unwrap_or(&decoded);
        for segment in body.split(|byte| *byte == b'/' || *byte == b'\\' && self.backslash) {
            let name =
                if self.parameters { segment.split(|byte| *byte == b';').next().unwrap_or_default() } else { segment };
            let name = if self.encoded_slash { name.to_vec() } else { decode(name) };
            match name.as_slice() {
                b"." => {}
                b"" if self.merges => {}
                b".." => drop(segments.pop()),
                _ => segments.push(name),
            }
        }
        let mut read = vec![b'/'];
        read.extend_from_slice(&segments.join(&b'/'));
        read
    }
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let byte = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &rest[3..] } else { tail };
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
