//! The last word on an import is that of polder's own reader: what it refuses is left out, with its words.

use std::path::Path;

use super::answers;
use super::draft::Draft;
use super::error::ImportError;
use super::guards;
use super::json;
use super::note::{Note, Notes};
use super::tree::{Table, Tree};
use crate::config::finding::Finding;
use crate::config::proxy;

/// What an import comes to: a document that the daemon takes, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The document, valid by polder's own reader.
    pub document: Table,
    /// What was left out or means something else, by line.
    pub notes: Vec<Note>,
}

impl Imported {
    /// `proxy.json`.
    pub fn json(&self) -> String {
        json::print(&Tree::Table(self.document.clone()))
    }
}

/// Has the draft read; leaves out what is refused until nothing is.
///
/// # Errors
///
/// Nothing is left that could be served, or something is wrong with what is no part of the configuration.
pub fn settle(mut draft: Draft, mut notes: Notes) -> Result<Imported, ImportError> {
    draft.name_services();
    loop {
        if draft.services.is_empty() || draft.listeners.is_empty() {
            let (what, expected) = match draft.services.is_empty() {
                true => ("service", "at least one site that is proxied, redirected or answered over HTTP"),
                false => ("listener", "at least one address and port to listen at"),
            };
            let problem = format!("there is no {what} in it that polder could have: expected {expected}");
            return Err(ImportError { notes: notes.into_vec(), ..ImportError::new(problem) });
        }
        let imported = Imported { document: draft.document(), notes: Vec::new() };
        let Err(findings) = proxy::parse(Path::new("proxy.json"), &imported.json()) else {
            return Ok(Imported { notes: notes.into_vec(), ..imported });
        };
        // One at a time: with the first thing taken out, another finding may be gone.
        let taken = findings.0.iter().any(|finding| take_out(&mut draft, finding, &mut notes));
        if !taken {
            return Err(ImportError::new(format!("the document would be refused: {findings}")));
        }
    }
}

/// Takes out what the finding is about; false if that is nothing that can be done without.
fn take_out(draft: &mut Draft, finding: &Finding, notes: &mut Notes) -> bool {
    let path = finding.path.as_str();
    let refused = |message: &str| format!("polder's own reader refuses it: {message}");
    // As the reader's paths name it: bare where it is a plain word, else in brackets.
    let of_service = |name: &str| {
        let spelled = [format!("services.{name}"), format!("services[{name:?}]")];
        spelled
            .iter()
            .filter_map(|spelled| path.strip_prefix(spelled.as_str()))
            .any(|rest| !rest.starts_with(in_a_name))
    };
    let longest = (0..draft.services.len())
        .filter(|n| of_service(&draft.services[*n].name))
        .max_by_key(|n| draft.services[*n].name.len());
    if let Some(n) = longest {
        let message = refused(&format!("{}: {}", finding.path, finding.message));
        let service = &mut draft.services[n];
        let (line, statement) = (service.line, service.statement.clone());
        // Without it a wider service, open perhaps, would have its requests.
        match refusing(&service.settings) {
            Some(settings) => {
                service.settings = settings;
                notes.left_out(line, &statement, format!("{message}; it is answered 403 until you say who may come"));
            }
            None => {
                let danger = if answers::is_error(&service.settings) { "; what it refuses is served here" } else { "" };
                draft.services.remove(n);
                notes.left_out(line, &statement, format!("{message}{danger}"));
            }
        }
        return true;
    }
    let place = path.strip_prefix("listeners[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    if let Some(n) = place.filter(|n| *n < draft.listeners.len()) {
        let listener = draft.listeners.remove(n);
        notes.left_out(listener.line, &listener.statement, refused(&finding.message));
        return true;
    }
    let first = path.split(['.', '[']).next().unwrap_or_default();
    let key = path.strip_prefix(first).unwrap_or_default().trim_start_matches('.').split(['.', '[']).next();
    for (name, table) in [("timeouts", &mut draft.timeouts), ("limits", &mut draft.limits)] {
        if first == name && key.is_some_and(|key| table.remove(key).is_some()) {
            notes.left_out(1, path, refused(&finding.message));
            return true;
        }
    }
    if draft.root.remove(first).is_some() {
        notes.left_out(1, path, refused(&finding.message));
        return true;
    }
    false
}

/// A service that keeps visitors away, as one that answers 403 in its place; none if it keeps nobody away, or is such a one already.
fn refusing(settings: &Table) -> Option<Table> {
    let asks = guards::asked_for(settings.get("tls")).is_some();
    let keeps_away = asks || answers::is_error(settings) || settings.iter().any(|(key, _)| guards::is_one(key));
    let kept = settings.iter().filter(|(key, _)| matches!(*key, "hosts" | "paths" | "tls" | "https"));
    let place = kept.fold(Table::new(), |table, (key, value)| table.with(key, value.clone()));
    let refusing = place.with_all(answers::answer(403, None, ""));
    (keeps_away && refusing != *settings).then_some(refusing)
}

fn in_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

#[cfg(test)]
mod tests;
