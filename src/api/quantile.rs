//! Which time so many of all stayed below, reckoned from the counts of a histogram (pure).

use std::time::Duration;

/// A reckoned time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantile {
    /// About this long.
    About(Duration),
    /// Longer than the last bound, and nobody knows how long.
    Beyond(Duration),
}

/// The time that `share` (0 to 1) of all did not exceed: within its bucket as if those counted there lay evenly, as Prometheus reckons
/// it. `bounds` are the upper ones of all buckets but the last. None: nothing was counted.
pub fn quantile(bounds: &[Duration], buckets: &[u64], share: f64) -> Option<Quantile> {
    let all: u64 = buckets.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = share * all as f64;
    let (mut below, mut from) = (0, Duration::ZERO);
    for (bound, count) in bounds.iter().zip(buckets) {
        if *count > 0 && (below + count) as f64 >= wanted {
            let part = ((wanted - below as f64) / *count as f64).clamp(0.0, 1.0);
            return Some(Quantile::About(from + bound.saturating_sub(from).mul_f64(part)));
        }
        (below, from) = (below + count, *bound);
    }
    Some(Quantile::Beyond(from))
}

impl Quantile {
    /// In at most six columns: `3.4ms`, `120ms`, `1.2s`, `>10s`.
    pub fn short(self) -> String {
        match self {
            Quantile::About(time) => short(time),
            Quantile::Beyond(time) => format!(">{}", short(time)),
        }
    }

    /// In milliseconds; none: beyond the last bound.
    pub fn milliseconds(self) -> Option<f64> {
        match self {
            Quantile::About(time) => Some(time.as_secs_f64() * 1000.0),
            Quantile::Beyond(_) => None,
        }
    }
}

fn short(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        ..9.95 => format!("{ms:.1}ms"),
        ..999.5 => format!("{ms:.0}ms"),
        ..9_950.0 => format!("{:.1}s", ms / 1000.0),
        _ => format!("{:.0}s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests;
