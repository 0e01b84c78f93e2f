//! What would come of an operator's word about a backend (pure): said before it is given.

use crate::api::operator::OperatorState;
use crate::health::Verdict;
use crate::proxy::snapshot::{Backend, LatchView, Service, ServiceMode};

/// In words for the operator, who has the backend and its service beside them.
pub(super) fn of(service: &Service, backend: &Backend, state: OperatorState) -> String {
    let name = &backend.name;
    if state == OperatorState::Ready {
        let promise = match &service.mode {
            ServiceMode::Latched { .. } => "may be made active again",
            _ if backend.backup => "gets visitors again when no primary can have them",
            _ => "gets visitors again",
        };
        return match (backend.verdict, &service.mode) {
            (Verdict::Up, ServiceMode::Latched { .. }) => format!("{name} {promise}; visitors stay where they are"),
            (Verdict::Up, _) => format!("{name} {promise}"),
            (verdict, _) => format!("{name} {promise}, once its checks find it up (it is {verdict})"),
        };
    }
    match &service.mode {
        ServiceMode::Latched { latch, .. } => of_latched(service, backend, *latch),
        ServiceMode::Sticky { .. } if state == OperatorState::Drain => {
            format!("{name} gets no new visitors, those whose cookie names it stay; {}", rest(service, backend))
        }
        _ => format!("{name} gets no more requests, those that run may end; {}", rest(service, backend)),
    }
}

fn of_latched(service: &Service, backend: &Backend, latch: LatchView) -> String {
    let (service_name, name) = (&service.name, &backend.name);
    let active = match latch {
        LatchView::Active(active) => service.backends.get(active),
        LatchView::Hold
        | LatchView::Nobody
        | LatchView::Undecided
        | LatchView::Isolated
        | LatchView::Awaiting(_)
        | LatchView::Unagreed => None,
    };
    match active {
        Some(active) if active.name == *name => {
            format!(
                "{name} is active: {service_name} moves to another backend at once, what runs is cut off, or nobody serves it"
            )
        }
        Some(active) => format!("{name} cannot be made active; {} goes on", active.name),
        None => format!("{name} cannot be made active"),
    }
}

/// Who serves new visitors besides this backend: primaries, or the backups where there are none.
fn rest(service: &Service, backend: &Backend) -> String {
    let names = |backup: bool| -> Vec<&str> {
        let others = service.backends.iter().filter(|other| other.name != backend.name && other.backup == backup);
        others.filter(|other| other.is_balanced()).map(|other| &*other.name).collect()
    };
    let (primaries, backups) = (names(false), names(true));
    match if primaries.is_empty() { &backups[..] } else { &primaries[..] } {
        [] => format!("nobody else serves {}", service.name),
        [one] => format!("{one} goes on alone"),
        several => format!("{} go on", several.join(", ")),
    }
}

#[cfg(test)]
mod tests;
