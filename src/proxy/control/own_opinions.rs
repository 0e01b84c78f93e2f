//! What our checks say, as peers are told, and when it is to be looked at again (pure).

use std::sync::Arc;
use std::time::Duration;

use crate::daemon::opinions::Opinions;

/// Between two looks at whether our own verdicts are still borne out.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);
/// The same when there is news of them: a rack that dies is told of in a few messages.
const LOOKS_AT_NEWS: Duration = Duration::from_millis(100);

/// What our checks say, as peers are told.
#[derive(Debug, Default)]
pub struct OwnOpinions {
    pub(super) told: Arc<Opinions>,
    /// When they were looked at last.
    pub(super) looked: Option<Duration>,
    /// There has been news of checks since.
    pub(super) has_news: bool,
}

impl OwnOpinions {
    /// There is news of checks.
    pub fn note_news(&mut self) {
        self.has_news = true;
    }

    /// What is told.
    pub fn told(&self) -> Arc<Opinions> {
        self.told.clone()
    }

    /// When they are to be looked at again.
    pub(super) fn due(&self) -> Duration {
        let pause = if self.has_news { LOOKS_AT_NEWS } else { LOOKS_AGAIN };
        self.looked.map_or(Duration::ZERO, |looked| looked + pause)
    }
}
