//! Times within what a document may say. Pure.

use std::time::Duration;

use crate::config::duration;

/// As a document writes it, within what it may be.
pub fn within(time: Duration, least: Duration, most: Duration) -> (String, bool) {
    let held = time.clamp(least, most);
    (duration::format(held), held == time)
}
