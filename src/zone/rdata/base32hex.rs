//! Base32 in the order of its digits, without padding: how hashes of names are spelt (RFC 4648, 7; RFC 5155, 3.3).

use super::super::escape::quote;
use super::super::fault::Fault;

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The bytes that a word spells, in any case; none: it is no such word.
pub fn decode(word: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(word.len() * 5 / 8);
    let (mut held, mut bits) = (0u16, 0);
    for digit in word {
        let value = char::from(*digit).to_digit(32)?;
        held = held << 5 | value as u16;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    // What is left of the last digit is less than a digit, and nothing.
    (bits < 5 && held == 0).then_some(bytes)
}

/// A hash of a name as zones spell it.
pub fn read(word: &[u8]) -> Result<Vec<u8>, Fault> {
    decode(word)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("{} is no hash of a name: letters to v and digits", quote(word)).into())
}

/// The same as text.
pub fn show(bytes: &[u8]) -> String {
    let digits = (bytes.len() * 8).div_ceil(5);
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte & 0x80 >> (at % 8) != 0);
    let value = |digit: usize| (0..5).fold(0, |value, place| value << 1 | usize::from(bit(digit * 5 + place)));
    (0..digits).map(|digit| char::from(DIGITS[value(digit)])).collect()
}
