//! Where a head ends, and how a line of one is written.

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

/// Writes `Name: value` and the end of the line.
pub fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
