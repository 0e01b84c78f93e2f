//! A snapshot as one worker sees it: with its own memory of how requests were balanced.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::upstream::Peer;
use crate::config::proxy::AuthServer;
use crate::proxy::choose::BalanceState;
use crate::proxy::snapshot::{Backend, Service, ServiceMode, Snapshot};

/// Shared by the tasks of one worker, without touching the snapshot's own reference count.
pub struct View {
    /// What requests are answered from.
    pub snapshot: Arc<Snapshot>,
    /// The balance of each service.
    pub balances: Vec<Rc<RefCell<BalanceState>>>,
}

impl View {
    /// The first view of a worker.
    pub fn new(snapshot: Arc<Snapshot>) -> View {
        let balances = snapshot.services.iter().map(|_| Rc::default()).collect();
        View { snapshot, balances }
    }

    /// The view of the next snapshot; services keep their balance.
    pub fn next(&self, snapshot: Arc<Snapshot>) -> View {
        let balance_of = |name: &str| self.balances.get(self.snapshot.place_of(name)?).map(Rc::clone);
        let balances = snapshot.services.iter().map(|service| balance_of(&service.name).unwrap_or_default()).collect();
        View { snapshot, balances }
    }

    /// Whether what is known of a service's backend is recent enough to send it a request now: its verdict, and where a latch has made it the
    /// active one, what the peers say and that the proxies agree.
    pub fn may_act_on(&self, service: &Service, backend: usize, now: Duration) -> bool {
        let is_latched = matches!(service.mode, ServiceMode::Latched { .. });
        service.backends[backend].proof.holds(now)
            && (!is_latched || self.snapshot.peers.holds(now) && service.fence.holds(now))
    }

    /// Whether the backends of a service may get what they might get when `before` was the service.
    pub fn judges_alike(&self, before: &Service) -> bool {
        let now = self.snapshot.service(&before.name);
        now.is_some_and(|now| {
            let alike = |(one, other): (&Backend, &Backend)| {
                one.address == other.address && one.eligibility() == other.eligibility()
            };
            now.backends.len() == before.backends.len() && now.backends.iter().zip(&before.backends).all(alike)
        })
    }

    /// Whether a connection to this peer is worth keeping: some service may still send requests there, or questions about them.
    pub fn wants(&self, peer: Peer) -> bool {
        self.asks(peer) || self.sends_to(peer)
    }

    fn asks(&self, peer: Peer) -> bool {
        let mut edges = self.snapshot.fronts.iter().filter_map(|front| front.edge.as_ref());
        edges.any(|edge| match edge.forward_auth.as_ref().map(|auth| &auth.server) {
            Some(AuthServer::Address(address)) => Peer::in_clear(*address) == peer,
            Some(AuthServer::Service(_)) | None => false,
        })
    }

    fn sends_to(&self, peer: Peer) -> bool {
        self.snapshot.services.iter().any(|service| {
            let mut backends = service.backends.iter().enumerate();
            let is_its = |backend: &Backend| Peer::of(service, backend) == peer;
            backends.any(|(index, backend)| is_its(backend) && service.keeps_running_on(index))
        })
    }
}
