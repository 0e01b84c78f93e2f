//! The pause between two questions to a host.

use std::thread;
use std::time::Duration;

/// Waits before a host is asked again that cannot be reached or does not serve yet.
#[allow(clippy::disallowed_methods, reason = "there is no event to wait for: the host has to be asked again")]
pub fn pause(time: Duration) {
    thread::sleep(time);
}
