//! Moments and spans of time as the verbs print them.
//!
//! By hand and not by `humantime`: that writes every unit (`2h 5m 12s 400ms`), and a column of a table has room for one.

/// A moment as the operator's clock shows it: `HH:MM:SS`, in UTC with a `Z`.
pub fn time_of_day(unix_ms: u64) -> String {
    formatted(unix_ms, "%H:%M:%SZ")
}

/// A moment with its day: `2026-11-26 12:05:48Z`.
pub fn moment(unix_ms: u64) -> String {
    formatted(unix_ms, "%Y-%m-%d %H:%M:%SZ")
}

fn formatted(unix_ms: u64, format: &str) -> String {
    let moment = jiff::Timestamp::from_millisecond(unix_ms as i64);
    moment.map_or_else(|_| "an unknown time".to_owned(), |moment| moment.strftime(format).to_string())
}

/// How long ago, in the largest unit that says enough: `12s`, `5m`, `3h`, `2d`.
pub fn ago(unix_ms: u64) -> String {
    let seconds = crate::unix_time::unix_ms().saturating_sub(unix_ms) / 1000;
    span(seconds)
}

/// Seconds in the largest unit that says enough.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
