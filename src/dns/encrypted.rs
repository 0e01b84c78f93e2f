//! DNS over TLS (RFC 7858): one thread with a runtime of its own for all listeners and connections, beside plain TCP's, so that no
//! handshake holds up a plain query.
//!
//! Owns its connections and the limits on them; [`certificates`] is what clients are shown. The transports are built on what
//! hickory-server's are built on, and not on hickory-server: its answers are made of records, where ours are bytes that are ready, its
//! connections have no limit, neither in all nor for one client, and its listeners can be neither exchanged by a reload nor left to a
//! successor. Started by [`super::listening`].

pub mod certificates;

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ProtocolVersion, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::{Admission, accept_from};
use super::capacity::Limits;
use super::conversation::{Party, Responder};
use crate::config::defaults::timeouts::TLS_HANDSHAKE;
use crate::daemon::ticks::Tick;
use certificates::Shown;

/// Listening sockets of the encrypted transports.
#[derive(Debug, Default)]
pub struct Bound {
    /// Those of DNS over TLS.
    pub tls: Vec<TcpListener>,
}

/// By what connections are taken and held.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Of connections, whatever they speak.
    pub limits: Limits,
    /// What clients are shown.
    pub shown: Arc<Shown>,
}

/// A command to the thread.
enum Order {
    /// Serve exactly these listeners from now on, by these terms; none: the document has no encrypted transport.
    Serve(Option<Terms>, Bound),
    /// Stop accepting; end when all connections have ended, or after this time.
    Drain(Duration),
}

/// A handle on the thread.
pub struct Encrypted {
    orders: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Encrypted {
    /// Starts the thread, with no listener yet.
    pub fn start(responder: impl FnOnce() -> Responder + Send + 'static, tick: Tick) -> io::Result<Encrypted> {
        let (orders, received) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("dns-encrypted".into()).spawn(move || {
            let service = Rc::new(Service { terms: RefCell::default(), admission: Rc::default(), tls: responder() });
            LocalSet::new().block_on(&runtime, service.run(received, tick));
        })?;
        Ok(Encrypted { orders, thread })
    }

    /// Serves exactly these listeners from now on, by these terms, which are those of open connections from their next query on, too.
    pub fn serve(&self, terms: Option<Terms>, bound: Bound) {
        self.order(Order::Serve(terms, bound));
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

/// What all connections share; they live on one thread.
struct Service {
    terms: RefCell<Option<Terms>>,
    admission: Rc<Admission>,
    /// Answers those over TLS.
    tls: Responder,
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
                Some(Order::Serve(terms, bound)) => {
                    accepting = watch::channel(()).0;
                    *self.terms.borrow_mut() = terms;
                    for listener in bound.tls {
                        let service = Rc::clone(&self);
                        let take = move |stream, client| service.admit(stream, client);
                        tokio::task::spawn_local(accept_from(listener, accepting.subscribe(), take));
                    }
                }
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

    /// How long a connection may wait for a query; not at all where the document in force has no encrypted transport any more.
    fn idle(&self) -> Duration {
        self.terms.borrow().as_ref().map_or(Duration::ZERO, |terms| terms.limits.idle)
    }

    /// Serves a connection, or closes it at once if it is beyond a limit.
    fn admit(self: &Rc<Service>, stream: TcpStream, client: SocketAddr) {
        let Some(Terms { limits, shown }) = self.terms.borrow().clone() else { return };
        let Some(slot) = self.admission.admit(&limits, client.ip()) else {
            return self.tls.counters().connections_refused.add();
        };
        self.tls.counters().connections.add();
        let service = Rc::clone(self);
        tokio::task::spawn_local(async move {
            // However it ended, that concerns only the client.
            let _ = service.over_tls(stream, client, shown.over_tls()).await;
            drop(slot);
        });
    }

    async fn over_tls(&self, stream: TcpStream, client: SocketAddr, config: Arc<ServerConfig>) -> io::Result<()> {
        let stream = self.shake_hands(stream, config, &self.tls).await?;
        // RFC 9103, 8.1.
        let may_transfer = stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let party = Party { address: client.ip().to_canonical(), is_encrypted: true, may_transfer };
        self.tls.converse(stream, party, || self.idle()).await
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        config: Arc<ServerConfig>,
        responder: &Responder,
    ) -> io::Result<TlsStream<TcpStream>> {
        let _ = stream.set_nodelay(true);
        let shaken = timeout(TLS_HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
        let shaken = shaken.map_err(io::Error::from).flatten();
        if shaken.is_err() {
            responder.counters().handshakes_failed.add();
        }
        shaken
    }
}
