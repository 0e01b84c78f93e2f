//! A receiver, from when it is wanted until it is not: what is recorded in that time is for it, and for nobody who comes later.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What may be spent on a receiver that is no longer wanted: on what is left for it, and on its leave, together.
const LEAVE: Duration = Duration::from_millis(500);

/// The control thread ends it, and whoever waits for the receiver looks at that meanwhile.
#[derive(Debug)]
pub(super) struct Session {
    /// Where the receiver listens.
    pub socket: PathBuf,
    /// When the receiver is to be left at the latest; unset: it is wanted.
    over: OnceLock<Instant>,
}

impl Session {
    pub(super) fn new(socket: PathBuf) -> Session {
        Session { socket, over: OnceLock::new() }
    }

    /// The receiver is not wanted any more. The first time counts.
    pub(super) fn end(&self) {
        let _ = self.over.set(Instant::now() + LEAVE);
    }

    /// Somebody wants it.
    pub(super) fn is_wanted(&self) -> bool {
        self.over.get().is_none()
    }

    /// Whether there is time for the receiver until then.
    pub(super) fn allows(&self, until: Instant) -> bool {
        Instant::now() < self.over.get().map_or(until, |over| until.min(*over))
    }
}
