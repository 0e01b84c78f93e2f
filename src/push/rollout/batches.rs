//! Runs one batch after another, with all hosts of a batch at once. The rollout stops after the first batch in which a host failed.

use std::collections::BTreeMap;

use super::host::HostRollout;
use super::session::Session;
use super::step::{Stage, Step};
use crate::push::at_once::at_once;

/// Takes the hosts to their systems. Returns the stage in which each one ended.
pub(super) fn run(session: &Session<'_>, batches: &[Vec<Step>]) -> BTreeMap<String, Stage> {
    let mut ends = BTreeMap::new();
    let mut stopped = false;
    for batch in batches {
        stopped = stopped || session.is_interrupted();
        if stopped {
            ends.extend(batch.iter().map(|step| (step.host.clone(), session.reached(&step.host, Stage::NotReached))));
            continue;
        }
        let ended = run_batch(session, batch);
        stopped = ended.values().any(Stage::is_bad);
        ends.extend(ended);
    }
    ends
}

fn run_batch(session: &Session<'_>, batch: &[Step]) -> BTreeMap<String, Stage> {
    let stages = at_once(batch, |step| HostRollout { session, step }.run());
    batch.iter().zip(stages).map(|(step, stage)| (step.host.clone(), session.reached(&step.host, stage))).collect()
}
