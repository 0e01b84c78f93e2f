//! Proof from outside: whether a host serves what the fleet says it serves, before its switch and after (DESIGN 11).
//!
//! [`probes()`] says what is asked of a host (pure), [`ask`] asks it, and [`Proof`] compares: only what passed before and fails now is
//! held against a switch. Called by the rollout's caller.

mod ask;
mod probes;

pub use ask::Asker;
pub use probes::{Probe, Probes, probes};

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(500);

/// What probes passed, and why others did not.
pub type Outcomes = BTreeMap<Probe, Result<(), String>>;

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
            thread::park_timeout(ROUND);
        }
    }
}

/// What passed before and fails now, in words (pure).
pub fn worse(before: &Outcomes, now: &Outcomes) -> Vec<String> {
    let passed = |probe: &Probe| before.get(probe).is_some_and(Result::is_ok);
    let failed = now.iter().filter_map(|(probe, outcome)| Some((probe, outcome.as_ref().err()?)));
    failed.filter(|(probe, _)| passed(probe)).map(|(probe, why)| format!("{probe}: {why}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(port: u16) -> Probe {
        Probe::Ready { proxy: ([192, 0, 2, 1], port).into() }
    }

    #[test]
    fn only_what_passed_before_is_held_against_a_switch() {
        let failed = || Err("it answers 503".to_owned());
        let before = Outcomes::from([(ready(1), Ok(())), (ready(2), failed()), (ready(3), Ok(()))]);
        let now =
            Outcomes::from([(ready(1), failed()), (ready(2), failed()), (ready(3), Ok(())), (ready(4), failed())]);
        let worse = worse(&before, &now);
        assert_eq!(worse, ["192.0.2.1:1 is ready: it answers 503"]);
    }
}
