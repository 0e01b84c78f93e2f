//! When a secondary zone asks which primary, and when it has expired (pure): RFC 1034, 4.3.5, and RFC 1996 for what is told.
//!
//! ```text
//! waiting --its time, or NOTIFY--> asking(first primary) --failed--> asking(next) --all failed--> waiting(retry)
//!                                       |--has what we have, or a newer one was taken--> waiting(refresh)
//! whatever it does: no primary has confirmed the zone for its expire time --> expired, until one does
//! ```
//!
//! Owns one zone's times. Must never: look at a clock, or ask two primaries at once.

use std::time::Duration;

/// What the zone's SOA says of times, within what is heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Between two looks that find somebody.
    pub refresh: Duration,
    /// Between two that find nobody.
    pub retry: Duration,
    /// How long the zone is served though no primary confirms it.
    pub expire: Duration,
}

/// The longest between two looks, whatever the SOA says.
const LONGEST: Duration = Duration::from_secs(4 * 7 * 86_400);

/// The first pause where there is no zone yet, whose SOA would say it; each next one is twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Between the beginnings of two looks, whatever a primary tells: anybody can send what seems to be a NOTIFY without a key.
const SPACING: Duration = Duration::from_millis(250);

/// The longest pause where there is no zone yet.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

impl Times {
    /// Those of a SOA, in seconds. A second is the least, and no zone expires before it was looked for.
    pub fn new(refresh: u32, retry: u32, expire: u32) -> Times {
        let seconds = |number: u32| Duration::from_secs(number.max(1).into());
        let (refresh, retry) = (seconds(refresh).min(LONGEST), seconds(retry).min(LONGEST));
        Times { refresh, retry, expire: seconds(expire).max(refresh) }
    }
}

/// One zone's times. Moments are since the process began.
#[derive(Debug)]
pub struct Timers {
    primaries: usize,
    times: Option<Times>,
    /// When it has expired, once there is one.
    expires: Option<Duration>,
    has_expired: bool,
    doing: Doing,
    /// The primary that has told of something new while another one was asked.
    told: Option<usize>,
    /// When a look that somebody's word begins may begin.
    heeds: Duration,
    /// Looks in a row that found nobody.
    failures: u32,
    random: fastrand::Rng,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Until then.
    Waiting(Duration),
    /// This primary; so many have failed before it.
    Asking { primary: usize, failed: usize },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Ask this primary for the zone, if it has a newer one.
    Ask(usize),
    /// No primary has confirmed the zone for too long: it is not served.
    Expire,
}

impl Timers {
    /// Of a zone with so many primaries, of which nothing is known yet: it is looked for at once.
    pub fn new(primaries: usize, seed: u64) -> Timers {
        Timers {
            primaries: primaries.max(1),
            times: None,
            expires: None,
            has_expired: false,
            doing: Doing::Waiting(Duration::ZERO),
            told: None,
            heeds: Duration::ZERO,
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// A zone is there that was stored; a primary confirmed it so long ago. It is looked for soon, whatever its refresh time: what a primary told meanwhile,
    /// nobody has heard. Not all at once.
    pub fn stored(&mut self, times: Times, age: Duration, now: Duration) {
        const SOON: Duration = Duration::from_secs(2);
        self.times = Some(times);
        self.expires = Some(now + times.expire.saturating_sub(age));
        self.has_expired = false;
        self.doing = Doing::Waiting(now + SOON.mul_f64(self.random.f64()));
    }

    /// Other primaries are asked from now on.
    pub fn set_primaries(&mut self, primaries: usize, now: Duration) {
        self.primaries = primaries.max(1);
        self.told = None;
        self.doing = Doing::Waiting(now);
    }

    /// This primary tells that there is something new.
    pub fn notified(&mut self, primary: usize, now: Duration) {
        match self.doing {
            Doing::Waiting(at) => {
                self.told = Some(primary);
                self.doing = Doing::Waiting(at.min(now.max(self.heeds)));
            }
            Doing::Asking { .. } => self.told = Some(primary),
        }
    }

    /// The primary that is asked has the zone that we have, or gave a newer one, with these times.
    pub fn confirmed(&mut self, times: Times, now: Duration) {
        self.times = Some(times);
        self.expires = Some(now + times.expire);
        self.has_expired = false;
        self.failures = 0;
        let next = match self.told {
            Some(_) => now.max(self.heeds),
            None => now + self.early(times.refresh),
        };
        self.doing = Doing::Waiting(next);
    }

    /// Nothing came of asking.
    pub fn failed(&mut self, now: Duration) {
        let Doing::Asking { primary, failed } = self.doing else { return };
        if failed + 1 < self.primaries {
            let primary = (primary + 1) % self.primaries;
            self.doing = Doing::Asking { primary, failed: failed + 1 };
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = match self.times {
            Some(times) => times.retry,
            None => (FIRST_RETRY * (1 << (self.failures - 1).min(10))).min(LONGEST_RETRY),
        };
        // A primary that has told of something new meanwhile is there.
        let pause = if self.told.is_some() { pause.min(FIRST_RETRY) } else { pause };
        self.doing = Doing::Waiting(now + self.early(pause));
    }

    /// What is to be done now, each once. After [`Timers::failed`] that is the next primary, if there is one.
    pub fn due(&mut self, was_failed: bool, now: Duration) -> Vec<Todo> {
        let mut todo = Vec::new();
        if !self.has_expired && self.expires.is_some_and(|at| at <= now) {
            self.has_expired = true;
            todo.push(Todo::Expire);
        }
        match self.doing {
            Doing::Waiting(at) if at <= now => {
                let primary = self.told.take().filter(|told| *told < self.primaries).unwrap_or(0);
                self.doing = Doing::Asking { primary, failed: 0 };
                self.heeds = now + SPACING;
                todo.push(Todo::Ask(primary));
            }
            Doing::Asking { primary, .. } if was_failed => todo.push(Todo::Ask(primary)),
            Doing::Waiting(_) | Doing::Asking { .. } => {}
        }
        todo
    }

    /// The next moment at which there is something to do.
    pub fn wakes(&self) -> Option<Duration> {
        let look = match self.doing {
            Doing::Waiting(at) => Some(at),
            Doing::Asking { .. } => None,
        };
        let expires = self.expires.filter(|_| !self.has_expired);
        look.into_iter().chain(expires).min()
    }

    /// No primary has confirmed the zone for too long.
    pub fn has_expired(&self) -> bool {
        self.has_expired
    }

    /// Those of the zone that is there.
    pub fn times(&self) -> Option<Times> {
        self.times
    }

    /// How long the zone is served still if no primary confirms it, and how long in all.
    pub fn left(&self, now: Duration) -> Option<(Duration, Duration)> {
        Some((self.expires?.saturating_sub(now), self.times?.expire))
    }

    /// A primary is being asked.
    pub fn is_asking(&self) -> bool {
        matches!(self.doing, Doing::Asking { .. })
    }

    /// Up to a tenth earlier, so that the zones of one primary are not looked for together.
    fn early(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(1.0 - self.random.f64() / 10.0)
    }
}

#[cfg(test)]
mod tests;
