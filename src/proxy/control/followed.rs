//! The state of another process, read from its `GET /status` (pure).
//!
//! A process that has handed over still serves the requests it had. They must not stay on a backend that went down or was
//! failed away from meanwhile; only the new daemon knows. Must never: decide. Called by [`crate::proxy::control::State::follow`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::prepared::{Prepared, PreparedService};
use crate::api::proxy::{LatchStatus, ServiceStatus, Status};
use crate::daemon::operator::OperatorStates;
use crate::health::{HealthView, Proof, Target, TargetHealth, Verdict};
use crate::proxy::latch::Latch;

/// Its verdicts on the backends of our document; a backend that its document does not have is down.
pub fn health(prepared: &Prepared, daemon: &Status) -> HealthView {
    let mut health: HashMap<Arc<Target>, TargetHealth> = HashMap::new();
    let by_name: HashMap<&str, &ServiceStatus> = daemon.services.iter().map(|one| (&*one.name, one)).collect();
    for service in &prepared.services {
        let theirs = by_name.get(&*service.name);
        for backend in &service.backends {
            let address = backend.address.to_string();
            let theirs = theirs.and_then(|theirs| theirs.backends.iter().find(|theirs| theirs.address == address));
            let theirs_now = TargetHealth {
                verdict: theirs.map_or(Verdict::Down, |theirs| theirs.check),
                health: 0,
                reason: theirs.map_or("gone from the document", |theirs| &theirs.check_reason).into(),
                since: UNIX_EPOCH + Duration::from_millis(theirs.map_or(0, |theirs| theirs.check_since)),
                probed: None,
                changes: 0,
                hearsay: false,
                proof: Proof::default(),
                before: None,
            };
            // Services may share a target: the verdict of one that still uses it counts.
            match health.get_mut(&backend.target) {
                Some(known) if theirs.is_some() => *known = theirs_now,
                Some(_) => {}
                None => drop(health.insert(backend.target.clone(), theirs_now)),
            }
        }
    }
    health.into_iter().collect()
}

/// Its operator states.
pub fn operator(daemon: &Status) -> OperatorStates {
    let mut words = OperatorStates::default();
    for service in &daemon.services {
        for backend in &service.backends {
            if let Some(word) = &backend.note {
                words.set(&format!("{}/{}", service.name, backend.name), word.clone());
            }
        }
    }
    words
}

/// Its latch in the names of our document; none while undecided.
pub fn latch(status: &LatchStatus, theirs: &ServiceStatus, ours: Option<&PreparedService>) -> Option<Latch> {
    let here = |name: &String| {
        let address = theirs.backends.iter().find(|backend| backend.name == *name).map(|backend| &backend.address);
        let ours = address
            .zip(ours)
            .and_then(|(address, ours)| ours.backends.iter().find(|backend| backend.address.to_string() == *address));
        ours.map_or_else(|| name.clone(), |backend| backend.name.to_string())
    };
    let LatchStatus { active, epoch, by, reason, at, spent, stored: _ } = status.clone();
    Some(Latch {
        epoch,
        by,
        at,
        active: here(&active?),
        failed_from: spent,
        reason,
        by_operator: false,
        without_agreement: false,
        addresses: Default::default(),
    })
}
