//! Untrusted text, made safe to display: characters that would control a terminal, forge a line or change the direction of
//! writing are shown as escapes.
//!
//! A reason (`--why`), the name of a branch and the answer of a daemon end up on other people's screens, where a carriage
//! return, an escape sequence (ECMA-48) or a bidirectional override (Unicode Standard Annex 9; "Trojan Source") would make
//! the text look like another one. Pure; called by the verbs' output, the daemons' log and their pages.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character does not show as itself: it is a control (C0, DEL, C1), it separates lines or
/// paragraphs, it turns the direction of writing, or it has no width.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero-width spaces and joiners, LRM and RLM; separators; embeddings and overrides.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            // Word joiner and invisible operators; isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotations, tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with every hidden character as an escape: `\n`, `\u{1b}`, `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    text.chars().for_each(|character| push(&mut shown, character));
    Cow::Owned(shown)
}

/// Appends one character, as [`printable`] shows it.
pub fn push(shown: &mut String, character: char) {
    match character {
        hidden if hidden.is_ascii() && is_hidden(hidden) => shown.extend(hidden.escape_default()),
        hidden if is_hidden(hidden) => shown.extend(hidden.escape_unicode()),
        other => shown.push(other),
    }
}

/// The text for a page of HTML: [`printable`], with the characters escaped that mean something in HTML.
pub fn html(text: &str) -> String {
    let text = printable(text);
    let mut page = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
    page
}

/// Appends one character as it may stand in a string of JSON (RFC 8259, 7): the hidden as `\uXXXX`, so that the data is
/// exact and the text fit for a terminal. The quotes, backslashes and C0 controls are escaped already.
pub fn push_json(json: &mut String, character: char) {
    if !is_hidden(character) {
        return json.push(character);
    }
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = write!(json, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests;
