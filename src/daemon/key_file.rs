//! Files of keys: one key a line, 32 bytes in base64.
//!
//! Owns their reading. Must never: print a key, also not in an error.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::regular_file::{MOST_KEYS, read_regular_file};

/// The keys of a file. At least one; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Vec<[u8; 32]>);

/// Says how many there are, and nothing else.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} not shown)", self.0.len())
    }
}

impl Keys {
    /// Reads a key file: one key a line, 32 bytes in base64; empty lines and `#` lines are passed over. The error
    /// names file and line, never the content. A file that everybody may read is a warning in the log.
    pub fn read(path: &Path) -> Result<Keys, String> {
        let made = "the same on every host, one a line (`head -c 32 /dev/urandom | base64` makes one)";
        Keys::read_made_by(path, made, "`head -c 32 /dev/urandom | base64` makes one")
    }

    /// The same; the errors tell what is `expected` in the file, and what `makes` it.
    pub(super) fn read_made_by(path: &Path, expected: &str, makes: &str) -> Result<Keys, String> {
        let shown = path.display();
        let text = read_regular_file(path, MOST_KEYS)
            .map_err(|error| format!("{shown}: cannot be read: {error}; expected a file of keys, {expected}"))?;
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0) {
            tracing::warn!("{shown}: every user of this machine can read these keys; make it mode 0400");
        }
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
        let keys = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
            .map(|(index, line)| key(line).map_err(|why| format!("{shown}:{}: {why}", index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(format!("{shown}: holds no key; {makes}"));
        }
        Ok(Keys(keys))
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

/// The error never tells what the line holds.
fn key(line: &[u8]) -> Result<[u8; 32], String> {
    let bytes = STANDARD.decode(line).map_err(|_| "not base64; expected 32 bytes in base64".to_owned())?;
    let length = bytes.len();
    <[u8; 32]>::try_from(bytes).map_err(|_| format!("{length} bytes; expected 32 bytes in base64"))
}

#[cfg(test)]
mod tests;
