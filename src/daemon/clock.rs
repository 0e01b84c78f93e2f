//! Where the control thread's time comes from, and which boot of the machine this is.
//!
//! The pure parts take a [`Now`] and never read a clock themselves.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::random;
use crate::running_time::running;
use crate::unix_time::unix_ms;

/// A moment, as the pure parts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Since the process began, by [`running`]; never goes back.
    pub running: Duration,
    /// Milliseconds since the epoch: for what people read and other machines compare.
    pub unix_ms: u64,
}

impl Now {
    /// This moment.
    pub fn read() -> Now {
        Now { running: running(), unix_ms: unix_ms() }
    }

    /// The next tick of a clock that ticks so often: the same one, however often it is asked for until then.
    pub fn next_tick(&self, every: Duration) -> Duration {
        let every = every.as_millis().max(1);
        let ticks = self.running.as_millis() / every + 1;
        Duration::from_millis(u64::try_from(ticks * every).unwrap_or(u64::MAX))
    }

    /// The same moment by the wall clock.
    pub fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.unix_ms)
    }
}

/// Tells this process from every other one, before and after it: 16 hexadecimal digits, drawn when it is first asked for.
pub fn process() -> &'static str {
    static PROCESS: LazyLock<String> = LazyLock::new(|| {
        let mut drawn = [0; 8];
        match random::fill(&mut drawn) {
            Ok(()) => format!("{:016x}", u64::from_le_bytes(drawn)),
            Err(_) => format!("{}-{}", std::process::id(), unix_ms()),
        }
    });
    &PROCESS
}

/// The kernel's id of this boot of the machine; `unknown` if it cannot be read.
pub fn boot_id() -> &'static str {
    static BOOT: LazyLock<String> = LazyLock::new(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        id.map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
    });
    &BOOT
}

#[cfg(test)]
mod tests;
