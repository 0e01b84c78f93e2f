//! From the path of a request to a path in a folder (pure).
//!
//! Each segment is decoded once, by itself, and must be a name: what would lead up, around or into a hidden file is none.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The one folder with a dot that visitors are meant to see (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What is asked for, in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Names alone; empty for the folder itself.
    pub path: PathBuf,
    /// It ended with a slash: a folder is meant.
    pub is_folder: bool,
}

/// Nothing in the folder can be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unnameable;

/// What a path means, undecoded and without its query: below the folder, so that it begins with a slash or is empty.
///
/// # Errors
///
/// A segment is no name: it is empty, begins with a dot (`.well-known` in front excepted), holds a slash or NUL once decoded, or is badly
/// encoded.
pub fn wanted(path: &[u8]) -> Result<Wanted, Unnameable> {
    let Some(path) = path.strip_prefix(b"/") else {
        return if path.is_empty() { Ok(Wanted { path: PathBuf::new(), is_folder: false }) } else { Err(Unnameable) };
    };
    if path.is_empty() {
        return Ok(Wanted { path: PathBuf::new(), is_folder: true });
    }
    let (path, is_folder) = path.strip_suffix(b"/").map_or((path, false), |path| (path, true));
    let mut whole = PathBuf::new();
    for (index, segment) in path.split(|byte| *byte == b'/').enumerate() {
        whole.push(OsString::from_vec(name(segment, index == 0)?));
    }
    Ok(Wanted { path: whole, is_folder })
}

fn name(segment: &[u8], is_first: bool) -> Result<Vec<u8>, Unnameable> {
    let name = decode(segment).ok_or(Unnameable)?;
    let is_hidden = name.starts_with(b".") && !(is_first && name == WELL_KNOWN);
    match name.is_empty() || is_hidden || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        true => Err(Unnameable),
        false => Ok(name),
    }
}

/// Percent-decoding (RFC 3986, 2.1). None: a percent sign without two digits.
fn decode(segment: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(*bytes.next()?)? << 4 | digit(*bytes.next()?)?,
            byte => *byte,
        });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
