//! DNS over TLS (RFC 7858), over HTTPS (RFC 8484) and over QUIC (RFC 9250): one thread with a runtime of its own for all listeners and
//! connections, beside plain TCP's, so that no handshake holds up a plain query.
//!
//! [`certificates`] is what clients are shown, [`terms`] what a document says, [`shared`] what connections have in common; [`service`]
//! accepts and ends, [`https`] and [`quic`] are what is spoken besides the [conversation](super::conversation) that TLS has in common
//! with TCP. The transports are built on what hickory-server's are built on, and not on hickory-server: its answers are made of records,
//! where ours are bytes that are ready; its connections have no limit, neither in all nor for one client; a handshake of QUIC that stands
//! still holds up all others for five seconds; and its listeners can be neither exchanged by a reload nor left to a successor. Started by
//! [`super::listening`].

pub mod certificates;
mod https;
mod quic;
mod quic_settings;
mod service;
mod shared;
mod terms;

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::daemon::ticks::Tick;
use service::{Order, Service};
pub use shared::Responders;
pub use terms::{Bound, Terms};

/// A handle on the thread.
pub struct Encrypted {
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Encrypted {
    /// Starts the thread, with no listener yet.
    pub fn start(responders: impl FnOnce() -> Responders + Send + 'static, tick: Tick) -> io::Result<Encrypted> {
        let (orders, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("dns-encrypted".into()).spawn(move || {
            LocalSet::new().block_on(&runtime, Service::new(responders()).run(received, tick));
        })?;
        Ok(Encrypted { orders, thread })
    }

    /// Serves exactly these listeners from now on, by these terms, which are those of open connections from their next query on, too. Over
    /// QUIC only what it served before, until [`Encrypted::alone`].
    pub fn serve(&self, terms: Option<Terms>, bound: Bound) {
        self.order(Order::Serve(terms, bound));
    }

    /// No other process reads the same sockets. Two that read packets of the same connections would each lose what the other one has got.
    pub fn alone(&self) {
        self.order(Order::Alone);
    }

    /// Stops accepting, and answers on open connections until they end, for at most `limit`; then [`Encrypted::ended`] is true.
    pub fn drain(&self, limit: Duration) {
        self.order(Order::Drain(limit));
    }

    /// The thread has ended.
    pub fn ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Sends a command; one to a thread that has ended is dropped.
    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}
