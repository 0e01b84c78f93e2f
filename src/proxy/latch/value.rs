//! The latch itself: a value that proxies store, exchange and merge (pure).

use std::collections::BTreeMap;
use std::net::SocketAddr;

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
    /// The operator's last word where the proxies could not agree: it counts without that until they have taken it in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_agreement: bool,
    /// Where the backends named above are, as far as the proxy that says so knew them: a document may call them otherwise. Earlier
    /// versions do not say it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, SocketAddr>,
}

/// No latch can have moved so often: a move a second would have taken 30,000 years.
const HIGHEST_EPOCH: u64 = 1 << 40;

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
            without_agreement: false,
            addresses: BTreeMap::new(),
        }
    }

    /// Whether its epoch is one that moves can have led to.
    pub fn has_a_possible_epoch(&self) -> bool {
        self.epoch <= HIGHEST_EPOCH
    }

    /// Whether both are the same move, each in the names of a document of its own.
    pub fn is_same_move(&self, other: &Latch) -> bool {
        let address = |latch: &Latch| latch.addresses.get(&latch.active).copied();
        let is_same_backend = self.active == other.active
            || match (address(self), address(other)) {
                (Some(ours), Some(theirs)) => ours == theirs,
                // A proxy of an earlier version repeats a move without addresses.
                _ => self.epoch > 0,
            };
        (self.epoch, &self.by, self.at) == (other.epoch, &other.by, other.at) && is_same_backend
    }

    /// Of a document's backends, the one that is meant by a name: the one at its address, whatever the document calls it; else the one
    /// of that name, unless that is known by another name.
    pub fn meant<'a, B>(
        &self,
        name: &str,
        backends: &'a [B],
        identity: impl Fn(&B) -> (&str, SocketAddr),
    ) -> Option<&'a B> {
        let at = |address: &SocketAddr| backends.iter().find(|backend| identity(backend).1 == *address);
        let is_another = |backend: &B| {
            self.addresses.iter().any(|(other, address)| other != name && *address == identity(backend).1)
        };
        let known = self.addresses.get(name).and_then(at);
        known.or_else(|| backends.iter().find(|backend| identity(backend).0 == name && !is_another(backend)))
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.active).chain(&self.failed_from)
    }

    /// Leaves out the addresses of backends that it does not name.
    pub fn without_strangers(mut self) -> Latch {
        let addresses = std::mem::take(&mut self.addresses);
        let is_named = |name: &String| self.names().any(|known| known == name);
        Latch { addresses: addresses.into_iter().filter(|(name, _)| is_named(name)).collect(), ..self }
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
