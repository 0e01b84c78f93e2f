//! When what is known was last borne out, for those who act on it without asking: each request looks, and takes no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// On top of what a check needs for a verdict: how late a busy machine may be.
pub const LATENESS: Duration = Duration::from_secs(1);

/// Shows until when something known may be acted on. Copies show the same. Times are [`running`](crate::running_time::running)'s.
///
/// One that has lapsed stays so; another takes its place. So it is seen when knowledge comes back, and who waits for that is woken.
/// The default never lapses: it is for what another process knows.
#[derive(Debug, Clone, Default)]
pub struct Proof(Option<Arc<Stamp>>);

#[derive(Debug)]
struct Stamp {
    /// In milliseconds: until when it may be acted on counts from here.
    at: AtomicU64,
    /// The same, when it was really borne out last.
    borne_out: AtomicU64,
    /// Milliseconds from there.
    lasts: u64,
}

impl PartialEq for Proof {
    /// Whether they are copies of one another.
    fn eq(&self, other: &Proof) -> bool {
        self.0.as_ref().map(Arc::as_ptr) == other.0.as_ref().map(Arc::as_ptr)
    }
}

impl Eq for Proof {}

impl Proof {
    /// Of something that was borne out at this time, and lapses unless it is again within `lasts`.
    pub fn new(at: Duration, lasts: Duration) -> Proof {
        let at = ms(at);
        Proof(Some(Arc::new(Stamp { at: AtomicU64::new(at), borne_out: AtomicU64::new(at), lasts: ms(lasts) })))
    }

    /// Of something that may not be acted on.
    pub fn lapsed() -> Proof {
        Proof(Some(Arc::new(Stamp { at: AtomicU64::new(0), borne_out: AtomicU64::new(0), lasts: 0 })))
    }

    /// Whether what it is about may be acted on now.
    pub fn holds(&self, now: Duration) -> bool {
        self.0.as_ref().is_none_or(|stamp| stamp.holds(stamp.at.load(Ordering::Relaxed), now))
    }

    /// The first moment at which it does not hold, as it is now; none: it never lapses.
    pub fn lapses(&self) -> Option<Duration> {
        let stamp = self.0.as_ref()?;
        Some(Duration::from_millis(stamp.at.load(Ordering::Relaxed).saturating_add(stamp.lasts).saturating_add(1)))
    }

    /// Whether it was borne out so lately that it is worth telling others: what merely stands, since nobody could be asked, is not.
    pub fn is_borne_out(&self, now: Duration) -> bool {
        self.0.as_ref().is_none_or(|stamp| stamp.holds(stamp.borne_out.load(Ordering::Relaxed), now))
    }

    /// Whether it was borne out by something that began at this time or later.
    pub fn is_borne_out_since(&self, at: Duration) -> bool {
        self.0.as_ref().is_none_or(|stamp| stamp.borne_out.load(Ordering::Relaxed) >= ms(at))
    }

    /// Nobody could be asked `at` this time, for a reason of our own: what may be acted on may be for longer.
    pub fn prolong(&self, at: Duration, now: Duration) {
        if let Some(stamp) = self.0.as_ref().filter(|_| self.holds(now)) {
            stamp.at.fetch_max(ms(at), Ordering::Relaxed);
        }
    }

    /// What it is about was borne out again, by something that began `at` this time. True if this is another proof now, since the one
    /// before had lapsed.
    pub fn renew(&mut self, at: Duration, now: Duration) -> bool {
        let Some(stamp) = &self.0 else { return false };
        if self.holds(now) {
            stamp.at.fetch_max(ms(at), Ordering::Relaxed);
            stamp.borne_out.fetch_max(ms(at), Ordering::Relaxed);
            return false;
        }
        let is_recent = stamp.holds(ms(at), now);
        if is_recent {
            *self = Proof::new(at, Duration::from_millis(stamp.lasts));
        }
        is_recent
    }
}

impl Stamp {
    fn holds(&self, at: u64, now: Duration) -> bool {
        ms(now).saturating_sub(at) <= self.lasts
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
