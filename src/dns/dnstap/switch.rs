//! Whether messages are recorded, and which: what every thread that answers looks at, and how it reaches the thread that writes.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc::{Receiver, Sender, channel};

use arc_swap::ArcSwapOption;
use rtrb::Consumer;

use super::session::Session;

/// Which messages are recorded, and as whose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Queries as they came.
    pub queries: bool,
    /// Responses as they were handed over to be sent.
    pub responses: bool,
    /// Of each thread's queries every so-manyth is recorded, with its response; 0 is taken for 1.
    pub sample: u32,
    /// Which server this is.
    pub identity: String,
    /// What it runs.
    pub version: String,
}

/// An order to the thread that writes.
pub(super) enum Order {
    /// A thread records into this ring, for this receiver.
    Ring(Arc<Session>, Consumer<u8>),
    /// This is the receiver from now on; none: there is none.
    Receiver(Option<Arc<Session>>),
    /// Leave the receiver, and end.
    End,
}

/// Its end of the orders.
pub(super) type Orders = Receiver<Order>;

/// The number of no terms.
const OFF: u64 = 0;

/// By what is recorded, and for whom.
#[derive(Debug)]
pub(super) struct InForce {
    pub session: Arc<Session>,
    pub terms: Terms,
}

/// What is in force.
#[derive(Debug, Default)]
struct Switch {
    /// The number of [`Switch::in_force`], another one for each; [`OFF`]: nothing is recorded.
    number: AtomicU64,
    in_force: ArcSwapOption<InForce>,
}

/// What all threads that answer have of it.
#[derive(Clone)]
pub struct Taps {
    switch: Arc<Switch>,
    orders: Sender<Order>,
}

impl Taps {
    /// Nothing is recorded. The other end is the writer's.
    pub(super) fn new() -> (Taps, Orders) {
        let (orders, received) = channel();
        (Taps { switch: Arc::default(), orders }, received)
    }

    /// Whether anything is recorded. One relaxed load.
    pub(super) fn is_on(&self) -> bool {
        self.switch.number.load(Relaxed) != OFF
    }

    /// The number of the terms in force; none: nothing is recorded. [`Taps::in_force`] gives these then, or later ones.
    pub(super) fn number(&self) -> Option<u64> {
        Some(self.switch.number.load(Acquire)).filter(|number| *number != OFF)
    }

    /// The terms that were in force last; none: nothing has been recorded yet.
    pub(super) fn in_force(&self) -> Option<Arc<InForce>> {
        self.switch.in_force.load_full()
    }

    /// Records by these terms, of a number that none have had, from now on. The writer has been told of the receiver.
    pub(super) fn record(&self, number: NonZero<u64>, in_force: InForce) {
        self.switch.in_force.store(Some(Arc::new(in_force)));
        self.switch.number.store(number.get(), Release);
    }

    /// Records nothing from now on.
    pub(super) fn stop(&self) {
        self.switch.number.store(OFF, Release);
    }

    /// Sends an order; one to a thread that has ended, or never begins, is dropped.
    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

impl Default for Taps {
    /// Those by which nothing is ever written.
    fn default() -> Taps {
        Taps::new().0
    }
}
