//! How requests queue for backends that take so many at once: `max_queue`, `queue_timeout`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{Object, Read};

/// How requests of a service queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// Requests that may queue at a time, over all workers; 0: none. Default 1000.
    pub most: usize,
    /// How long one may. Default 10 s.
    pub timeout: Duration,
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        QueueConfig { most: 1000, timeout: Duration::from_secs(10) }
    }
}

const MOST: RangeInclusive<usize> = 0..=1_000_000;
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

/// Reads what a service says of it; it means something where a backend takes so many requests at once.
pub(super) fn read(service: &Object<'_>, any_bounded: bool) -> Read<QueueConfig> {
    let default = QueueConfig::default();
    if !any_bounded {
        service.refuse(&["max_queue", "queue_timeout"], "where no backend has \"max_connections\"")?;
    }
    let most = service.with_default("max_queue", default.most, |value| value.integer(MOST));
    let timeout = service.with_default("queue_timeout", default.timeout, |value| value.duration(TIMEOUT));
    Ok(QueueConfig { most: most?, timeout: timeout? })
}
