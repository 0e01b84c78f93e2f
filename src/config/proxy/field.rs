//! A field of a response's head, as a document states it (pure).

use crate::config::invalid::Invalid;

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
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    match !text.is_empty() && text.bytes().all(token) {
        true => Ok(text.to_owned()),
        false => Err(Invalid::new(text, "is not a field's name: expected letters, digits and any of !#$%&'*+-.^_`|~")),
    }
}

/// A field's value.
pub(super) fn value(text: &str) -> Result<String, Invalid> {
    let printable = |b: u8| (b' '..=b'~').contains(&b);
    let refused = |why| Err(Invalid::new(text, format!("is not a field's value: {why}")));
    match text.bytes().find(|byte| !printable(*byte)) {
        Some(_) => refused("expected printable ASCII, on one line"),
        None if text.trim() != text => refused("it begins or ends with a blank"),
        None => Ok(text.to_owned()),
    }
}
