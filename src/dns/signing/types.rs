//! The types of a name, as NSEC records have them (RFC 4034, 4.1.2).

use std::collections::BTreeMap;

/// Writes types as windows of bits.
pub fn bitmap(types: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for [window, bit] in types.into_iter().map(u16::to_be_bytes) {
        let bits = windows.entry(window).or_default();
        let byte = usize::from(bit / 8);
        bits.resize(bits.len().max(byte + 1), 0);
        bits[byte] |= 0x80 >> (bit % 8);
    }
    windows.into_iter().flat_map(|(window, bits)| [vec![window, bits.len() as u8], bits].concat()).collect()
}
