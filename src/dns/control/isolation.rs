//! Pools of which this nameserver alone finds every member down (pure).
//!
//! A pool whose members all die is found down by every nameserver within its check's detection bound. So a peer that still sees some up
//! when that has passed does reach them, and this nameserver is isolated from them. Its peers' answer is given from the beginning on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::daemon::opinions::Heard;

/// By pool: since when peers alone see members up, and whether that is isolation.
#[derive(Debug, Default)]
pub struct Isolation(BTreeMap<String, Contradicted>);

#[derive(Debug, Clone, Copy)]
struct Contradicted {
    since: Duration,
    is_isolated: bool,
}

/// A peer sees members up that are all down here.
#[derive(Debug)]
pub(super) struct Contradiction {
    /// When it was heard last.
    pub(super) heard: Heard,
    /// In which time one of us would have found them dead, at the latest.
    pub(super) bound: Duration,
}

impl Isolation {
    /// Whether this nameserver alone finds every member of a pool down.
    pub fn is_from(&self, pool: &str) -> bool {
        self.0.get(pool).is_some_and(|contradicted| contradicted.is_isolated)
    }

    /// The same, of any pool.
    pub fn is_any(&self) -> bool {
        self.0.values().any(|contradicted| contradicted.is_isolated)
    }

    /// The pools of which peers alone saw members up when that was judged last.
    pub(super) fn contradicted(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Judges anew, with the peers that contradict us about each pool. Gives the pools with which isolation has begun, and ended.
    pub(super) fn judge(
        &mut self,
        contradictions: BTreeMap<String, Vec<Contradiction>>,
        running: Duration,
    ) -> (Vec<String>, Vec<String>) {
        let before = std::mem::take(self);
        for (pool, peers) in contradictions {
            let known = before.0.get(&pool);
            let since = known.map_or(running, |known| known.since);
            let is_confirmed = peers.iter().any(|peer| peer.heard.is_after(since + peer.bound));
            let is_isolated = is_confirmed || known.is_some_and(|known| known.is_isolated);
            self.0.insert(pool, Contradicted { since, is_isolated });
        }
        let isolated =
            |of: &Isolation| -> Vec<String> { of.0.keys().filter(|pool| of.is_from(pool)).cloned().collect() };
        let mut begun = isolated(self);
        begun.retain(|pool| !before.is_from(pool));
        let mut ended = isolated(&before);
        ended.retain(|pool| !self.is_from(pool));
        (begun, ended)
    }
}
