//! A visitor's side of TLS: what it trusts, the tickets that it keeps, and what became of them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, NamedGroup};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::record::Handshake;

/// Hosts whose tickets a visitor keeps.
const MOST_HOSTS: usize = 64;

/// How visitors over https connect.
#[derive(Debug, Clone)]
pub struct Secure {
    /// The port of every site.
    pub port: u16,
    /// What they trust.
    pub config: ClientConfig,
}

/// A visitor's tickets, whichever proxy they came from.
pub struct Tickets(Arc<ClientSessionMemoryCache>);

impl Default for Tickets {
    fn default() -> Tickets {
        Tickets(Arc::new(ClientSessionMemoryCache::new(MOST_HOSTS)))
    }
}

impl Tickets {
    /// Shakes hands, with a ticket for this host if there is one; says how that went.
    pub async fn connect(
        &self,
        config: &ClientConfig,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, Handshake)> {
        let offer = Arc::new(Offer { kept: Arc::clone(&self.0), is_made: AtomicBool::new(false) });
        let mut config = config.clone();
        config.resumption = Resumption::store(Arc::clone(&offer) as _);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let handshake = match (stream.get_ref().1.handshake_kind(), offer.is_made.load(Ordering::Relaxed)) {
            (Some(HandshakeKind::Resumed), _) => Handshake::Resumed,
            (_, true) => Handshake::Refused,
            (_, false) => Handshake::Full,
        };
        Ok((stream, handshake))
    }
}

/// The tickets as one handshake uses them: notes whether it offered one.
struct Offer {
    kept: Arc<ClientSessionMemoryCache>,
    is_made: AtomicBool,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offer")
    }
}

impl Offer {
    fn note<T>(&self, ticket: Option<T>) -> Option<T> {
        self.is_made.fetch_or(ticket.is_some(), Ordering::Relaxed);
        ticket
    }
}

impl ClientSessionStore for Offer {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.note(self.kept.tls12_session(server_name))
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.kept.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(&self, server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.kept.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(&self, server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.note(self.kept.take_tls13_ticket(server_name))
    }
}
