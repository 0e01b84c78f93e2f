//! What of a peer's letters was beyond the bounds, and so not taken (pure).

use crate::api::bounds;

/// So many are named; of the rest the number is told.
const NAMED: usize = 3;

/// How much of one is told, in bytes.
const LONGEST: usize = 300;

/// Of one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Untaken {
    /// Of its last letter.
    last: Vec<String>,
    more: usize,
    total: u64,
}

impl Untaken {
    /// Notes what was not taken of a letter, each with its subject. Gives words for the log if that is news.
    pub fn note(&mut self, untaken: Vec<String>) -> Option<String> {
        self.total += untaken.len() as u64;
        self.more = untaken.len().saturating_sub(NAMED);
        let named = untaken.into_iter().take(NAMED).map(|one| bounds::truncated(one, LONGEST)).collect();
        let former = std::mem::replace(&mut self.last, named);
        if self.last == former { None } else { self.in_words() }
    }

    /// Values not taken since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// For the operator; none if all of the last letter was taken.
    pub fn alarm(&self, peer: &str) -> Option<String> {
        self.in_words().map(|words| format!("peer {peer} says what is not taken: {words}"))
    }

    fn in_words(&self) -> Option<String> {
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        (!self.last.is_empty()).then(|| format!("{}{more}", self.last.join("; ")))
    }
}

#[cfg(test)]
mod tests;
