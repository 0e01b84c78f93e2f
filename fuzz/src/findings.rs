//! What an operator is told of a text that is refused.

use polder::config::Findings;

/// There is something to read, each finding is one line of text that a terminal can show, and points into the text.
///
/// # Panics
///
/// It is not so.
pub fn in_words(found: &Findings, lines: usize) {
    assert!(!found.0.is_empty(), "refused without a word");
    for finding in &found.0 {
        let told = format!("{}: {}", finding.path, finding.message);
        assert!(!finding.message.is_empty() && !told.contains(char::is_control), "told as {told:?}");
        if let Some(line) = finding.line {
            assert!((1..=lines).contains(&(line as usize)), "line {line} of {lines}: {told}");
        }
    }
}
