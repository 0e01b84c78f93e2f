//! The bytes of a state file (pure): `polder-state 1 SEQUENCE LENGTH CRC32` and a newline, then LENGTH bytes of JSON.
//!
//! What follows those bytes is padding. The checksum covers the sequence number too.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The first word of the header.
const MAGIC: &str = "polder-state";

/// The version written, and the only one read.
const VERSION: &str = "1";

/// The longest header there can be, newline included.
const MAX_HEADER: usize = 80;

/// Why the bytes of a state file cannot be used, worded to follow its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage(Cow<'static, str>);

impl From<&'static str> for Damage {
    fn from(why: &'static str) -> Damage {
        Damage(Cow::Borrowed(why))
    }
}

impl From<String> for Damage {
    fn from(why: String) -> Damage {
        Damage(Cow::Owned(why))
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    /// Which of two slots is the newer; 0 where there is only one file.
    pub(super) sequence: u64,
    /// The payload.
    pub(super) value: Value,
}

/// The bytes of a record.
pub(super) fn render(sequence: u64, value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let payload = serde_json::to_vec(value)?;
    let crc = checksum(sequence, &payload);
    let mut bytes = format!("{MAGIC} {VERSION} {sequence} {} {crc:08x}\n", payload.len()).into_bytes();
    bytes.extend_from_slice(&payload);
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a record.
pub(super) fn parse(bytes: &[u8]) -> Result<Record, Damage> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    let end = bytes.iter().take(MAX_HEADER).position(|byte| *byte == b'\n').ok_or("it has no header line")?;
    let header = std::str::from_utf8(&bytes[..end]).map_err(|_| "its header is no text")?;
    let words: Vec<&str> = header.split(' ').collect();
    let [MAGIC, version, sequence, length, crc] = words[..] else {
        return Err(format!("its header is not `{MAGIC} {VERSION} SEQUENCE LENGTH CRC32`").into());
    };
    if version != VERSION {
        return Err(format!("it has version {version}, expected {VERSION}").into());
    }
    let sequence: u64 = sequence.parse().map_err(|_| "its header has a malformed sequence number")?;
    let length: usize = length.parse().map_err(|_| "its header has a malformed length")?;
    let crc = u32::from_str_radix(crc, 16).map_err(|_| "its header has a malformed checksum")?;

    let rest = &bytes[end + 1..];
    let payload = rest.get(..length).ok_or_else(|| format!("it has {} bytes of {length}", rest.len()))?;
    if checksum(sequence, payload) != crc {
        return Err("its checksum does not match its content".into());
    }
    let value = serde_json::from_slice(payload).map_err(|error| format!("its content is not JSON: {error}"))?;
    Ok(Record { sequence, value })
}

fn checksum(sequence: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_be_bytes());
    hasher.update(payload);
    hasher.finalize()
}
