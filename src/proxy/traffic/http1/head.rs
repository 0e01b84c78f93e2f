//! Where a head ends.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line_wherever_the_reads_are_cut() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for cut in 0..head.len() {
            let mut scan = Scan::default();
            let first = scan.next(&head[..cut]);
            let end = head.len() - 4;
            if cut < end {
                assert_eq!(first, Scanned::Incomplete, "cut at {cut}");
                assert_eq!(scan.next(head), Scanned::Complete(end), "cut at {cut}");
            } else {
                assert_eq!(first, Scanned::Complete(end), "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_bare_lf_is_told_at_once() {
        for head in [&b"\n"[..], b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\n", b"GET / HTTP/1.1\r\n\n"] {
            assert_eq!(Scan::default().next(head), Scanned::BareLf, "{head:?}");
        }
    }
}
