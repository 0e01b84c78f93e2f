//! A body on its way: where it ends on one side, how it is framed on the other (pure).

use super::chunked::{Decoder, Step as ChunkStep, begin_chunk};
use super::trailers;
use crate::proxy::traffic::message::Length;

/// Reads one body.
#[derive(Debug, Clone)]
pub enum Reader {
    /// All of it was read.
    Over,
    /// This many bytes are left (never 0).
    Left(u64),
    /// Chunks are left.
    Chunks(Decoder),
    /// The trailer section is left.
    Trailers,
    /// Whatever comes until the connection ends.
    UntilClose,
}

/// What comes next in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// After `skip` bytes of framing, `length` bytes of data (never 0).
    Data {
        /// Bytes before the data.
        skip: usize,
        /// Bytes of data.
        length: usize,
    },
    /// More is needed, after `skip` bytes were used up.
    More {
        /// Bytes used up.
        skip: usize,
    },
    /// After `skip` bytes the body is over; the last `trailers` of them are its trailer section.
    End {
        /// Bytes used up.
        skip: usize,
        /// Bytes of the trailer section, its empty line included.
        trailers: usize,
    },
}

/// The framing is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Reader {
    /// Reads a body of this length.
    pub fn new(length: Length) -> Reader {
        match length {
            Length::None | Length::Exactly(0) => Reader::Over,
            Length::Exactly(bytes) => Reader::Left(bytes),
            Length::Chunked => Reader::Chunks(Decoder::default()),
            Length::UntilClose => Reader::UntilClose,
        }
    }

    /// All of it was read.
    pub fn is_over(&self) -> bool {
        matches!(self, Reader::Over)
    }

    /// The next step. The caller uses up what the step says before it asks again.
    pub fn next(&mut self, input: &[u8]) -> Result<Step, Malformed> {
        match self {
            Reader::Over => Ok(Step::End { skip: 0, trailers: 0 }),
            _ if input.is_empty() => Ok(Step::More { skip: 0 }),
            Reader::UntilClose => Ok(Step::Data { skip: 0, length: input.len() }),
            Reader::Left(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= length as u64;
                if *left == 0 {
                    *self = Reader::Over;
                }
                Ok(Step::Data { skip: 0, length })
            }
            Reader::Chunks(decoder) => match decoder.next(input).map_err(|_| Malformed)? {
                ChunkStep::Data { skip, length } => Ok(Step::Data { skip, length }),
                ChunkStep::More { skip } => Ok(Step::More { skip }),
                ChunkStep::Last { skip } => {
                    *self = Reader::Trailers;
                    self.end_of_trailers(input, skip)
                }
            },
            Reader::Trailers => self.end_of_trailers(input, 0),
        }
    }

    fn end_of_trailers(&mut self, input: &[u8], skip: usize) -> Result<Step, Malformed> {
        match trailers::end(&input[skip..]).map_err(|_| Malformed)? {
            None => Ok(Step::More { skip }),
            Some(length) => {
                *self = Reader::Over;
                Ok(Step::End { skip: skip + length, trailers: length })
            }
        }
    }

    /// How many bytes come next that are content and nothing else.
    pub fn left_plain(&self) -> u64 {
        match self {
            Reader::Left(left) => *left,
            Reader::UntilClose => u64::MAX,
            Reader::Over | Reader::Chunks(_) | Reader::Trailers => 0,
        }
    }

    /// Says that so many of them were used up.
    pub fn skip(&mut self, bytes: u64) {
        if let Reader::Left(left) = self {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                *self = Reader::Over;
            }
        }
    }

    /// The connection ended: whether that was the body's end.
    pub fn may_end_here(&self) -> bool {
        matches!(self, Reader::Over | Reader::UntilClose)
    }
}

/// How a body is framed on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The head said how long it is, or the connection's end will.
    Plain,
    /// Chunks.
    Chunked,
}

impl Framing {
    /// Writes what goes before `length` bytes of data.
    pub fn before(self, out: &mut Vec<u8>, length: usize) {
        if self == Framing::Chunked {
            begin_chunk(out, length);
        }
    }

    /// Writes what goes after them.
    pub fn after(self, out: &mut Vec<u8>) {
        if self == Framing::Chunked {
            out.extend_from_slice(b"\r\n");
        }
    }
}
