//! The last hour of what a daemon's page shows, minute by minute: how often a thing was used, and the worst that its checks said; and
//! how long it took in the last minute.
//!
//! Pure. Kept by the control thread, in memory alone: a process that has just started knows of nothing before.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::metrics::histogram::{BUCKETS, quantile};
use crate::api::quantile::Quantile;
use crate::health::Verdict;

/// How far back it reaches.
pub const MINUTES: usize = 60;

/// Between two readings.
const PAUSE: Duration = Duration::from_secs(2);

const MINUTE: Duration = Duration::from_secs(60);

/// Between two moments whose times are remembered.
const STEP: Duration = Duration::from_secs(5);

/// Rates are those of this long.
const RECENT: Duration = Duration::from_secs(10);

/// What is read of one thing at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// How often it has been used since the start.
    pub count: u64,
    /// What checks say of it, if it is checked.
    pub verdict: Option<Verdict>,
    /// How long it has taken since the start, by the buckets of a histogram; none: that is not measured.
    pub times: Option<Times>,
}

/// How many took how long.
pub type Times = [u64; BUCKETS];

/// One minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Minute {
    /// How often it was used.
    pub used: u64,
    /// The worst that checks said.
    pub worst: Option<Verdict>,
}

/// The last hour of one thing.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    /// Those that have ended, oldest first: at most [`MINUTES`] less the present one.
    ended: VecDeque<Minute>,
    present: Minute,
    /// When, and how often it had been used by then: of the last [`RECENT`], oldest first.
    recent: VecDeque<(Duration, u64)>,
    /// When, and the times by then: from a minute ago on, oldest first, [`STEP`] apart.
    measured: VecDeque<(Duration, Times)>,
    /// The times at the last reading.
    times: Option<Times>,
    is_stale: bool,
}

impl Trend {
    /// The minutes that are known, oldest first; the last one has not ended.
    pub fn minutes(&self) -> impl ExactSizeIterator<Item = Minute> + '_ {
        let ended = self.ended.len();
        (0..ended + 1).map(move |at| self.ended.get(at).copied().unwrap_or(self.present))
    }

    /// How often it was used in these last minutes, of which the present one has not ended.
    pub fn used_within(&self, minutes: usize) -> u64 {
        let all = self.minutes();
        let earlier = all.len().saturating_sub(minutes);
        all.skip(earlier).map(|minute| minute.used).sum()
    }

    /// How often a second it is used now; none: that is not known yet.
    pub fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let seconds = last.0.saturating_sub(first.0).as_secs_f64();
        (seconds > 0.0).then(|| last.1.saturating_sub(first.1) as f64 / seconds)
    }

    /// The time that `share` (0 to 1) of those did not exceed that were over in the last minute, or since the first reading if that is
    /// less; none: there were none.
    pub fn quantile(&self, share: f64) -> Option<Quantile> {
        let (last, (_, first)) = (self.times.as_ref()?, self.measured.front()?);
        let lately = std::array::from_fn(|bucket| last[bucket].saturating_sub(first[bucket]));
        quantile(&lately, share)
    }

    fn measure(&mut self, at: Duration, times: Times) {
        // Another document may have begun to count anew.
        if self.times.is_some_and(|before| before.iter().zip(times).any(|(before, now)| *before > now)) {
            self.measured.clear();
            self.measured.push_back((at, Times::default()));
        }
        if self.measured.back().is_none_or(|(last, _)| at.saturating_sub(*last) >= STEP) {
            self.measured.push_back((at, times));
        }
        while self.measured.len() > 1 && at.saturating_sub(self.measured[1].0) >= MINUTE {
            self.measured.pop_front();
        }
        self.times = Some(times);
    }

    fn take(&mut self, at: Duration, reading: Reading, ends_minute: bool) {
        self.is_stale = false;
        if let Some(times) = reading.times {
            self.measure(at, times);
        }
        if ends_minute {
            self.ended.push_back(std::mem::take(&mut self.present));
            if self.ended.len() == MINUTES {
                self.ended.pop_front();
            }
        }
        let before = self.recent.back().map_or(reading.count, |(_, count)| *count);
        // Another document may have begun to count anew.
        self.present.used += reading.count.saturating_sub(before);
        self.present.worst = worse(self.present.worst, reading.verdict);
        self.recent.push_back((at, reading.count));
        while self.recent.len() > 2 && at.saturating_sub(self.recent[1].0) >= RECENT {
            self.recent.pop_front();
        }
    }
}

fn worse(one: Option<Verdict>, other: Option<Verdict>) -> Option<Verdict> {
    let rank = |verdict: &Option<Verdict>| match verdict {
        None => 0,
        Some(Verdict::Up) => 1,
        Some(Verdict::Unchecked) => 2,
        Some(Verdict::Down) => 3,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// All of them, by name.
#[derive(Debug, Clone, Default)]
pub struct Trends {
    of: BTreeMap<String, Trend>,
    read: Option<Duration>,
}

impl Trends {
    /// Whether it is time to read again.
    pub fn is_due(&self, now: Duration) -> bool {
        self.read.is_none_or(|read| now.saturating_sub(read) >= PAUSE)
    }

    /// Takes what was read, all of it: what is not among it is forgotten.
    pub fn take(&mut self, now: Duration, readings: impl IntoIterator<Item = (String, Reading)>) {
        let minute = |moment: Duration| moment.as_secs() / MINUTE.as_secs();
        let ends_minute = self.read.is_some_and(|read| minute(read) != minute(now));
        self.read = Some(now);
        self.of.values_mut().for_each(|trend| trend.is_stale = true);
        for (name, reading) in readings {
            self.of.entry(name).or_default().take(now, reading, ends_minute);
        }
        self.of.retain(|_, trend| !trend.is_stale);
    }

    /// How many minutes are known, of whatever is known longest.
    pub fn reach(&self) -> usize {
        self.of.values().map(|trend| trend.minutes().len()).max().unwrap_or(0)
    }

    /// Of this one.
    pub fn of(&self, name: &str) -> Option<&Trend> {
        self.of.get(name)
    }
}

#[cfg(test)]
mod tests;
