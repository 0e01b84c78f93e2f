//! The two escapes of master files (RFC 1035, 5.1): `\DDD`, a byte by its decimal value, and `\X`, a character that
//! stands for itself.

use super::fault::Fault;

/// The byte that begins `raw`, and how many characters spell it. `raw` must not be empty.
pub fn first(raw: &[u8]) -> Result<(u8, usize), Fault> {
    match raw {
        [b'\\', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
            let byte = u8::try_from(value).map_err(|_| format!("\\{value} is not a byte: \\000 to \\255"))?;
            Ok((byte, 4))
        }
        [b'\\', b'0'..=b'9', ..] => Err("a backslash and a digit begin \\DDD, a byte in three decimal digits".into()),
        [b'\\', byte, ..] => Ok((*byte, 2)),
        [b'\\'] | [] => Err("a backslash stands last: nothing follows that it could escape".into()),
        [byte, ..] => Ok((*byte, 1)),
    }
}

/// All bytes that `raw` spells.
pub fn decode(mut raw: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(raw.len());
    while !raw.is_empty() {
        let (byte, used) = first(raw)?;
        bytes.push(byte);
        raw = &raw[used..];
    }
    Ok(bytes)
}

/// Text of the file as a message shows it: in double quotes, on one line, not too long.
pub fn quote(raw: &[u8]) -> String {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(raw);
    let mut shown: String = text.chars().take(MOST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests;
