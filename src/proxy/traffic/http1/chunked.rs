//! The chunked transfer coding, strictly (RFC 9112, 7.1): pure, one step a call.
//!
//! Hexadecimal sizes without sign, space or prefix, every line ended by CR LF. Extensions are dropped (nobody uses them;
//! two readers that end them differently disagree on the body) and bounded.

/// Bytes of extensions one body may have in all.
const MOST_EXTENSION: usize = 4096;

/// Hexadecimal digits of a chunk's size: bodies up to 2^60 bytes.
const MOST_DIGITS: u8 = 15;

/// Where in the coding a reader is.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    extension: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Last,
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
    /// All of the input (`skip` bytes) was framing; more is needed.
    More {
        /// Bytes used up.
        skip: usize,
    },
    /// After `skip` bytes of framing the last chunk is over; the trailer section follows.
    Last {
        /// Bytes before the trailer section.
        skip: usize,
    },
}

/// The coding is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder { state: State::Size { size: 0, digits: 0 }, extension: 0 }
    }
}

impl Decoder {
    /// The next step. The caller uses up `skip` and `length` bytes before it asks again.
    pub fn next(&mut self, input: &[u8]) -> Result<Step, Malformed> {
        let mut at = 0;
        while at < input.len() && self.state != State::Last {
            if let State::Data { left } = self.state {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - at);
                let left = left - length as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                return Ok(Step::Data { skip: at, length });
            }
            self.state = self.framing(input[at])?;
            at += 1;
        }
        Ok(if self.state == State::Last { Step::Last { skip: at } } else { Step::More { skip: at } })
    }

    fn framing(&mut self, byte: u8) -> Result<State, Malformed> {
        match (self.state, byte) {
            (State::Size { size, digits }, byte) if byte.is_ascii_hexdigit() => {
                if digits == MOST_DIGITS {
                    return Err(Malformed);
                }
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                Ok(State::Size { size: size << 4 | digit, digits: digits + 1 })
            }
            (State::Size { digits: 0, .. }, _) => Err(Malformed),
            (State::Size { size, .. }, b'\r') => Ok(State::SizeLf { size }),
            (State::Size { size, .. }, b';') => Ok(State::Extension { size }),
            (State::Extension { size }, b'\r') => Ok(State::SizeLf { size }),
            (State::Extension { .. }, byte) if byte != b'\t' && (byte < 0x20 || byte == 0x7f) => Err(Malformed),
            (State::Extension { size }, _) => {
                self.extension += 1;
                if self.extension > MOST_EXTENSION { Err(Malformed) } else { Ok(State::Extension { size }) }
            }
            (State::SizeLf { size: 0 }, b'\n') => Ok(State::Last),
            (State::SizeLf { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size { size: 0, digits: 0 }),
            _ => Err(Malformed),
        }
    }
}

/// Writes the line before a chunk of `length` bytes.
pub fn begin_chunk(out: &mut Vec<u8>, length: usize) {
    let mut digits = [0; 16];
    let mut at = digits.len();
    let mut rest = length;
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
