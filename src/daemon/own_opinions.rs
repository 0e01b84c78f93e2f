//! What this daemon's checks say, as its peers are told, and when it is to be looked at again (pure).
//!
//! Called by both daemons' control.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use super::opinions::Opinions;
use crate::health::TargetHealth;

/// Between two looks at whether our own verdicts are still borne out: a verdict that nothing bears out any more makes no news.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);
/// The same when there is news of them: a rack that dies is told of in a few messages.
const LOOKS_AT_NEWS: Duration = Duration::from_millis(100);

/// What our checks say, as peers are told.
#[derive(Debug, Default)]
pub struct OwnOpinions {
    told: Arc<Opinions>,
    /// When they were looked at last.
    looked: Option<Duration>,
    /// There has been news of checks since.
    has_news: bool,
}

impl OwnOpinions {
    /// There is news of checks.
    pub fn note_news(&mut self) {
        self.has_news = true;
    }

    /// Looks at what our checks say, if it is time to: `seen` as for [`Opinions::renew`]. Gives whether there is something to tell.
    pub fn look<'a, Subject: Borrow<str> + Ord>(
        &mut self,
        seen: impl Iterator<Item = (Subject, &'a TargetHealth, Duration)>,
        running: Duration,
    ) -> bool {
        if running < self.due() {
            return false;
        }
        (self.looked, self.has_news) = (Some(running), false);
        let mut ours = Opinions::clone(&self.told);
        let changed = ours.renew(seen, running);
        if changed {
            self.told = Arc::new(ours);
        }
        changed
    }

    /// What is told.
    pub fn told(&self) -> Arc<Opinions> {
        self.told.clone()
    }

    /// When there is news to be looked at, if that is later than now.
    pub fn wakes(&self, running: Duration) -> Option<Duration> {
        self.has_news.then(|| self.due()).filter(|due| *due > running)
    }

    fn due(&self) -> Duration {
        let pause = if self.has_news { LOOKS_AT_NEWS } else { LOOKS_AGAIN };
        self.looked.map_or(Duration::ZERO, |looked| looked + pause)
    }
}
