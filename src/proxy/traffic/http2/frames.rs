//! The heads of the frames in a stream of bytes, whatever pieces it comes in (pure). Nothing is checked here: what is no frame is
//! the `h2` crate's to refuse.

/// Bytes of a frame's head (RFC 9113, 4.1).
const HEAD: usize = 9;

/// A head and the error code behind it, of a frame RST_STREAM.
const HEAD_AND_CODE: usize = HEAD + 4;

/// What begins a connection of a client (RFC 9113, 3.4).
pub const PREFACE: usize = 24;

/// What a frame is (RFC 9113, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// DATA.
    Data,
    /// HEADERS.
    Headers,
    /// RST_STREAM with this error code.
    Reset(u32),
    /// CONTINUATION.
    Continuation,
    /// Any other.
    Other,
}

/// A frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Bytes of payload, padding included.
    pub length: usize,
    flags: u8,
}

impl Frame {
    /// It ends its stream: END_STREAM of DATA and HEADERS.
    pub fn ends_stream(self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers) && self.flags & 1 != 0
    }

    /// It begins or continues a head that is not over with it.
    pub fn leaves_head_open(self) -> bool {
        matches!(self.kind, Kind::Headers | Kind::Continuation) && self.flags & 4 == 0
    }
}

/// Finds frames in bytes that pass by.
#[derive(Debug)]
pub struct Frames {
    head: [u8; HEAD_AND_CODE],
    /// How much of the next head is there.
    have: usize,
    /// Bytes that are no head.
    skip: usize,
}

impl Frames {
    /// In bytes that begin with so many that are no frame.
    pub fn after(skip: usize) -> Frames {
        Frames { head: [0; HEAD_AND_CODE], have: 0, skip }
    }

    /// The last frame whose head was seen has not come whole.
    pub fn is_within_frame(&self) -> bool {
        self.skip > 0
    }

    /// Goes through the next bytes, and gives the frames whose heads have become whole.
    pub fn look(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let wanted = if self.have >= HEAD { HEAD_AND_CODE } else { HEAD };
            let taken = (wanted - self.have).min(bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have < wanted {
                return;
            }
            let [high, middle, low, kind, flags, ..] = self.head;
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            let is_reset = kind == 3 && length == 4;
            if is_reset && self.have == HEAD {
                continue;
            }
            let [.., first, second, third, fourth] = self.head;
            let kind = match kind {
                0 => Kind::Data,
                1 => Kind::Headers,
                3 if is_reset => Kind::Reset(u32::from_be_bytes([first, second, third, fourth])),
                9 => Kind::Continuation,
                _ => Kind::Other,
            };
            self.skip = HEAD + length - self.have;
            self.have = 0;
            each(Frame { kind, length, flags });
        }
    }
}

#[cfg(test)]
mod tests;
