//! Why a file of a zone, a piece of its text, or record data cannot be taken.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with a file, a name, a number, a field or the whole data of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field it is about, outermost first (`the data after \\#: the address`); none: what was read as a whole.
    pub field: Option<String>,
    /// What was found, and what was expected.
    pub why: Cow<'static, str>,
}

impl Fault {
    /// The same fault as one of a field.
    pub fn within(self, field: impl fmt::Display) -> Fault {
        let field = match self.field {
            Some(inner) => format!("{field}: {inner}"),
            None => field.to_string(),
        };
        Fault { field: Some(field), why: self.why }
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Fault {
        Fault { field: None, why: Cow::Owned(why) }
    }
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Fault {
        Fault { field: None, why: Cow::Borrowed(why) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for Fault {}
