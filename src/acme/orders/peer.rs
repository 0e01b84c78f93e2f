//! A peer, as far as orders go (plain data).

use std::time::Duration;

use crate::acme::message::AcmeMessage;
use crate::daemon::clock::Now;

/// A peer of which nothing came for this long is gone, as far as orders go: exchanges are begun every second from both sides.
const HEARD: Duration = Duration::from_secs(5);

/// The challenges of a peer of which nothing came for this long are not answered any more: its order has ended, and nobody has told us.
pub(super) const ANSWERS: Duration = Duration::from_secs(600);

/// One peer.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// What it said last.
    pub(super) words: AcmeMessage,
    /// When something came last, by [`Now::running`].
    pub(super) heard: Duration,
}

impl Peer {
    /// Something has come from it lately.
    pub(super) fn is_heard(&self, now: Now) -> bool {
        now.running.saturating_sub(self.heard) < HEARD
    }

    /// It says nothing of orders: it is of an earlier version, or its document orders nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.words.part.is_none()
    }

    /// The CA may still ask for its challenges.
    pub(super) fn answers_count(&self, now: Now) -> bool {
        now.running.saturating_sub(self.heard) < ANSWERS
    }
}
