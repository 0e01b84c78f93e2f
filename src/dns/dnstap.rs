//! dnstap (<https://dnstap.info>): queries as they were received and responses as they were made, for a receiver at a Unix socket.
//!
//! A thread that answers has a [`Tap`]. While nothing is recorded that is one relaxed load; else it writes each message, as `dnstap.proto` has
//! it ([`message`]), into a ring of its own, and never waits: what does not fit is dropped and counted. One thread ([`writer`]) takes the
//! rings' bytes to the receiver as Frame Streams ([`frame`], [`connection`]), and comes back with pauses to one that is gone. [`Dnstap`] is the
//! control thread's hand on both. Must never: keep a query from being answered, or hold more than [`tap::ROOM`] for a thread.

mod connection;
mod ends;
mod frame;
mod message;
mod session;
mod shown;
mod switch;
mod tap;
mod writer;

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{Builder, JoinHandle};

pub use ends::{Ends, Protocol};
use session::Session;
pub use shown::{Shown, Standing};
use switch::{InForce, Order, Orders};
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
    in_force: Option<(Wanted, Arc<Session>)>,
    /// Something is wanted for which no thread could be started.
    is_missing: bool,
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
            is_missing: false,
            next: NonZero::<u64>::MIN,
        }
    }

    /// What the threads that answer get.
    pub fn taps(&self) -> Taps {
        self.taps.clone()
    }

    /// Starts the thread that writes, unless it runs.
    ///
    /// # Errors
    ///
    /// It cannot be started. All is as it was, and it can be tried again.
    pub fn start(&mut self) -> io::Result<()> {
        self.start_as(Builder::new())
    }

    fn start_as(&mut self, thread: Builder) -> io::Result<()> {
        if self.thread.is_some() {
            return Ok(());
        }
        // A thread that cannot be started takes along what was meant for it: so it gets that only when it runs.
        let (give, take) = channel::<Writer>();
        let run = move || take.recv().into_iter().for_each(Writer::run);
        self.thread = Some(thread.name("dns-dnstap".into()).spawn(run)?);
        if let Some(orders) = self.orders.take() {
            let _ = give.send(Writer::new(orders, Arc::clone(&self.shown)));
        }
        Ok(())
    }

    /// Records this from now on; none: nothing. A receiver that is not wanted any more gets what was recorded for it, if it takes that at once;
    /// what is left then is thrown away, and never sent to another one, or later.
    ///
    /// # Errors
    ///
    /// The thread that writes cannot be started. Nothing is recorded, [`Dnstap::is_missing`] says so, and it can be tried again.
    pub fn want(&mut self, wanted: Option<Wanted>) -> io::Result<()> {
        if std::mem::take(&mut self.is_missing) {
            self.shown.stands(Standing::Idle);
        }
        if self.in_force() == wanted.as_ref() {
            return Ok(());
        }
        if wanted.is_some()
            && let Err(error) = self.start()
        {
            self.is_missing = true;
            self.shown.stands(Standing::Failed(format!("gets nothing, for no thread can be started: {error}")));
            return Err(error);
        }
        let before = self.in_force.take();
        let Some(wanted) = wanted else {
            self.taps.stop();
            before.iter().for_each(|(_, session)| session.end());
            self.taps.order(Order::Receiver(None));
            return Ok(());
        };
        let session = match before {
            Some((now, session)) if now.socket == wanted.socket => session,
            before => {
                before.iter().for_each(|(_, session)| session.end());
                let session = Arc::new(Session::new(wanted.socket.clone()));
                self.taps.order(Order::Receiver(Some(Arc::clone(&session))));
                session
            }
        };
        self.taps.record(self.next, InForce { session: Arc::clone(&session), terms: wanted.terms.clone() });
        self.next = self.next.saturating_add(1);
        self.in_force = Some((wanted, session));
        Ok(())
    }

    /// Something is wanted, and not recorded, for no thread could be started the last time.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Where it goes now; none: nothing is recorded.
    pub fn in_force(&self) -> Option<&Wanted> {
        self.in_force.as_ref().map(|(wanted, _)| wanted)
    }

    /// How the writer fares.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Ends the thread that writes, for good: nothing more is recorded. It takes leave of the receiver as when it is not wanted any more. Once is
    /// enough; [`Dnstap::has_ended`] tells.
    pub fn end(&self) {
        self.in_force.iter().for_each(|(_, session)| session.end());
        self.taps.order(Order::End);
    }

    /// It has ended, or never began.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Default for Dnstap {
    fn default() -> Dnstap {
        Dnstap::new()
    }
}

#[cfg(test)]
mod tests;
