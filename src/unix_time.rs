//! Wall-clock time as documents, state files and the admin API write it: milliseconds since the Unix epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
pub fn unix_ms() -> u64 {
    to_unix_ms(SystemTime::now())
}

/// A moment; 0 if it is before the epoch.
pub fn to_unix_ms(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
