//! What an operator has taken out, and how it comes back.

use super::Finding;
use crate::api::operator::{OperatorNote, OperatorState};
use crate::verbs::times::since;

/// `www/web2 is in drain since 04:12:05Z, by alice@admin-nl: new disk, until 05:00:00Z; `polder ready www/web2` puts it back`. None while it
/// is ready.
pub(super) fn finding(subject: &str, state: OperatorState, note: Option<&OperatorNote>) -> Option<Finding> {
    if state == OperatorState::Ready {
        return None;
    }
    let said = note.map(|note| {
        let why = if note.why.is_empty() { String::new() } else { format!(": {}", note.why) };
        let until = note.until.map(|until| format!(", until {}", since(until))).unwrap_or_default();
        format!(" since {}, by {}{why}{until}", since(note.began()), note.who)
    });
    let said = said.unwrap_or_default();
    let words = format!("{subject} is in {state}{said}; `polder ready {subject}` puts it back");
    Some(Finding::about([subject], words))
}
