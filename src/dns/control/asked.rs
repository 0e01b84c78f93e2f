//! When the peers were asked (pure), as far as orders of certificates go by it.

use std::time::Duration;

use crate::daemon::clock::Now;
use crate::daemon::peers::RECENT;
use crate::health::Proof;

/// By which it is known that whoever is not heard is gone. Without peers nobody has to be asked.
#[derive(Debug, Default)]
pub(super) struct PeersAsked {
    lately: Proof,
    /// Each has to be asked once more, by an exchange that begins at this time or later.
    awaited: Option<Duration>,
}

impl PeersAsked {
    /// From now on each has to be asked anew, if there are any.
    pub(super) fn begin_again(&mut self, has_peers: bool, now: Now) {
        self.lately = if has_peers { Proof::new(now.running, RECENT) } else { Proof::default() };
        self.awaited = has_peers.then_some(now.running);
    }

    /// All of them have been asked since this time, whether they answered or not.
    pub(super) fn note(&mut self, since: Duration, now: Now) {
        self.lately.renew(since, now.running);
        self.awaited = self.awaited.filter(|awaited| since < *awaited);
    }

    /// Whether they were asked lately.
    pub(super) fn is_recent(&self, now: Now) -> bool {
        self.awaited.is_none() && self.lately.holds(now.running)
    }
}
