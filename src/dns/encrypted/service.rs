//! The thread of encrypted transports: what it accepts, how long that may wait, and how it ends.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ProtocolVersion, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::https;
use super::quic::Endpoints;
use super::shared::{Responders, Shared};
use super::terms::{Bound, Terms};
use crate::config::defaults::timeouts::TLS_HANDSHAKE;
use crate::daemon::ticks::Tick;
use crate::dns::admission::accept_from;
use crate::dns::conversation::{Party, Responder};
use crate::dns::dnstap::Ends;

/// What is spoken on a listener of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Tls,
    Https,
}

/// A command to the thread.
pub(super) enum Order {
    /// Serve exactly these listeners from now on, by these terms; none: the document has no encrypted transport. Sockets of QUIC that are
    /// new wait until no other process reads them.
    Serve(Option<Terms>, Bound),
    /// No other process reads the sockets of QUIC.
    Alone,
    /// Stop accepting; end when all connections have ended, or after this time.
    Drain(Duration),
}

/// What accepts connections, and begins them.
#[derive(Clone)]
pub(super) struct Service(Rc<Shared>);

impl Service {
    pub(super) fn new(responders: Responders) -> Service {
        Service(Rc::new(Shared::new(responders)))
    }

    /// Does what it is told until it has drained.
    pub(super) async fn run(self, mut orders: mpsc::UnboundedReceiver<Order>, tick: Tick) {
        let mut ticking = tokio::time::interval(Duration::from_millis(500));
        // Dropped and replaced to end the accept loops of before.
        let mut accepting = watch::channel(()).0;
        let mut endpoints = Endpoints::default();
        let drain = loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                _ = ticking.tick() => { tick.tick(); continue }
            };
            match order {
                Some(Order::Serve(terms, bound)) => {
                    accepting = watch::channel(()).0;
                    self.0.set_terms(terms);
                    bound.tls.into_iter().for_each(|one| self.accept(one, accepting.subscribe(), Spoken::Tls));
                    bound.https.into_iter().for_each(|one| self.accept(one, accepting.subscribe(), Spoken::Https));
                    endpoints.want(bound.quic);
                }
                Some(Order::Alone) => endpoints.open(&self.0),
                Some(Order::Drain(limit)) => break limit,
                None => break Duration::ZERO,
            }
        };
        drop(accepting);
        endpoints.refuse();
        let end = Instant::now() + drain;
        self.0.leave();
        while self.0.open() > 0 && Instant::now() < end {
            tick.tick();
            sleep(Duration::from_millis(50)).await;
        }
        endpoints.close().await;
    }

    fn accept(&self, listener: TcpListener, until: watch::Receiver<()>, spoken: Spoken) {
        let service = self.clone();
        let take = move |stream, client| service.take(stream, client, spoken);
        tokio::task::spawn_local(accept_from(listener, until, take));
    }

    /// Serves a connection, or closes it at once if it is beyond a limit.
    fn take(&self, stream: TcpStream, client: SocketAddr, spoken: Spoken) {
        let Some(terms) = self.0.terms() else { return };
        let responder = match spoken {
            Spoken::Tls => &self.0.responders.tls,
            Spoken::Https => &self.0.responders.https,
        };
        let Some(slot) = self.0.admit(&terms, client, responder) else { return };
        let service = self.clone();
        tokio::task::spawn_local(async move {
            // However it ended, that concerns only the client.
            match spoken {
                Spoken::Tls => drop(service.over_tls(stream, client, &terms).await),
                Spoken::Https => drop(service.over_https(stream, client, &terms).await),
            }
            drop(slot);
        });
    }

    async fn over_tls(&self, stream: TcpStream, client: SocketAddr, terms: &Terms) -> io::Result<()> {
        let ends = Ends::new(client, stream.local_addr().ok());
        let stream = shake_hands(stream, terms.shown.over_tls(), &self.0.responders.tls).await?;
        // RFC 9103, 8.1.
        let may_transfer = stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let party = Party { ends, is_encrypted: true, may_transfer };
        self.0.responders.tls.converse(stream, party, || self.0.idle()).await
    }

    async fn over_https(&self, stream: TcpStream, client: SocketAddr, terms: &Terms) -> io::Result<()> {
        let ends = Ends::new(client, stream.local_addr().ok());
        let stream = shake_hands(stream, terms.shown.over_https(), &self.0.responders.https).await?;
        if stream.get_ref().1.alpn_protocol() == Some(crate::tls::HTTP2) {
            https::serve(&self.0, stream, ends, terms).await.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

async fn shake_hands(
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
