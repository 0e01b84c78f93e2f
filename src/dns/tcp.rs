//! DNS over TCP (RFC 7766): one thread with a runtime of its own for all listeners and connections.
//!
//! Owns its connections and the limits on them. Started by [`super::listening`].

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::admission::{Admission, accept_from};
use super::capacity::Limits;
use super::conversation::{Party, Responder};
use super::dnstap::Ends;
use crate::daemon::ticks::Tick;

/// A command to the TCP thread.
enum Order {
    /// Serve exactly these listeners from now on.
    Listen(Vec<TcpListener>),
    /// Apply these limits.
    Limits(Limits),
    /// Stop accepting; end when all connections have ended, or after this time.
    Drain(Duration),
}

/// A handle on the TCP thread.
pub struct Tcp {
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Tcp {
    /// Starts the thread, with no listener yet.
    pub fn start(
        limits: Limits,
        responder: impl FnOnce() -> Responder + Send + 'static,
        tick: Tick,
    ) -> io::Result<Tcp> {
        let (orders, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("dns-tcp".into()).spawn(move || {
            let (limits, admission) = (RefCell::new(limits), Rc::default());
            let service = Rc::new(Service { limits, admission, responder: responder() });
            LocalSet::new().block_on(&runtime, service.run(received, tick));
        })?;
        Ok(Tcp { orders, thread })
    }

    /// Serves exactly these listeners from now on; connections stay.
    pub fn listen(&self, listeners: Vec<TcpListener>) {
        self.order(Order::Listen(listeners));
    }

    /// Other limits, for new connections and for the next query of open ones.
    pub fn set_limits(&self, limits: Limits) {
        self.order(Order::Limits(limits));
    }

    /// Stops accepting, and answers on open connections until they end, for at most `limit`; then [`Tcp::ended`] is true.
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

/// What all connections share; they live on one thread.
struct Service {
    limits: RefCell<Limits>,
    admission: Rc<Admission>,
    responder: Responder,
}

impl Service {
    async fn run(self: Rc<Service>, mut orders: mpsc::UnboundedReceiver<Order>, tick: Tick) {
        let mut ticking = tokio::time::interval(Duration::from_millis(500));
        // Dropped and replaced to end the accept loops of before.
        let mut accepting = watch::channel(()).0;
        let drain = loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                _ = ticking.tick() => { tick.tick(); continue }
            };
            match order {
                Some(Order::Listen(listeners)) => {
                    accepting = watch::channel(()).0;
                    for listener in listeners {
                        let service = Rc::clone(&self);
                        let take = move |stream, client| service.admit(stream, client);
                        tokio::task::spawn_local(accept_from(listener, accepting.subscribe(), take));
                    }
                }
                Some(Order::Limits(limits)) => *self.limits.borrow_mut() = limits,
                Some(Order::Drain(limit)) => break limit,
                None => break Duration::ZERO,
            }
        };
        drop(accepting);
        let end = Instant::now() + drain;
        while self.admission.open() > 0 && Instant::now() < end {
            tick.tick();
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Serves a connection, or closes it at once if it is beyond a limit (RFC 7766, 6.2.2).
    fn admit(self: &Rc<Service>, stream: TcpStream, client: SocketAddr) {
        let Some(slot) = self.admission.admit(&self.limits.borrow(), client.ip()) else {
            return self.responder.counters().connections_refused.add();
        };
        self.responder.counters().connections.add();
        let service = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let _ = stream.set_nodelay(true);
            let ends = Ends::new(client, stream.local_addr().ok());
            let party = Party { ends, is_encrypted: false, may_transfer: true };
            // However it ended, that concerns only the client.
            let _ = service.responder.converse(stream, party, || service.limits.borrow().idle).await;
            drop(slot);
        });
    }
}
