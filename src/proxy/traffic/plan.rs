//! Which backend an attempt is on.

use std::rc::Rc;

use super::view::View;
use crate::proxy::snapshot::{Backend, Front, Service};

/// Which backend is to be tried, and how.
#[derive(Clone, Copy)]
pub struct Plan<'p> {
    /// The snapshot that was chosen from.
    pub view: &'p Rc<View>,
    /// The front's index in it.
    pub front: usize,
    /// The service's index in it.
    pub service: usize,
    /// The backend's index in the service.
    pub backend: usize,
    /// The visitor gets a cookie.
    pub set_cookie: bool,
    /// Open a new connection even if there is an idle one.
    pub afresh: bool,
    /// Another backend could be tried after this one.
    pub may_try_another: bool,
}

impl<'p> Plan<'p> {
    /// What the visitor has met.
    pub fn front(&self) -> &'p Front {
        &self.view.snapshot.fronts[self.front]
    }

    /// The service.
    pub fn service(&self) -> &'p Service {
        &self.view.snapshot.services[self.service]
    }

    /// The backend.
    pub fn backend(&self) -> &'p Backend {
        &self.service().backends[self.backend]
    }
}
