//! SipHash-2-4 (Aumasson and Bernstein, 2012): the function that RFC 9018 makes server cookies with (section 4.4).
//!
//! Written by hand because it is one page, allocates nothing, and is tested with the vectors of its authors and of the RFC; the
//! standard library's SipHash is the 1-3 variant (its 2-4 one is deprecated), which gives other cookies.

/// The hash of `message` under `key`.
pub fn siphash_2_4(key: &[u8; 16], message: &[u8]) -> u64 {
    let (low, high) = key.split_at(8);
    let mut state = State::new(number(low), number(high));
    let (words, rest) = message.as_chunks::<8>();
    for word in words {
        state.take(u64::from_le_bytes(*word));
    }
    // The last word has the length in its highest byte.
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = message.len() as u8;
    state.take(u64::from_le_bytes(last));
    state.finish()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

struct State([u64; 4]);

impl State {
    fn new(low: u64, high: u64) -> State {
        State([
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ])
    }

    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        let [a, b, c, d] = self.0;
        a ^ b ^ c ^ d
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        c = c.wrapping_add(d);
        b = b.rotate_left(13) ^ a;
        d = d.rotate_left(16) ^ c;
        a = a.rotate_left(32);
        c = c.wrapping_add(b);
        a = a.wrapping_add(d);
        b = b.rotate_left(17) ^ c;
        d = d.rotate_left(21) ^ a;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests;
