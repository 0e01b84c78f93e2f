//! What an operator has taken out, and how it comes back.

use crate::api::operator::{OperatorNote, OperatorState};
use crate::verbs::times::since;

/// `www/web2 is in drain since 04:12:05Z, by alice@admin-nl: new disk; until 05:00:00Z`. None while it is ready.
pub(super) fn finding(subject: &str, state: OperatorState, note: Option<&OperatorNote>) -> Option<String> {
    if state == OperatorState::Ready {
        return None;
    }
    let Some(note) = note else {
        return Some(format!("{subject} is in {state}; `polder ready {subject}` puts it back"));
    };
    let why = if note.why.is_empty() { String::new() } else { format!(": {}", note.why) };
    let end = match note.until {
        Some(until) => format!("until {}", since(until)),
        None => format!("`polder ready {subject}` puts it back"),
    };
    Some(format!("{subject} is in {state} since {}, by {}{why}; {end}", since(note.when), note.who))
}
