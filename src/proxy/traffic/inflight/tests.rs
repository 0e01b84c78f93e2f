use super::*;
use crate::config::proxy::Balance;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::samples::{backend, prepared, service};
use crate::proxy::snapshot::{LatchView, Snapshot};

fn latched(stays: Stays) -> Service {
    let mode = ServiceMode::Latched { cookie: Arc::new(Cookie::address("polder-shop")), latch: LatchView::Active(0) };
    Service { stays, ..service(mode, Balance::RoundRobin, vec![backend(0, 1), backend(1, 1)]) }
}

fn view(services: Vec<Service>) -> View {
    View::new(Arc::new(Snapshot { services, ..Snapshot::nothing(&prepared()) }))
}

/// What becomes of a request on the first backend of a service, when these are there.
fn change(before: Service, services: Vec<Service>) -> BackendChange {
    let assignment = Assignment { view: Rc::new(view(vec![before])), service: 0, backend: 0 };
    change_of(&assignment, &view(services))
}

#[test]
fn what_a_document_drops_ends_there_unless_others_go_on_by_the_latch_that_was_agreed_on() {
    let agreed = || latched(Stays::Only(Some(0)));
    assert_eq!(change(latched(Stays::ByView), Vec::new()), BackendChange::None);
    assert_eq!(change(agreed(), Vec::new()), BackendChange::FailedAway);
    let stateless = service(ServiceMode::Stateless, Balance::RoundRobin, vec![backend(0, 1)]);
    assert_eq!(change(agreed(), vec![stateless]), BackendChange::FailedAway);
    assert_eq!(change(agreed(), vec![agreed()]), BackendChange::None);
    assert_eq!(change(agreed(), vec![latched(Stays::Only(Some(1)))]), BackendChange::FailedAway);
    assert_eq!(change(agreed(), vec![latched(Stays::Nobody)]), BackendChange::FailedAway);
}
