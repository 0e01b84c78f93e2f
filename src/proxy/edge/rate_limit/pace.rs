//! A rate with its burst, and one account that is kept to it.
//!
//! Time is counted in ticks of 2^-20 s. An account is the tick at which it is even; what is left of its burst is how near that is.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::config::proxy::RateConfig;

/// The bits of a tick that stand for less than a second.
const FRACTION: u32 = 20;

/// How fast requests may come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Ticks that one request takes.
    interval: u64,
    /// How far from even an account may be before one more: the burst but for one.
    tolerance: u64,
}

/// A moment, in ticks.
pub fn ticks(now: Duration) -> u64 {
    let fraction = (u64::from(now.subsec_nanos()) << FRACTION) / 1_000_000_000;
    now.as_secs() << FRACTION | fraction
}

/// So many ticks, rounded up.
fn duration(ticks: u64) -> Duration {
    let fraction = ticks & ((1 << FRACTION) - 1);
    Duration::from_secs(ticks >> FRACTION) + Duration::from_nanos((fraction * 1_000_000_000).div_ceil(1 << FRACTION))
}

impl Pace {
    /// Of this rate; an interval between two ticks is rounded up.
    pub fn new(rate: RateConfig) -> Pace {
        let interval = ticks(rate.per).div_ceil(u64::from(rate.requests.max(1)));
        Pace { interval, tolerance: interval * u64::from(rate.burst.saturating_sub(1)) }
    }

    /// The furthest from even that an account ever is.
    pub fn furthest(&self) -> u64 {
        self.interval + self.tolerance
    }

    /// When an account that is even at `even` will be, with one more request; or how long that has to wait.
    pub fn after_one_more(&self, even: u64, now: u64) -> Result<u64, Duration> {
        match even.saturating_sub(now).checked_sub(self.tolerance) {
            None | Some(0) => Ok(even.max(now) + self.interval),
            Some(wait) => Err(duration(wait)),
        }
    }

    /// Takes one request from an account that stands alone. One that owes more than the pace allows is of another document: it is even.
    pub fn take_from(&self, account: &AtomicU64, now: Duration) -> Result<(), Duration> {
        let now = ticks(now);
        let mut even = account.load(Relaxed);
        loop {
            let is_possible = even <= now + self.furthest();
            let after = self.after_one_more(if is_possible { even } else { now }, now)?;
            match account.compare_exchange_weak(even, after, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(present) => even = present,
            }
        }
    }
}
