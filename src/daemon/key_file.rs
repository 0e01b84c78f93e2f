//! Files of keys: one key a line.
//!
//! Owns their reading. Must never: print a key, also not in an error.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::regular_file::{MOST_KEYS, read_regular_file, warn_if_public};
use crate::counted::counted;

/// The keys of a file, 32 bytes each. At least one; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Vec<[u8; 32]>);

/// Shows how many there are, and nothing else.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} not shown)", self.0.len())
    }
}

/// Why a key cannot be used. Never holds what stands in a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError {
    /// The key of the document that it is about (`peers.key_file`), if it is about one.
    pub key: Option<String>,
    /// The file, and the line from 1 if one can be blamed.
    pub file: Option<(PathBuf, Option<usize>)>,
    /// What is wrong, and what to do.
    pub why: String,
}

impl KeyError {
    /// An error that is about no file.
    pub fn new(why: impl Into<String>) -> KeyError {
        KeyError { key: None, file: None, why: why.into() }
    }

    /// An error in a file, or about the whole of it.
    pub fn at(file: &Path, line: Option<usize>, why: impl Into<String>) -> KeyError {
        KeyError { key: None, file: Some((file.to_owned(), line)), why: why.into() }
    }

    /// The same, of a file or a key that this key of the document names.
    #[must_use]
    pub fn of(self, key: impl Into<String>) -> KeyError {
        KeyError { key: Some(key.into()), ..self }
    }
}

impl fmt::Display for KeyError {
    /// `peers.key_file: FILE:LINE: WHY`, each part left out where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        match &self.file {
            Some((file, Some(line))) => write!(f, "{}:{line}: ", file.display())?,
            Some((file, None)) => write!(f, "{}: ", file.display())?,
            None => {}
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for KeyError {}

impl Keys {
    /// Reads a key file: one key a line, 32 bytes in base64; empty lines and `#` lines are skipped.
    ///
    /// # Errors
    ///
    /// It cannot be read, holds no key, or a line is not one. Names file and line, never the content.
    pub fn read(path: &Path) -> Result<Keys, KeyError> {
        let expected = "the same on every host, one a line (`head -c 32 /dev/urandom | base64` makes one)";
        read_lines(path, expected, "`head -c 32 /dev/urandom | base64` makes one", key).map(Keys)
    }

    /// The keys, the first to be used for new things. Never empty.
    pub fn as_slice(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// The key for new things.
    pub fn first(&self) -> &[u8; 32] {
        &self.0[0]
    }
}

/// Reads each line of a file of keys with `parse`; empty lines and `#` lines are skipped. Errors say what is `expected` in
/// the file, and what `makes` it. A file that everybody may read is a warning in the log.
///
/// # Errors
///
/// The file cannot be read, holds no key, or `parse` refuses a line.
pub fn read_lines<T>(
    path: &Path,
    expected: &str,
    makes: &str,
    parse: impl Fn(&[u8]) -> Result<T, KeyError>,
) -> Result<Vec<T>, KeyError> {
    let text = read_regular_file(path, MOST_KEYS).map_err(|error| {
        KeyError::at(path, None, format!("cannot be read: {error}; expected a file of keys, {expected}"))
    })?;
    warn_if_public(path, "these keys");
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    let keys = lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
        .map(|(index, line)| parse(line).map_err(|error| KeyError::at(path, Some(index + 1), error.why)))
        .collect::<Result<Vec<_>, _>>()?;
    match keys.is_empty() {
        true => Err(KeyError::at(path, None, format!("holds no key; {makes}"))),
        false => Ok(keys),
    }
}

/// Reads a key of 32 bytes in base64; the error never repeats the line.
pub(super) fn key(line: &[u8]) -> Result<[u8; 32], KeyError> {
    let bytes = STANDARD.decode(line).map_err(|_| KeyError::new("not base64; expected 32 bytes in base64"))?;
    let length = bytes.len();
    <[u8; 32]>::try_from(bytes)
        .map_err(|_| KeyError::new(format!("{}; expected 32 bytes in base64", counted(length, "byte"))))
}

#[cfg(test)]
mod tests;
