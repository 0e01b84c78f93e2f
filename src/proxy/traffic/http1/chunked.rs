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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// All data of an input cut into pieces, and how many bytes were used up to the trailer section.
    fn decode(input: &[u8], mut cuts: impl FnMut() -> usize) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
        let (mut decoder, mut data, mut at, mut end) = (Decoder::default(), Vec::new(), 0, 0);
        loop {
            match decoder.next(&input[at..end])? {
                Step::Data { skip, length } => {
                    data.extend_from_slice(&input[at + skip..at + skip + length]);
                    at += skip + length;
                }
                Step::More { .. } if end == input.len() => return Ok(None),
                Step::More { skip } => {
                    at += skip;
                    end = (end + cuts().max(1)).min(input.len());
                }
                Step::Last { skip } => return Ok(Some((data, at + skip))),
            }
        }
    }

    #[test]
    fn chunks_come_out_whole_wherever_the_reads_are_cut() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..500 {
            let (mut plain, mut coded) = (Vec::new(), Vec::new());
            for _ in 0..random.usize(0..6) {
                let chunk: Vec<u8> = (0..random.usize(1..200)).map(|_| random.u8(..)).collect();
                begin_chunk(&mut coded, chunk.len());
                coded.extend_from_slice(&chunk);
                coded.extend_from_slice(b"\r\n");
                plain.extend_from_slice(&chunk);
            }
            coded.extend_from_slice(b"0\r\n");
            let end = coded.len();
            coded.extend_from_slice(b"\r\nnext");
            let found = decode(&coded, || random.usize(1..40)).unwrap().unwrap();
            assert_eq!(found, (plain, end), "seed {seed} round {round}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_malformed() {
        for input in [
            &b"\r\n"[..],
            b"g\r\n",
            b"0x5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b"-1\r\n",
            b" 5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b"5\nhello\r\n",
            b"5;a=b\nhello\r\n",
            b"5;a\rb\r\nhello\r\n",
            b"5;a\0\r\nhello\r\n",
            b"5\r\nhelloX",
            b"5\r\nhello\n",
            b"5\r\nhello\rX",
            b"5\r\r\nhello",
            b"1234567890abcdef\r\n",
            b"0000000000000005\r\nhello\r\n",
            b"5,5\r\nhello\r\n",
            b"0\n\n",
        ] {
            assert_eq!(decode(input, || 1), Err(Malformed), "{:?}", input.escape_ascii().to_string());
        }
    }

    #[test]
    fn extensions_are_dropped_and_bounded() {
        let found = decode(b"5;name=\"value\"\r\nhello\r\n00;last\r\n\r\n", || 3).unwrap().unwrap();
        assert_eq!(found.0, b"hello");
        let mut long = b"5;".to_vec();
        long.resize(MOST_EXTENSION + 10, b'a');
        assert_eq!(decode(&long, || 100), Err(Malformed));
    }
}
