//! Proof from outside: whether a host serves what the fleet says it serves, before its switch and after.
//!
//! [`probes()`] lists what is asked of a host (pure), [`ask`] asks it, and [`Proof`] compares ([`worse`]): what failed before the switch
//! does not count. Called for each host of a rollout.

mod ask;
mod outcome;
mod probes;

pub use ask::Asker;
pub use outcome::{Outcome, Outcomes};
pub use probes::{Probe, Probes, probes};

use std::time::{Duration, Instant};

use super::pause::pause;
use crate::fleet::Fleet;

/// The pause between two rounds.
const ROUND: Duration = Duration::from_millis(500);

/// What a proof takes in addition to the time for which everything has to work: its questions, and the confirmation.
const MARGIN: Duration = Duration::from_secs(5);

/// How long the proof of a host takes at least, because health checks elsewhere may be slow to notice.
pub fn least_time(fleet: &Fleet, host: &str) -> Duration {
    probes(fleet, host).steady + MARGIN
}

/// The proof of one host, with its outcomes before the switch.
pub struct Proof<'a> {
    asker: &'a Asker<'a>,
    probes: Probes,
    before: Outcomes,
}

impl<'a> Proof<'a> {
    /// Asks the probes before the host is changed.
    pub fn begin(asker: &'a Asker<'a>, probes: Probes) -> Proof<'a> {
        let before = asker.all(&probes.asked);
        Proof { asker, probes, before }
    }

    /// Asks the probes again until nothing has been worse for as long as they need to notice a failure, or until the time is up. Returns
    /// what is worse then.
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
            // There is no event to wait for: the host has to be asked again.
            pause(ROUND);
        }
    }
}

/// What is worse now (pure): what passed before, or was unknown then, and does not pass.
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
