//! The key file that peers share.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::regular_file::{MOST_KEYS, read_regular_file};

/// The shared keys, from the key file. At least one; never printed.
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
        let shown = path.display();
        let text = read_regular_file(path, MOST_KEYS).map_err(|error| {
            format!(
                "{shown}: cannot be read: {error}; expected a file of keys, the same on every host, one a line (`head -c 32 \
                 /dev/urandom | base64` makes one)"
            )
        })?;
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0) {
            tracing::warn!("{shown}: every user of this machine can read these keys; make it mode 0400");
        }
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
        let keys = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
            .map(|(index, line)| key(line).map_err(|why| format!("{shown}:{}: {why}", index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(format!("{shown}: holds no key; `head -c 32 /dev/urandom | base64` makes one"));
        }
        Ok(Keys(keys))
    }

    /// The keys, the first to be used for new things. Never empty.
    pub fn as_slice(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// The key for new things.
    pub(super) fn first(&self) -> &[u8; 32] {
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";

    fn read(content: &[u8]) -> Result<Keys, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("peers.key");
        fs::write(&path, content).unwrap();
        Keys::read(&path)
    }

    #[test]
    fn keys_are_read_in_order_and_comments_and_empty_lines_passed_over() {
        let other = STANDARD.encode([7; 32]);
        let keys = read(format!("# made in May\r\n\n {SECRET} \r\n{other}").as_bytes()).unwrap();
        assert_eq!(keys.as_slice(), [*b"secretsecretsecretsecretsecret12", [7; 32]]);
        assert_eq!(keys.first(), b"secretsecretsecretsecretsecret12");
    }

    #[test]
    fn errors_name_file_and_line_and_never_the_content() {
        for (content, line) in [
            (format!("{SECRET}\n\n!{SECRET}\n"), ":3: not base64"),
            (format!("{}\n", &SECRET[..40]), ":1: 30 bytes"),
            ("# nothing\n".to_owned(), "holds no key"),
        ] {
            let error = read(content.as_bytes()).unwrap_err();
            assert!(error.contains("peers.key") && error.contains(line), "{error}");
            assert!(!error.contains("c2Vj") && !error.contains("secret"), "{error}");
        }
        read(&[0xff, 0xfe, b'\n', 0]).unwrap_err();
        assert!(Keys::read(Path::new("/nowhere/peers.key")).unwrap_err().contains("/nowhere/peers.key"));
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", read(SECRET.as_bytes()).unwrap());
        assert_eq!(shown, "Keys(1 not shown)");
    }
}
