//! What a daemon is doing, and what it refuses meanwhile (pure).
//!
//! ```text
//! Succeeding -> Starting -> Serving <-> Reloading
//!                Serving <-> Offering <-> HandingOver -> HandedOver
//!             any but HandingOver -> Stopping
//! ```
//!
//! While handing over it is decided within moments which of two processes is the daemon: told to stop then, a daemon waits
//! for that decision.

use std::time::Duration;

/// What a daemon is doing. Times are since the process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is to take over from the daemon, which decides alone until then.
    Succeeding,
    /// It is not ready yet.
    Starting,
    /// It serves.
    Serving,
    /// It serves, and a reload in place is under way.
    Reloading,
    /// It serves, and a new process has copies of its sockets and prepares to take over.
    Offering,
    /// The new process gets the final state and begins to serve: this one serves too, but changes and writes nothing, unless that
    /// process goes away.
    HandingOver,
    /// Another process is the daemon; what has been accepted here drains.
    HandedOver {
        /// The end of the drain.
        until: Duration,
    },
    /// It was told to stop; what has been accepted drains.
    Stopping {
        /// The end of the drain.
        until: Duration,
    },
}

/// Who does a reload, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// This process, now.
    Now,
    /// It is known when what is under way has ended: one that began earlier may have read an older document.
    Later,
    /// The process that has taken over.
    Successor,
    /// Nobody: the daemon ends.
    Never,
}

impl Phase {
    /// Who does a reload that is asked for in this phase, and when.
    pub fn turn(self) -> Turn {
        match self {
            Phase::Serving => Turn::Now,
            Phase::Succeeding | Phase::Starting | Phase::Reloading | Phase::Offering | Phase::HandingOver => {
                Turn::Later
            }
            Phase::HandedOver { .. } => Turn::Successor,
            Phase::Stopping { .. } => Turn::Never,
        }
    }

    /// Why nobody can take over now.
    pub fn refuses_takeover(self) -> Option<&'static str> {
        match self {
            Phase::Serving => None,
            Phase::Succeeding | Phase::Starting => Some("the running daemon is not ready yet: try again when it is"),
            Phase::Reloading => Some("a reload is under way: try again when it has ended"),
            Phase::Offering | Phase::HandingOver => Some("another takeover is under way"),
            Phase::HandedOver { .. } => Some("another process has taken over: ask that one"),
            Phase::Stopping { .. } => Some("this process is stopping: start the new one without --takeover"),
        }
    }

    /// Why no operator's command is taken now.
    pub fn refuses_commands(self) -> Option<&'static str> {
        (!self.is_daemon()).then_some("another process has taken over: ask again, it listens on the same socket")
    }

    /// No other process is the daemon, or is about to be: this one may change and write state.
    pub fn is_daemon(self) -> bool {
        !matches!(self, Phase::Succeeding | Phase::HandingOver | Phase::HandedOver { .. })
    }

    /// The end of the drain, while there is one.
    pub fn drains_until(self) -> Option<Duration> {
        match self {
            Phase::HandedOver { until } | Phase::Stopping { until } => Some(until),
            _ => None,
        }
    }

    /// The same drain with its end at `now`: for a daemon that is told to stop a second time.
    pub fn cut(self, now: Duration) -> Phase {
        match self {
            Phase::HandedOver { .. } => Phase::HandedOver { until: now },
            Phase::Stopping { .. } => Phase::Stopping { until: now },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
