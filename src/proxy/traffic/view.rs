//! A snapshot as one worker sees it: with its own memory of how requests were spread.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use crate::proxy::choose::Spread;
use crate::proxy::snapshot::Snapshot;

/// Shared by the tasks of one worker, without touching the snapshot's own count of users.
pub struct View {
    /// What requests are answered from.
    pub snapshot: Arc<Snapshot>,
    /// One a service.
    pub spreads: Vec<Rc<RefCell<Spread>>>,
}

impl View {
    /// The first one.
    pub fn new(snapshot: Arc<Snapshot>) -> View {
        let spreads = snapshot.services.iter().map(|_| Rc::default()).collect();
        View { snapshot, spreads }
    }

    /// The one after this; services keep their memory.
    pub fn next(&self, snapshot: Arc<Snapshot>) -> View {
        let old = &self.snapshot.services;
        let spread_of = |name: &str| {
            let at = old.iter().position(|service| &*service.name == name)?;
            self.spreads.get(at).map(Rc::clone)
        };
        let spreads = snapshot.services.iter().map(|service| spread_of(&service.name).unwrap_or_default()).collect();
        View { snapshot, spreads }
    }

    /// Whether a connection to this address may be used again: some service would still send requests there.
    pub fn wants(&self, address: SocketAddr) -> bool {
        self.snapshot.services.iter().any(|service| {
            let mut backends = service.backends.iter().enumerate();
            backends.any(|(index, backend)| backend.address == address && service.keeps_running_on(index))
        })
    }
}
