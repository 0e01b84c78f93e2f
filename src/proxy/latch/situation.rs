//! What surrounds a latch at one moment: the time, its service's backends, and how they stand (pure).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Latch;
use crate::api::bounds;
use crate::api::operator::OperatorState;
use crate::config::proxy::LatchConfig;
use crate::daemon::eligibility::Eligibility;
use crate::health::Verdict;

pub use crate::daemon::clock::Now;

/// A backend, as the latch sees it.
#[derive(Debug, Clone, Copy)]
pub struct BackendState<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is.
    pub address: SocketAddr,
    /// Primary or backup.
    pub backup: bool,
    /// The verdict of its checks.
    pub verdict: Verdict,
    /// Whether none of its checks has succeeded yet that this verdict could stand on.
    pub hearsay: bool,
    /// The last probe's outcome, for people.
    pub reason: &'a str,
    /// Its operator state.
    pub operator: OperatorState,
    /// It is down here, and peers that were heard lately see it up.
    pub contradicted: bool,
}

impl BackendState<'_> {
    /// What it may get by itself.
    pub fn eligibility(&self) -> Eligibility {
        Eligibility::of(self.verdict, self.operator)
    }

    /// It may become the active backend.
    pub(super) fn usable(&self) -> bool {
        self.eligibility().admits_new()
    }

    /// It serves as the active backend.
    pub(super) fn keeps(&self) -> bool {
        self.eligibility().admits_bound()
    }

    /// It is down here and up elsewhere: no reason to move away from it, as long as the operator has none.
    pub fn is_in_doubt(&self) -> bool {
        self.contradicted && self.operator != OperatorState::Maint
    }

    pub(super) fn in_words(&self) -> String {
        match self.operator {
            OperatorState::Ready => format!("{} is {} ({})", self.name, self.verdict, self.reason),
            operator => format!("{} is {} ({}), {operator} by the operator", self.name, self.verdict, self.reason),
        }
    }
}

/// What surrounds the latch of one service at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// This proxy's name.
    pub own: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// The service's backends in the order of the document.
    pub backends: &'a [BackendState<'a>],
    /// How the latch moves.
    pub rules: &'a LatchConfig,
    /// Requests running on the active backend.
    pub running: u64,
    /// The active backend has been down here and up elsewhere for too long for the others to be late: this proxy alone cannot reach it.
    pub isolated: bool,
    /// The proxies agree on this latch by a store: a step of ours is a wish until it is written there.
    pub agreed: bool,
}

impl<'a> Situation<'a> {
    pub(super) fn find(&self, name: &str) -> Option<&'a BackendState<'a>> {
        self.backends.iter().find(|backend| backend.name == name)
    }

    pub(super) fn primary(&self) -> Option<&'a BackendState<'a>> {
        self.backends.iter().find(|backend| !backend.backup)
    }

    /// Primaries, then backups, each in order.
    pub fn in_order(&self) -> impl Iterator<Item = &'a BackendState<'a>> {
        let backends = self.backends;
        let primaries = backends.iter().filter(|backend| !backend.backup);
        primaries.chain(backends.iter().filter(|backend| backend.backup))
    }

    /// Whether the document has all backends of a latch, under the same names and where it says.
    pub(super) fn names_alike(&self, latch: &Latch) -> bool {
        let is_here = |name| self.find(name).is_some_and(|here| latch.addresses.get(name) == Some(&here.address));
        latch.names().all(|name| is_here(name))
    }

    /// The same latch in the names of this document: a backend that was renamed is the one it was. One that is gone keeps its name,
    /// unless the document gives that to another one.
    pub(super) fn in_our_names(&self, latch: &Latch) -> Latch {
        let meant = |name: &String| latch.meant(name, self.backends, |backend| (backend.name, backend.address));
        let active = match (meant(&latch.active), self.find(&latch.active)) {
            (Some(backend), _) => backend.name.to_owned(),
            (None, Some(_)) => format!("{}-before", latch.active),
            (None, None) => latch.active.clone(),
        };
        let mut failed_from: Vec<String> = Vec::new();
        for name in &latch.failed_from {
            let ours = match (meant(name), self.find(name)) {
                (Some(backend), _) => backend.name,
                (None, Some(_)) => continue,
                (None, None) => name,
            };
            if ours != active && !failed_from.iter().any(|known| known == ours) {
                failed_from.push(ours.to_owned());
            }
        }
        let addresses = self.addresses(latch, &active, &failed_from);
        Latch { active, failed_from, addresses, ..latch.clone() }
    }

    /// Where these backends are: by this document, or as the latch before said.
    fn addresses(&self, latch: &Latch, active: &String, failed_from: &[String]) -> BTreeMap<String, SocketAddr> {
        let address = |name: &String| {
            let here = self.find(name).map(|backend| backend.address);
            here.or_else(|| latch.addresses.get(name).copied())
        };
        let names = std::iter::once(active).chain(failed_from);
        names.filter_map(|name| Some((name.clone(), address(name)?))).collect()
    }

    /// The latch that follows `latch` and names another backend, or the same one anew.
    pub(super) fn next_latch(
        &self,
        latch: &Latch,
        to: &str,
        failed_from: Vec<String>,
        reason: String,
        now: Now,
    ) -> Latch {
        let mut failed_from: Vec<String> = failed_from.into_iter().filter(|name| name != to).collect();
        // The oldest of those that this document does not have go first: each move adds one at most.
        let is_unknown = |name: &String| self.find(name).is_none();
        while failed_from.iter().filter(|name| is_unknown(name)).count() > bounds::MAX_UNKNOWN_SPENT {
            failed_from.iter().position(is_unknown).map(|oldest| failed_from.remove(oldest));
        }
        let active = to.to_owned();
        Latch {
            epoch: latch.epoch.saturating_add(1),
            by: self.own.to_string(),
            at: now.unix_ms,
            addresses: self.addresses(latch, &active, &failed_from),
            active,
            failed_from,
            reason: bounds::truncated(reason, bounds::MAX_REASON),
            by_operator: false,
            without_agreement: false,
        }
    }

    /// The first usable backend that was never failed away from.
    pub(super) fn fresh(&self, latch: &Latch) -> Option<&'a BackendState<'a>> {
        self.in_order().find(|backend| {
            backend.usable()
                && backend.name != latch.active
                && !latch.failed_from.iter().any(|name| name == backend.name)
        })
    }

    /// Whether another backend could follow the active one.
    pub(super) fn has_successor(&self, latch: &Latch) -> bool {
        self.fresh(latch).is_some() || (self.rules.last_resort && self.last_resort(latch).is_some())
    }

    /// Whether checks have yet to say of some backend what it can do.
    pub(super) fn awaits_a_check(&self) -> bool {
        self.backends.iter().any(|backend| backend.eligibility() == Eligibility::Pending)
    }

    /// The usable backend that was failed away from last: its sessions are the youngest.
    pub(super) fn last_resort(&self, latch: &Latch) -> Option<&'a BackendState<'a>> {
        latch
            .failed_from
            .iter()
            .rev()
            .filter(|name| **name != latch.active)
            .find_map(|name| self.find(name).filter(|b| b.usable()))
    }
}
