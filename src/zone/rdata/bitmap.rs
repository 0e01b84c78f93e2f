//! Sets of record types as windows of bits (RFC 4034, 4.1.2).

use std::collections::BTreeMap;

use super::super::fault::Fault;
use super::super::words::Words;
use super::types;

/// Reads types to the end.
pub fn read(words: &mut Words<'_, '_>, wire: &mut Vec<u8>) -> Result<(), Fault> {
    let mut listed = Vec::new();
    while !words.is_empty() {
        listed.push(types::parse_listed(words.word()?)?);
    }
    wire.extend(bitmap(listed));
    Ok(())
}

/// Writes types as windows of bits.
pub fn bitmap(types: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for [window, bit] in types.into_iter().map(u16::to_be_bytes) {
        let bits = windows.entry(window).or_default();
        let byte = usize::from(bit / 8);
        bits.resize(bits.len().max(byte + 1), 0);
        bits[byte] |= 0x80 >> (bit % 8);
    }
    let mut wire = Vec::new();
    for (window, bits) in windows {
        let length = u8::try_from(bits.len()).expect("a window has at most 32 bytes");
        wire.extend([window, length]);
        wire.extend(bits);
    }
    wire
}

/// Windows in ascending order, none empty, none with a last byte of zero.
pub fn measure(wire: &[u8]) -> Result<usize, Fault> {
    let mut rest = wire;
    let mut last = None;
    while let [window, length, tail @ ..] = rest {
        let length = usize::from(*length);
        let bits = tail.get(..length).ok_or("the data ends within a window of types")?;
        if !(1..=32).contains(&length) || bits.last() == Some(&0) || last >= Some(*window) {
            return Err("the windows of types are malformed".into());
        }
        last = Some(*window);
        rest = &tail[length..];
    }
    if rest.is_empty() { Ok(wire.len()) } else { Err("the data ends within a window of types".into()) }
}
