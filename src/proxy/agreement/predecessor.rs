//! What a process that takes over knows of the one before it.

use std::time::Duration;

use super::Mark;

/// The process that has handed over.
#[derive(Debug, Clone, Copy)]
pub struct Predecessor {
    /// Until when it may serve what it served.
    pub settled: Duration,
    /// It was waiting for leases that the store may have forgotten: so does its successor.
    pub waits: bool,
    /// Where it saw the store last.
    pub seen: Option<Mark>,
}
