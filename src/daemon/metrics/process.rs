//! What the kernel says of this process, as far as Prometheus' client libraries tell it of theirs.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use nix::sys::resource::{Resource, getrlimit};
use nix::time::{ClockId, clock_gettime};

/// Clock ticks in a second, as files of /proc count them: the same on every architecture that this runs on (proc_pid_stat(5)).
const TICKS: u64 = 100;

/// This process. What cannot be read is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Time of CPUs that it has had, its threads' and the kernel's for it together.
    pub cpu: Duration,
    /// Bytes of memory that it has addresses for.
    pub virtual_memory: u64,
    /// Bytes of it that are in memory.
    pub resident_memory: u64,
    /// Open file descriptors.
    pub open_files: u64,
    /// As many as it may open.
    pub most_open_files: u64,
    /// When it began, since 1970.
    pub started: Duration,
}

impl Process {
    /// At this moment.
    pub fn read() -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Process {
            cpu: clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default(),
            virtual_memory: bytes(&status, "VmSize:"),
            resident_memory: bytes(&status, "VmRSS:"),
            open_files: open_files(),
            most_open_files: getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(most, _)| most),
            started: started(),
        }
    }
}

/// A size among the lines of /proc/self/status, which says it in kB of 1024 bytes.
fn bytes(status: &str, field: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    value.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes * 1024)
}

/// The folder's size is their number since Linux 6.2; before that they are counted.
fn open_files() -> u64 {
    match fs::metadata("/proc/self/fd").map(|folder| folder.len()) {
        Ok(count @ 1..) => count,
        _ => fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
    }
}

/// Reckoned once: the wall clock may be set, and the start is still the same.
fn started() -> Duration {
    static STARTED: LazyLock<Duration> = LazyLock::new(|| {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        started_after_boot(&stat)
            .map_or(Duration::ZERO, |started| now.saturating_sub(since_boot.saturating_sub(started)))
    });
    *STARTED
}

/// The field `starttime` of /proc/self/stat. The program's name before it may have blanks and parentheses.
fn started_after_boot(stat: &str) -> Option<Duration> {
    let (_, behind) = stat.rsplit_once(") ")?;
    let ticks: u64 = behind.split(' ').nth(19)?.parse().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

#[cfg(test)]
mod tests;
