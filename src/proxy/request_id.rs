//! What one request is called, to find it in the access log by what a visitor was shown.

use std::cell::RefCell;
use std::fmt;

use crate::api::why::is_id;
use crate::random;

/// The longest that a proxy before ours may give ([`is_id`]): a UUID has 36 letters, others have more.
const LONGEST: usize = 64;

/// What a request is called: 16 hexadecimal digits of 64 random bits, which nobody can guess and no two requests share for all that
/// it matters, or what a trusted proxy before ours calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    text: [u8; LONGEST],
    length: u8,
}

impl RequestId {
    /// Of a request that has none yet.
    pub fn new() -> RequestId {
        let mut text = [0; LONGEST];
        let bits = RANDOM.with_borrow_mut(Random::next);
        for (place, digit) in text[..16].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (60 - 4 * place) & 0xf) as usize];
        }
        RequestId { text, length: 16 }
    }

    /// What somebody else calls it; none: that is too long, or has letters that could mean something somewhere.
    pub fn given(text: &[u8]) -> Option<RequestId> {
        let text = std::str::from_utf8(text).ok().filter(|text| is_id(text))?;
        let mut id = RequestId { text: [0; LONGEST], length: text.len() as u8 };
        id.text.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(id)
    }

    /// Its letters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length.into()]
    }
}

impl Default for RequestId {
    fn default() -> RequestId {
        RequestId::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bits that the kernel has drawn, many at a time: a request is not to cost a system call.
struct Random {
    bytes: [u8; 512],
    used: usize,
}

thread_local! {
    static RANDOM: RefCell<Random> = const { RefCell::new(Random { bytes: [0; 512], used: 512 }) };
}

impl Random {
    fn next(&mut self) -> u64 {
        if self.used == self.bytes.len() {
            // The kernel gives some as soon as the machine has booted.
            if random::fill(&mut self.bytes).is_err() {
                return fastrand::u64(..);
            }
            self.used = 0;
        }
        let (bits, _) = self.bytes[self.used..].split_first_chunk().unwrap_or((&[0; 8], &[]));
        self.used += bits.len();
        u64::from_ne_bytes(*bits)
    }
}

#[cfg(test)]
mod tests;
