//! The latch itself: a value that proxies store, exchange and merge (pure).

use serde::{Deserialize, Serialize};

/// Which backend is active, since when and why. The order of the fields is the order of latches: the highest
/// (epoch, by) wins, and the rest makes the order total, so that a merge never depends on who speaks first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Latch {
    /// Rises by one with each move.
    pub epoch: u64,
    /// The proxy that moved it; empty at epoch 0, so that new proxies agree.
    pub by: String,
    /// When it moved, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The active backend.
    pub active: String,
    /// Backends that were failed away from, the latest last; never the active one.
    #[serde(rename = "spent")]
    pub failed_from: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// An operator's step from a backend that can serve: on every proxy that takes it over, running requests may end first.
    #[serde(default)]
    pub by_operator: bool,
}

impl Latch {
    /// What a service begins with: its primary is active.
    pub fn first(primary: &str) -> Latch {
        Latch {
            epoch: 0,
            by: String::new(),
            at: 0,
            active: primary.into(),
            failed_from: Vec::new(),
            reason: "the primary, since the start".into(),
            by_operator: false,
        }
    }

    /// The later of two.
    pub fn merge(self, other: Latch) -> Latch {
        self.max(other)
    }

    /// The same for an operator, with the command that makes them eligible again; empty if there are none.
    pub(super) fn failed_from_in_words(&self, service: &str) -> String {
        match self.failed_from.as_slice() {
            [] => String::new(),
            spent => format!(
                "; failed away from before: {}, which `polder failback {service}` makes eligible again",
                spent.join(", ")
            ),
        }
    }

    /// Those and the active one, the latest last: what the next latch was failed away from.
    pub(super) fn failed_from_with_active(&self) -> Vec<String> {
        let mut spent: Vec<String> = self.failed_from.iter().filter(|name| **name != self.active).cloned().collect();
        spent.push(self.active.clone());
        spent
    }
}
