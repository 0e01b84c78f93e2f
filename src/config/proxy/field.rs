//! A field of a response's head, as a document states it (pure).

use crate::config::invalid::Invalid;
use crate::config::names::{self, TOKEN};

/// A name and a value that cannot end the line they stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// A token (RFC 9110, 5.6.2), as it was written.
    pub name: String,
    /// Printable ASCII, blanks within.
    pub value: String,
}

/// A field's name.
pub(super) fn name(text: &str) -> Result<String, Invalid> {
    match names::is_token(text) {
        true => Ok(text.to_owned()),
        false => Err(Invalid::new(text, format!("is not a field's name: expected {TOKEN}"))),
    }
}

/// A field's value.
pub(super) fn value(text: &str) -> Result<String, Invalid> {
    vet_value(text)?;
    Ok(text.to_owned())
}

/// Whether a text can be a field's value, or why it cannot.
pub(super) fn vet_value(text: &str) -> Result<(), Invalid> {
    if let Some(character) = text.chars().find(|character| !matches!(character, ' '..='~')) {
        let why = format!("has {character:?} in it: expected printable ASCII, for a field is one line of that");
        return Err(Invalid::new(text, why));
    }
    match text.trim() == text {
        true => Ok(()),
        false => Err(Invalid::new(text, "begins or ends with a space, which no reader of a field keeps")),
    }
}
