//! The thread that writes: what other threads have recorded, to the receiver.
//!
//! Owns the connection, and the other ends of the rings. Must never: make a thread that answers wait for it, or send a receiver what was
//! recorded for another, or before an operator switched it off.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rtrb::Consumer;

use super::connection::Connection;
use super::frame;
use super::session::Session;
use super::shown::{Shown, Standing};
use super::switch::{Order, Orders};

/// How long messages may lie in a ring before somebody looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where there is nothing to look at.
const LONG: Duration = Duration::from_secs(3600);

/// Before a receiver that was not there is tried again: this at first, twice as long each time, and never longer than the second.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];

pub(super) struct Writer {
    orders: Orders,
    shown: Arc<Shown>,
    /// For the receiver, none else's.
    rings: Vec<Consumer<u8>>,
    receiver: Option<Arc<Session>>,
    connection: Option<Connection>,
    /// When it is tried again, and the pause after that.
    again: (Instant, Duration),
    /// It has been told to.
    has_ended: bool,
}

impl Writer {
    pub(super) fn new(orders: Orders, shown: Arc<Shown>) -> Writer {
        let again = (Instant::now(), PAUSES[0]);
        Writer { orders, shown, rings: Vec::new(), receiver: None, connection: None, again, has_ended: false }
    }

    pub(super) fn run(mut self) {
        while self.obey() {
            self.connect();
            self.write();
            self.rings.retain(|ring| !ring.is_abandoned() || !ring.is_empty());
        }
        self.leave();
    }

    /// Waits for the time to look again, does what it is told meanwhile, and says whether it is to go on.
    fn obey(&mut self) -> bool {
        let wait = match (&self.connection, &self.receiver) {
            (Some(_), _) => LOOK_EVERY,
            (None, Some(_)) => self.again.0.saturating_duration_since(Instant::now()),
            (None, None) => LONG,
        };
        match self.orders.recv_timeout(wait) {
            Ok(order) => self.take(order),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while !self.has_ended {
            match self.orders.try_recv() {
                Ok(order) => self.take(order),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        false
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Ring(of, ring) if self.receiver.as_ref().is_some_and(|now| Arc::ptr_eq(now, &of)) => {
                self.rings.push(ring);
            }
            Order::Ring(_, ring) => self.throw_away(ring),
            Order::Receiver(receiver) => {
                self.leave();
                self.receiver = receiver;
                self.again = (Instant::now(), PAUSES[0]);
            }
            Order::End => self.has_ended = true,
        }
    }

    fn connect(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::is_gone) {
            self.failed("has lost its receiver".to_owned());
        }
        let is_due = self.connection.is_none() && Instant::now() >= self.again.0;
        let Some(receiver) = self.receiver.as_ref().filter(|_| is_due) else { return };
        match Connection::open(receiver) {
            Ok(connection) => {
                tracing::info!("dnstap: messages go to the receiver at {}", receiver.socket.display());
                self.connection = Some(connection);
                self.again.1 = PAUSES[0];
                self.shown.stands(Standing::Connected);
            }
            Err(failure) => self.failed(failure.to_string()),
        }
    }

    /// Sends what the rings have.
    fn write(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let mut broken = None;
        for ring in &mut self.rings {
            let Ok(chunk) = ring.read_chunk(ring.slots()) else { continue };
            let (first, second) = chunk.as_slices();
            if first.is_empty() {
                continue;
            }
            let frames = frame::count(first, second);
            match connection.send(first, second) {
                Ok(()) => {
                    self.shown.add_sent(frames);
                    chunk.commit_all();
                }
                Err((has_begun, error)) => {
                    // Where nothing of it was taken it waits for the next connection.
                    if has_begun {
                        self.shown.add_lost(frames);
                        chunk.commit_all();
                    }
                    broken = Some(format!("has a receiver that takes nothing any more: {error}"));
                    break;
                }
            }
        }
        if let Some(words) = broken {
            self.failed(words);
        }
    }

    /// The receiver is tried again after a pause. Said once for each reason.
    fn failed(&mut self, words: String) {
        self.connection = None;
        let pause = self.again.1;
        self.again = (Instant::now() + pause, (pause * 2).min(PAUSES[1]));
        // Why one fails that is to be left anyhow is of no interest.
        let Some(receiver) = self.receiver.as_ref().filter(|receiver| receiver.is_wanted()) else { return };
        let path = receiver.socket.display();
        let said = format!("dnstap: {path} {words}; it is tried again, and queries are answered all the same");
        let standing = Standing::Failed(words);
        if *self.shown.standing() != standing {
            tracing::warn!("{said}");
        }
        self.shown.stands(standing);
    }

    /// Takes leave of the receiver, with what is left for it. What it does not take by the end of its time is thrown away: nobody else gets it.
    fn leave(&mut self) {
        self.write();
        if let Some(connection) = self.connection.take() {
            connection.finish();
        }
        for ring in std::mem::take(&mut self.rings) {
            self.throw_away(ring);
        }
        self.shown.stands(Standing::Idle);
    }

    fn throw_away(&self, mut ring: Consumer<u8>) {
        if let Ok(chunk) = ring.read_chunk(ring.slots()) {
            let (first, second) = chunk.as_slices();
            self.shown.add_lost(frame::count(first, second));
        }
    }
}
