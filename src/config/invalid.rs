//! A text in a document that is not what its key takes.

use std::borrow::Cow;
use std::fmt;

/// Why a text is not a name, an address, a path, a key: the message of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The text as it stands in the document; none where it is not to be repeated (it could be a private key).
    pub found: Option<String>,
    /// What is wrong with it and what was expected, worded to follow the text.
    pub why: Cow<'static, str>,
}

impl Invalid {
    /// A text that is quoted in the message.
    pub fn new(found: &str, why: impl Into<Cow<'static, str>>) -> Invalid {
        Invalid { found: Some(found.to_owned()), why: why.into() }
    }

    /// A text that is not repeated.
    pub fn unquoted(why: impl Into<Cow<'static, str>>) -> Invalid {
        Invalid { found: None, why: why.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(found) = &self.found {
            write!(f, "{found:?} ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Invalid {}

impl From<Invalid> for String {
    fn from(invalid: Invalid) -> String {
        invalid.to_string()
    }
}
