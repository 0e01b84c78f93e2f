//! Whether messages are recorded, and which: what every thread that answers looks at, and how it reaches the thread that writes.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use arc_swap::ArcSwap;
use rtrb::Consumer;

/// Which messages are recorded, and as whose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Queries as they came.
    pub queries: bool,
    /// Responses as they were sent.
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
    /// A thread records into this ring.
    Ring(Consumer<u8>),
    /// The receiver listens there from now on; none: there is none.
    Receiver(Option<PathBuf>),
    /// End when every ring is given up and empty, after this time at the latest.
    Drain(Duration),
}

/// Its end of the orders.
pub(super) type Orders = Receiver<Order>;

/// The number of no terms.
const OFF: u64 = 0;

/// The terms in force.
#[derive(Debug, Default)]
struct Switch {
    /// The number of [`Switch::terms`], another one for each; [`OFF`]: nothing is recorded.
    number: AtomicU64,
    terms: ArcSwap<Terms>,
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

    /// The number of the terms in force; none: nothing is recorded. [`Taps::terms`] are these then, or later ones.
    pub(super) fn number(&self) -> Option<u64> {
        Some(self.switch.number.load(Acquire)).filter(|number| *number != OFF)
    }

    /// The terms in force.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.switch.terms.load_full()
    }

    /// Records by these terms, of a number that none have had, from now on.
    pub(super) fn record(&self, number: NonZero<u64>, terms: Terms) {
        self.switch.terms.store(Arc::new(terms));
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
