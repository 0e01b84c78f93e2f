//! The thread that writes: what other threads have recorded, to the receiver.
//!
//! Owns the connection, and the other ends of the rings. Must never: make a thread that answers wait for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rtrb::Consumer;

use super::connection::Connection;
use super::frame;
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
    rings: Vec<Consumer<u8>>,
    /// Where the receiver listens.
    receiver: Option<PathBuf>,
    connection: Option<Connection>,
    /// When it is tried again, and the pause after that.
    again: (Instant, Duration),
    /// When it is to end at the latest.
    ends: Option<Instant>,
}

impl Writer {
    pub(super) fn new(orders: Orders, shown: Arc<Shown>) -> Writer {
        let again = (Instant::now(), PAUSES[0]);
        Writer { orders, shown, rings: Vec::new(), receiver: None, connection: None, again, ends: None }
    }

    pub(super) fn run(mut self) {
        while self.obey() {
            self.connect();
            self.write();
            self.rings.retain(|ring| !ring.is_abandoned() || !ring.is_empty());
            if self.ends.is_some_and(|ends| self.is_done() || Instant::now() >= ends) {
                break;
            }
        }
        self.leave();
    }

    /// Nobody records any more, and what was recorded is written, or nobody is there to take it.
    fn is_done(&self) -> bool {
        self.rings.iter().all(Consumer::is_abandoned) && (self.rings.is_empty() || self.connection.is_none())
    }

    /// Waits for the time to look again, does what it is told meanwhile, and says whether it is to go on.
    fn obey(&mut self) -> bool {
        let wait = match (&self.connection, &self.receiver, self.ends) {
            (Some(_), ..) | (.., Some(_)) => LOOK_EVERY,
            (None, Some(_), None) => self.again.0.saturating_duration_since(Instant::now()),
            (None, None, None) => LONG,
        };
        match self.orders.recv_timeout(wait) {
            Ok(order) => self.take(order),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.take(order),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Ring(ring) => self.rings.push(ring),
            Order::Receiver(receiver) if receiver == self.receiver => {}
            Order::Receiver(receiver) => {
                self.write();
                self.leave();
                self.receiver = receiver;
                self.again = (Instant::now(), PAUSES[0]);
            }
            Order::Drain(limit) => self.ends = Some(Instant::now() + limit),
        }
    }

    fn connect(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::is_gone) {
            self.failed("has lost its receiver".to_owned());
        }
        let is_due = self.connection.is_none() && Instant::now() >= self.again.0;
        let Some(path) = self.receiver.as_ref().filter(|_| is_due) else { return };
        match Connection::open(path) {
            Ok(connection) => {
                tracing::info!("dnstap: messages go to the receiver at {}", path.display());
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
        let standing = Standing::Failed(words);
        if *self.shown.standing() != standing
            && let (Standing::Failed(words), Some(path)) = (&standing, &self.receiver)
        {
            tracing::warn!(
                "dnstap: {} {words}; it is tried again, and queries are answered all the same",
                path.display()
            );
        }
        self.shown.stands(standing);
    }

    fn leave(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.finish();
        }
        self.shown.stands(Standing::Idle);
    }
}
