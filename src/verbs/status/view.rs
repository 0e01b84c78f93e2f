//! What of the fleet is shown: all of it, or one thing (pure).

use serde_json::{Value, json};

use super::columns::Columns;
use super::names::{self, Named, Unknown};
use super::seen::Seen;
use super::{detail, overview};
use crate::verbs::exit::Exit;
use crate::verbs::replies::DaemonReply;

/// What of it is shown.
pub(super) enum View {
    /// All of it.
    All,
    /// One thing.
    One(Named),
}

impl View {
    /// Of the thing of this name, if one is given.
    pub(super) fn of(name: Option<&str>, seen: &Seen) -> Result<View, Unknown> {
        match name {
            None => Ok(View::All),
            Some(name) => names::find(name, seen).map(View::One),
        }
    }

    /// For people.
    pub(super) fn text(&self, seen: &Seen, columns: Columns) -> String {
        match self {
            View::All => overview::text(seen, columns),
            View::One(named) => detail::text(named, seen, columns),
        }
    }

    /// For machines.
    pub(super) fn json(&self, seen: &Seen) -> Value {
        match self {
            View::All => whole(seen),
            View::One(named) => detail::json(named, seen),
        }
    }

    /// Whether it is well.
    pub(super) fn verdict(&self, seen: &Seen) -> Exit {
        let is_well = match self {
            View::All => seen.findings.is_empty(),
            View::One(named) => named.is_well(seen),
        };
        match () {
            () if seen.replies.iter().all(|one| one.answer.is_err()) && seen.fleet.is_none() => Exit::CouldNot,
            () if is_well => Exit::Done,
            () => Exit::No,
        }
    }
}

fn whole(seen: &Seen) -> Value {
    let daemons: Vec<_> = seen.replies.iter().map(status_json).collect();
    let mut answer = json!({ "well": seen.findings.is_empty(), "findings": seen.findings, "daemons": daemons });
    if let Some(fleet) = &seen.fleet {
        answer["fleet"] = json!(**fleet);
    }
    answer
}

fn status_json(reply: &DaemonReply) -> Value {
    match &reply.answer {
        Ok(status) => json!(status),
        Err(error) => json!({ "name": reply.name(), "error": error }),
    }
}
