//! What all connections over encrypted transports have in common: by which terms they are taken, how many there are, who answers.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::terms::Terms;
use crate::dns::admission::{Admission, Slot};
use crate::dns::conversation::Responder;

/// How long a connection waits for a query where the document in force has no encrypted transport any more.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// What answers over each transport.
pub struct Responders {
    /// DNS over TLS.
    pub tls: Responder,
    /// DNS over HTTPS.
    pub https: Responder,
    /// DNS over QUIC.
    pub quic: Responder,
}

/// What they share; they live on one thread.
pub(super) struct Shared {
    terms: RefCell<Option<Terms>>,
    admission: Rc<Admission>,
    /// Turns true when connections are to end as soon as they can.
    leaving: watch::Sender<bool>,
    pub(super) responders: Responders,
}

impl Shared {
    pub(super) fn new(responders: Responders) -> Shared {
        let (terms, admission) = Default::default();
        Shared { terms, admission, leaving: watch::channel(false).0, responders }
    }

    /// Other terms; none: no connection is taken any more.
    pub(super) fn set_terms(&self, terms: Option<Terms>) {
        *self.terms.borrow_mut() = terms;
    }

    /// Has connections end as soon as they can.
    pub(super) fn leave(&self) {
        self.leaving.send_replace(true);
    }

    /// How many connections there are.
    pub(super) fn open(&self) -> usize {
        self.admission.open()
    }

    /// By what a new connection is taken; none: not at all.
    pub(super) fn terms(&self) -> Option<Terms> {
        self.terms.borrow().clone()
    }

    /// A slot for a connection from there, which is counted; none: it is beyond a limit.
    pub(super) fn admit(&self, terms: &Terms, client: SocketAddr, responder: &Responder) -> Option<Slot> {
        let slot = self.admission.admit(&terms.limits, client.ip());
        match slot {
            Some(_) => responder.counters().connections.add(),
            None => responder.counters().connections_refused.add(),
        }
        slot
    }

    /// How long a connection may wait for a query.
    pub(super) fn idle(&self) -> Duration {
        self.terms.borrow().as_ref().map_or(LAST_WAIT, |terms| terms.limits.idle)
    }

    /// Tells when connections are to end as soon as they can.
    pub(super) fn leaving(&self) -> watch::Receiver<bool> {
        self.leaving.subscribe()
    }
}
