//! How many requests of a service may be sent again: a part of those that came within the last ten seconds.
//!
//! When backends are in trouble, retries are what takes them down for good: each request becomes three. So only a part of the requests
//! may be sent again, counted by all workers together (as the retry budgets of Finagle and Linkerd). Pure: must never look at a
//! clock, or take a lock.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Seconds that are looked back on, the present one included.
const WINDOW: u64 = 10;

/// Retries within the window that are never too many: with few visitors a part of them is less than one.
pub const RESERVE: u64 = 10;

/// What came within the window, a second a place.
#[derive(Debug, Default)]
pub struct RetryBudget {
    seconds: [AtomicU64; WINDOW as usize],
    spent: AtomicU64,
}

/// One second: its number (as far as it is kept), the requests that came, and those that were sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Second {
    number: u64,
    requests: u64,
    retries: u64,
}

impl Second {
    const NUMBER_BITS: u32 = 16;
    const COUNT_BITS: u32 = 24;
    const MOST: u64 = (1 << Self::COUNT_BITS) - 1;

    fn read(word: u64) -> Second {
        Second {
            number: word >> (2 * Self::COUNT_BITS),
            requests: word >> Self::COUNT_BITS & Self::MOST,
            retries: word & Self::MOST,
        }
    }

    fn written(self) -> u64 {
        let counts = self.requests.min(Self::MOST) << Self::COUNT_BITS | self.retries.min(Self::MOST);
        self.number << (2 * Self::COUNT_BITS) | counts
    }

    /// As it is kept: the number wraps after 18 hours. No second has the number 0, which places have that were never used.
    fn number(now: u64) -> u64 {
        now % ((1 << Self::NUMBER_BITS) - 1) + 1
    }
}

impl RetryBudget {
    /// A request has come. `now`: since the process began.
    pub fn deposit(&self, now: Duration) {
        self.count(now.as_secs(), |second| Second { requests: second.requests + 1, ..second });
    }

    /// Whether one may be sent again, if `percent` of those that came may.
    pub fn has_room(&self, percent: u32, now: Duration) -> bool {
        let now = now.as_secs();
        let seconds = (now.saturating_sub(WINDOW - 1)..=now).map(|at| self.at(at));
        let (requests, retries) =
            seconds.fold((0, 0), |(requests, retries), second| (requests + second.requests, retries + second.retries));
        retries < (requests * u64::from(percent) / 100).max(RESERVE)
    }

    /// One is sent again, unless there is no room for it, which is counted.
    pub fn withdraw(&self, percent: u32, now: Duration) -> bool {
        if !self.has_room(percent, now) {
            self.spent.fetch_add(1, Relaxed);
            return false;
        }
        self.count(now.as_secs(), |second| Second { retries: second.retries + 1, ..second });
        true
    }

    /// Requests that were not sent again, because the budget was spent.
    pub fn spent(&self) -> u64 {
        self.spent.load(Relaxed)
    }

    fn place(&self, at: u64) -> &AtomicU64 {
        &self.seconds[(at % WINDOW) as usize]
    }

    /// What is known of a second.
    fn at(&self, at: u64) -> Second {
        let number = Second::number(at);
        let second = Second::read(self.place(at).load(Relaxed));
        if second.number == number { second } else { Second { number, requests: 0, retries: 0 } }
    }

    fn count(&self, now: u64, change: impl Fn(Second) -> Second) {
        let number = Second::number(now);
        let next = |word| {
            let second = Second::read(word);
            let second = if second.number == number { second } else { Second { number, requests: 0, retries: 0 } };
            Some(change(second).written())
        };
        let _ = self.place(now).fetch_update(Relaxed, Relaxed, next);
    }
}

#[cfg(test)]
mod tests;
