//! The clock by which this process measures how long something is ago.
//!
//! It counts on while the process is stopped and while the machine sleeps (CLOCK_BOOTTIME, clock_gettime(2)). CLOCK_MONOTONIC, which
//! timers and [`std::time::Instant`] use, counts on only while the process is stopped: a machine that wakes after a night would
//! believe what it knew in the evening. What a hypervisor hides from its guest, no clock of the guest shows.

use std::sync::LazyLock;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Since this process first asked; never goes back.
pub fn running() -> Duration {
    static BEGAN: LazyLock<Duration> = LazyLock::new(since_boot);
    let began = *BEGAN;
    since_boot().saturating_sub(began)
}

/// Every kernel that this program runs on has the clock (Linux 2.6.39); asking needs no system call (vdso(7)).
fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}
