//! Runs one batch after another, with all hosts of a batch at once. The rollout stops after the first batch in which a host failed.

use std::collections::BTreeMap;
use std::thread;

use super::host::HostRollout;
use super::session::Session;
use super::step::{Stage, Step};

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
    thread::scope(|scope| {
        let running: Vec<_> =
            batch.iter().map(|step| (&step.host, scope.spawn(|| HostRollout { session, step }.run()))).collect();
        let ended = running.into_iter().map(|(host, running)| {
            let stage = running
                .join()
                .unwrap_or_else(|_| Stage::Stuck("internal error: the thread for this host panicked".to_owned()));
            (host.clone(), session.reached(host, stage))
        });
        ended.collect()
    })
}
