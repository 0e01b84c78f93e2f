//! How long something took, of many: counts by the bounds between which it lay. Written by one thread, read by all.

use std::array;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::api::quantile::{self, Quantile};

/// The upper bounds of all buckets but the last, in nanoseconds, and as labels say them. One is 2 to 2.5 times the one before: a quantile
/// that is reckoned from them is off by no more than that. The first is what a backend in the next rack takes, the last is longer than
/// a check takes to find a dead backend (5 s by default), and so than a visitor waits for its verdict.
pub const BOUNDS: [(u64, &str); 13] = [
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1.0"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5.0"),
    (10_000_000_000, "10.0"),
];

/// A bucket for each bound, and one for what was beyond them.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// What one thread has measured.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// Nanoseconds: those of five hundred years.
    sum: AtomicU64,
}

/// What all of them have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// How many lay at or below each bound and above the one before; the last: beyond all.
    pub buckets: [u64; BUCKETS],
    /// Of all together.
    pub sum: Duration,
}

impl Histogram {
    /// Counts one. Four comparisons, two loads and two stores.
    pub fn observe(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = &self.buckets[BOUNDS.partition_point(|(bound, _)| *bound < nanos)];
        bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
        self.sum.store(self.sum.load(Relaxed).wrapping_add(nanos), Relaxed);
    }

    /// What it has counted so far.
    pub fn read(&self) -> Measured {
        Measured {
            buckets: array::from_fn(|bucket| self.buckets[bucket].load(Relaxed)),
            sum: Duration::from_nanos(self.sum.load(Relaxed)),
        }
    }
}

/// The time that `share` (0 to 1) of those in these buckets did not exceed, as far as the bounds tell it; none: there are none.
pub fn quantile(buckets: &[u64; BUCKETS], share: f64) -> Option<Quantile> {
    quantile::quantile(&BOUNDS.map(|(nanos, _)| Duration::from_nanos(nanos)), buckets, share)
}

impl AddAssign for Measured {
    fn add_assign(&mut self, other: Measured) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests;
