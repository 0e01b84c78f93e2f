//! Numbers in few columns (pure).

use std::time::Duration;

use crate::api::quantile::{Quantile, quantile};

/// How often a second: `0`, `2.5`, `120`, `15.2k`.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_owned(),
        ..9.95 => format!("{per_second:.1}"),
        ..9_999.5 => format!("{per_second:.0}"),
        ..999_950.0 => format!("{:.1}k", per_second / 1e3),
        _ => format!("{:.1}M", per_second / 1e6),
    }
}

/// As exact as it is shown: what looks equal has the same place, look by look.
pub(super) fn as_shown(number: f64) -> f64 {
    if number < 9.95 { (number * 10.0).round() / 10.0 } else { number.round() }
}

/// A quantile of times in buckets.
pub(super) fn of(bounds_us: &[u64], buckets: &[u64], share: f64) -> Option<Quantile> {
    let bounds: Vec<Duration> = bounds_us.iter().map(|bound| Duration::from_micros(*bound)).collect();
    quantile(&bounds, buckets, share)
}

/// The same as it is shown.
pub(super) fn time(bounds_us: &[u64], buckets: &[u64], share: f64) -> String {
    of(bounds_us, buckets, share).map_or_else(|| "-".to_owned(), Quantile::short)
}
