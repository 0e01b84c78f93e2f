//! Connections of one peer that nothing runs on, and how many of them are worth keeping (pure).
//!
//! After many requests at once there are as many connections. Closing what is beyond a small number and opening it again for the next
//! requests costs more than the requests do; keeping it for long holds a backend's threads for nothing. So up to [`STEADY`] are kept
//! until they are too old, and beyond that as many as were lately needed: half of what was not is let go of at each sweep (as
//! HAProxy's `pool-purge-delay`).

use std::collections::VecDeque;

/// As many are kept whether they are needed or not: more than most services ever need at once.
const STEADY: usize = 64;

/// The connections, the one that was used last at the end.
#[derive(Debug)]
pub struct Resting<C> {
    connections: VecDeque<C>,
    /// The fewest that there were since the last sweep: all these would not have been missed.
    least: usize,
}

impl<C> Default for Resting<C> {
    fn default() -> Resting<C> {
        Resting { connections: VecDeque::new(), least: 0 }
    }
}

impl<C> Resting<C> {
    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// The one that was used last.
    pub fn take(&mut self) -> Option<C> {
        let taken = self.connections.pop_back();
        self.least = self.least.min(self.connections.len());
        taken
    }

    /// Adds one; the oldest are let go of where there are more than `most`.
    pub fn put(&mut self, connection: C, most: usize) {
        self.connections.push_back(connection);
        while self.connections.len() > most {
            self.connections.pop_front();
        }
    }

    /// Lets go of those that are no good any more, and of half of those that were not needed since this was done last.
    pub fn sweep(&mut self, is_good: impl FnMut(&C) -> bool) {
        self.connections.retain(is_good);
        let unneeded = self.least.min(self.connections.len()).saturating_sub(STEADY);
        self.connections.drain(..unneeded.div_ceil(2));
        self.least = self.connections.len();
    }
}

#[cfg(test)]
mod tests;
