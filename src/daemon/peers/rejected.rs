//! The values in a peer's messages that were beyond the bounds and so were not merged (pure).

use crate::api::bounds;

/// How many are named; the rest are counted.
const NAMED: usize = 3;

/// The most bytes of one that are shown.
const LONGEST: usize = 300;

/// The rejected values of one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Those of its last message.
    last: Vec<String>,
    more: usize,
    total: u64,
}

impl Rejected {
    /// Notes what was rejected of a message, each with its subject. Gives a text for the log if that has changed.
    pub fn note(&mut self, rejected: Vec<String>) -> Option<String> {
        self.total += rejected.len() as u64;
        self.more = rejected.len().saturating_sub(NAMED);
        let named = rejected.into_iter().take(NAMED).map(|one| bounds::truncated(one, LONGEST)).collect();
        let former = std::mem::replace(&mut self.last, named);
        if self.last == former { None } else { self.text() }
    }

    /// Whether any of the last message was.
    pub fn is_any(&self) -> bool {
        !self.last.is_empty()
    }

    /// Values rejected since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// For the operator; none if all of the last message was merged.
    pub fn alarm(&self, peer: &str) -> Option<String> {
        self.text().map(|text| format!("peer {peer} sent values that were rejected: {text}"))
    }

    fn text(&self) -> Option<String> {
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        (!self.last.is_empty()).then(|| format!("{}{more}", self.last.join("; ")))
    }
}

#[cfg(test)]
mod tests;
