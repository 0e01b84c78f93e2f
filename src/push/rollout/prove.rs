//! Proof from outside: whether a host serves what the fleet says it serves, before its switch and after.
//!
//! [`probes()`] says what is asked of a host (pure), [`ask`] asks it, and [`Proof`] compares ([`worse`]): what failed before is not
//! held against a switch. Called by `host`.

mod ask;
mod outcome;
mod probes;

pub use ask::Asker;
pub use outcome::{Outcome, Outcomes};
pub use probes::{Probe, Probes, probes};

use std::time::{Duration, Instant};

use super::pause::pause;
use crate::fleet::Fleet;

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(500);

/// What a proof takes besides the time for which all has to go well: its questions, and the confirmation's own connection.
const MARGIN: Duration = Duration::from_secs(5);

/// How long the proof of a host takes at least: the health checks of whoever watches it may be slow.
pub fn least_time(fleet: &Fleet, host: &str) -> Duration {
    probes(fleet, host).steady + MARGIN
}

/// A host as it was before its switch.
pub struct Proof<'a> {
    asker: &'a Asker<'a>,
    probes: Probes,
    before: Outcomes,
}

impl<'a> Proof<'a> {
    /// Looks at a host before it is touched.
    pub fn begin(asker: &'a Asker<'a>, probes: Probes) -> Proof<'a> {
        let before = asker.all(&probes.asked);
        Proof { asker, probes, before }
    }

    /// Looks again until nothing is worse in two looks that are as far apart as the probes need to notice, or until patience
    /// ends: then what is.
    pub fn conclude(self, patience: Duration) -> Vec<String> {
        let end = Instant::now() + patience + self.probes.steady;
        let mut well_since = None;
        loop {
            let began = Instant::now();
            let found = worse(&self.before, &self.asker.all(&self.probes.asked));
            match (found.is_empty(), well_since) {
                (true, Some(since)) if began - since >= self.probes.steady => return found,
                (true, Some(_)) => {}
                (true, None) => well_since = Some(Instant::now()),
                (false, _) if Instant::now() >= end => return found,
                (false, _) => well_since = None,
            }
            // The host tells nobody when it is well again: it has to be asked.
            pause(ROUND);
        }
    }
}

/// What is worse now, in words: it passed before, or was unknown then and does not pass (pure).
pub fn worse(before: &Outcomes, now: &Outcomes) -> Vec<String> {
    let judged = now.iter().filter_map(|(probe, now)| {
        let why = match (before.get(probe)?, now) {
            (_, Outcome::Passed) | (Outcome::Failed(_), _) => return None,
            (Outcome::Unknown(_), Outcome::Unknown(_)) if !probe.is_promised() => return None,
            (_, Outcome::Unknown(why) | Outcome::Failed(why)) => why,
        };
        Some(format!("{probe}: {why}"))
    });
    judged.collect()
}

#[cfg(test)]
mod tests;
