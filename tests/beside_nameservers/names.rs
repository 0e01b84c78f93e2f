//! Domain names as lists of labels, in the case they were written in.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub Vec<Vec<u8>>);

impl Name {
    /// A name of labels without escapes; the final dot may be missing.
    pub fn of(text: &str) -> Name {
        Name(text.split('.').filter(|label| !label.is_empty()).map(|label| label.as_bytes().to_vec()).collect())
    }

    pub fn below(&self, labels: &[&[u8]]) -> Name {
        Name(labels.iter().map(|label| label.to_vec()).chain(self.0.iter().cloned()).collect())
    }

    pub fn lower(&self) -> Name {
        Name(self.0.iter().map(|label| label.to_ascii_lowercase()).collect())
    }

    pub fn wire(&self) -> Vec<u8> {
        let mut wire: Vec<u8> = self.0.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
        wire.push(0);
        wire
    }

    pub fn fits(&self) -> bool {
        self.wire().len() <= 255 && self.0.iter().all(|label| label.len() <= 63)
    }

    pub fn is_within(&self, other: &Name) -> bool {
        self.lower().0.ends_with(&other.lower().0)
    }

    /// Whether it may own what means nothing at a wildcard.
    pub fn is_wildcard(&self) -> bool {
        self.0.first().is_some_and(|label| label == b"*")
    }
}

/// The absolute form of master files.
impl fmt::Display for Name {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return to.write_str(".");
        }
        for byte in self.0.iter().flat_map(|label| label.iter().map(Some).chain([None])) {
            match byte {
                None => to.write_str(".")?,
                Some(byte) if byte.is_ascii_alphanumeric() || b"-_*".contains(byte) => write!(to, "{}", *byte as char)?,
                Some(byte) => write!(to, "\\{byte:03}")?,
            }
        }
        Ok(())
    }
}
