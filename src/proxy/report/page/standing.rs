//! How a service is, in a few words beside its name (pure).

use crate::api::operator::OperatorState;
use crate::api::proxy::{BackendStatus, ServiceStatus};
use crate::health::Verdict;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody gets it.
    Nobody,
    /// Visitors get it, and something is not as the document has it: what.
    Impaired(String),
    /// It is as it should be.
    Well,
}

impl Standing {
    /// Of this service.
    pub(super) fn of(service: &ServiceStatus) -> Standing {
        match service {
            ServiceStatus { usable: false, .. } => Standing::Nobody,
            service if service.is_well() => Standing::Well,
            service => Standing::Impaired(impairments(service).join(", ")),
        }
    }

    /// Its place among the others: the worst is first.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Standing::Nobody => 0,
            Standing::Impaired(_) => 1,
            Standing::Well => 2,
        }
    }
}

/// What is not as it should be, what matters most first.
fn impairments(service: &ServiceStatus) -> Vec<String> {
    let mut words: Vec<String> =
        backup_in_use(service).map(|backup| format!("on backup {backup}")).into_iter().collect();
    let all = service.backends.len();
    let up = service.backends.iter().filter(|backend| backend.check == Verdict::Up).count();
    if up < all {
        words.push(format!("{up} of {all} backends up"));
    }
    for state in [OperatorState::Maint, OperatorState::Drain] {
        let taken_out = service.backends.iter().filter(|backend| backend.operator == state);
        match taken_out.map(|backend| &*backend.name).collect::<Vec<_>>()[..] {
            [] => {}
            [one] => words.push(format!("{one} in {state}")),
            [one, other] => words.push(format!("{one} and {other} in {state}")),
            ref many => words.push(format!("{} backends in {state}", many.len())),
        }
    }
    if service.latch.as_ref().is_some_and(|latch| !latch.stored) {
        words.push("its latch is not on disk".to_owned());
    }
    words
}

/// The backup that new visitors get.
fn backup_in_use(service: &ServiceStatus) -> Option<&str> {
    let in_use = match &service.latch {
        Some(latch) => {
            let active = latch.active.as_deref()?;
            service.backends.iter().find(|backend| backend.name == active)
        }
        // Primaries first, then the first usable backup.
        None => {
            let mut usable = service.backends.iter().filter(|backend| backend.is_well());
            usable.clone().find(|backend| !backend.backup).or_else(|| usable.next())
        }
    };
    in_use.filter(|backend: &&BackendStatus| backend.backup).map(|backend| &*backend.name)
}

#[cfg(test)]
mod tests;
