//! Orders of the certificate that clients over encrypted transports are shown (pure): what the CA is to find is answered here.

use super::{Effect, State};
use crate::acme::orders::Orders;
use crate::acme::steps::{Circumstances, Known};
use crate::daemon::clock::Now;
use crate::dns::challenges::refusal_of_ordered;
use crate::dns::ordered;

impl State {
    /// Queries are answered from now on. Of nameservers that start at once each has heard only that the others are not ready, and all would
    /// order: so each asks once more before it does.
    pub(super) fn become_ready(&mut self, now: Now) {
        self.ready = true;
        self.asked.begin_again(!self.peer_names().is_empty(), now);
    }

    /// Begins with the certificates that lie on the disk.
    pub fn begin_orders(&mut self, known: Known, now: Now) {
        self.orders = Orders::new(ordered::terms(&self.document.config), known);
        self.asked.begin_again(!self.peer_names().is_empty(), now);
    }

    /// Whether a certificate waits for its write: a start waits for those that peers had.
    pub fn is_writing_certificates(&self) -> bool {
        self.orders.is_writing()
    }

    /// The document's orders are those of another one from now on.
    pub(super) fn reload_orders(&mut self, now: Now) -> Vec<Effect> {
        let peers = self.peer_names();
        // There may be new ones among them.
        self.asked.begin_again(!peers.is_empty(), now);
        self.orders.keep_peers(|peer| peers.iter().any(|name| name == peer));
        self.orders.reload(ordered::terms(&self.document.config)).into_iter().map(Effect::Acme).collect()
    }

    /// What follows for orders. Its effects are due once queries are answered with what the CA is to find.
    pub(super) fn step_orders(&mut self, now: Now) -> Vec<Effect> {
        let refused = self.orders.records(now).into_keys().filter_map(|name| {
            let why = refusal_of_ordered(&name, &self.zones)?.to_string();
            Some((name.to_string(), why))
        });
        let refused = refused.collect();
        self.orders.note_refused(refused);
        let ready = self.ready && !self.draining;
        let knows_peers = ready && self.asked.is_recent(now);
        let at = Circumstances { ready, draining: self.draining, knows_peers };
        self.orders.step(at, now).into_iter().map(Effect::Acme).collect()
    }
}
