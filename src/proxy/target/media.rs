//! The media types of files, by their names (pure).

use std::path::Path;

/// The value of `Content-Type` for a file of this name.
pub fn of(path: &Path) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    // Text without a charset is read as whatever a browser guesses.
    let is_text = guess.type_() == "text" && guess.get_param("charset").is_none();
    if is_text { format!("{guess}; charset=utf-8") } else { guess.to_string() }
}
