//! dnstap (<https://dnstap.info>): queries and responses as they were received and sent, for a receiver at a Unix socket.
//!
//! A thread that answers has a [`Tap`]. While nothing is recorded that is one relaxed load; else it writes each message, as `dnstap.proto` has
//! it ([`message`]), into a ring of its own, and never waits: what does not fit is dropped and counted. One thread ([`writer`]) takes the
//! rings' bytes to the receiver as Frame Streams ([`frame`], [`connection`]), and comes back with pauses to one that is gone. [`Dnstap`] is the
//! control thread's hand on both. Must never: keep a query from being answered, or hold more than [`tap::ROOM`] for a thread.

mod connection;
mod ends;
mod frame;
mod message;
mod shown;
mod switch;
mod tap;
mod writer;

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub use ends::{Ends, Protocol};
pub use shown::{Shown, Standing};
use switch::{Order, Orders};
pub use switch::{Taps, Terms};
pub use tap::{Tap, since_epoch};
use writer::Writer;

/// What is to be recorded, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where the receiver listens.
    pub socket: PathBuf,
    /// Which messages, and as whose.
    pub terms: Terms,
}

/// The control thread's side: what the threads that answer record by, and the thread that writes.
pub struct Dnstap {
    taps: Taps,
    /// None: the writer has them.
    orders: Option<Orders>,
    thread: Option<JoinHandle<()>>,
    shown: Arc<Shown>,
    in_force: Option<Wanted>,
    /// The number of the next terms.
    next: NonZero<u64>,
}

impl Dnstap {
    /// Nothing is recorded, and no thread runs.
    pub fn new() -> Dnstap {
        let (taps, orders) = Taps::new();
        Dnstap {
            taps,
            orders: Some(orders),
            thread: None,
            shown: Arc::default(),
            in_force: None,
            next: NonZero::<u64>::MIN,
        }
    }

    /// What the threads that answer get.
    pub fn taps(&self) -> Taps {
        self.taps.clone()
    }

    /// Records this from now on; none: nothing. What has been recorded before goes where it was to go.
    ///
    /// # Errors
    ///
    /// The thread that writes cannot be started.
    pub fn want(&mut self, wanted: Option<Wanted>) -> io::Result<()> {
        if self.in_force == wanted {
            return Ok(());
        }
        if wanted.is_some()
            && let Some(orders) = self.orders.take()
        {
            let writer = Writer::new(orders, Arc::clone(&self.shown));
            self.thread = Some(std::thread::Builder::new().name("dns-dnstap".into()).spawn(move || writer.run())?);
        }
        match &wanted {
            Some(Wanted { socket, terms }) => {
                self.taps.order(Order::Receiver(Some(socket.clone())));
                self.taps.record(self.next, terms.clone());
                self.next = self.next.saturating_add(1);
            }
            None => {
                self.taps.stop();
                self.taps.order(Order::Receiver(None));
            }
        }
        self.in_force = wanted;
        Ok(())
    }

    /// Where it goes now; none: nothing is recorded.
    pub fn in_force(&self) -> Option<&Wanted> {
        self.in_force.as_ref()
    }

    /// How the writer fares.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Ends the writer when all threads that record have ended and it has written what they recorded, after this time at the latest.
    pub fn drain(&self, limit: Duration) {
        self.taps.order(Order::Drain(limit));
    }

    /// It has ended, or never began.
    pub fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Default for Dnstap {
    fn default() -> Dnstap {
        Dnstap::new()
    }
}
