//! Orders of the certificate that clients over encrypted transports are shown (pure): what the CA is to find is answered here.

use super::{Effect, State};
use crate::acme::orders::Orders;
use crate::acme::steps::{Circumstances, Known};
use crate::daemon::clock::Now;
use crate::daemon::peers::RECENT;
use crate::dns::challenges::refusal_of_ordered;
use crate::dns::ordered;
use crate::health::Proof;

impl State {
    /// Begins with the certificates that lie on the disk.
    pub fn begin_orders(&mut self, known: Known, now: Now) {
        self.orders = Orders::new(ordered::terms(&self.document.config), known);
        self.heard = self.heard_at(now);
    }

    /// The proof that the peers were asked now; one that never lapses, if there are none.
    fn heard_at(&self, now: Now) -> Proof {
        if self.peer_names().is_empty() { Proof::default() } else { Proof::new(now.running, RECENT) }
    }

    /// Whether a certificate waits for its write: a start waits for those that peers had.
    pub fn is_writing_certificates(&self) -> bool {
        self.orders.is_writing()
    }

    /// The document's orders are those of another one from now on.
    pub(super) fn reload_orders(&mut self, now: Now) -> Vec<Effect> {
        self.heard = self.heard_at(now);
        let peers = self.peer_names();
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
        let knows_peers = ready && self.heard.holds(now.running);
        let at = Circumstances { ready, draining: self.draining, knows_peers };
        self.orders.step(at, now).into_iter().map(Effect::Acme).collect()
    }
}
