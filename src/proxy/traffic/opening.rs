//! From an accepted connection to one that carries requests: it is registered, is told who the visitor is where a proxy says that, and
//! has its handshake where TLS is spoken.

use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::access_log::Record;
use super::admission::Admitted;
use super::connection::{Connection, Opened};
use super::counters::add;
use super::door::Door;
use super::handshake::{self, HandshakeError};
use super::handshakes::Handshake;
use super::http1::forwarded::Client;
use super::http2_connection;
use super::inflight::{Entry, Order};
use super::local::Local;
use super::proxy_header;
use super::termination::End;
use super::trace::Trace;
use super::transport::Transport;
use crate::config::proxy::Protocol;
use crate::proxy::tls::visitor::SecureVisitor;
use crate::tls::TlsStream;

/// A connection as it comes from a listener.
pub struct Accepted {
    /// The client's socket.
    pub stream: TcpStream,
    /// Who has opened it.
    pub client: Client,
    /// Where it came.
    pub door: Arc<Door>,
}

/// Keeps a connection in the worker's registry while it lives.
struct Registration {
    local: Rc<Local>,
    entry: Rc<Entry>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.local.unregister(&self.entry);
    }
}

/// Serves a connection to its end. It is registered at once, before anything is waited for, so that it counts from when it was accepted.
pub fn open(local: Rc<Local>, accepted: Accepted, admitted: Admitted) -> impl Future<Output = ()> {
    let registered = Registration { entry: local.registry.add(admitted), local };
    let is_secure = accepted.door.protocol == Protocol::Https;
    let begun = is_secure.then(|| Handshake::begin(&registered.local.handshakes, &registered.entry));
    serve(registered, accepted, begun)
}

async fn serve(registered: Registration, accepted: Accepted, begun: Option<Handshake>) {
    let Registration { local, entry } = &registered;
    let Accepted { stream, mut client, door } = accepted;
    let opened = async {
        if door.proxies.is_some() {
            // Apart: other connections have no room for it.
            Box::pin(proxy_header::receive(local, entry, &stream, &mut client, &door.name)).await?;
        }
        match door.protocol {
            Protocol::Http => Ok(Transport::Tcp(stream)),
            // Apart: connections in clear text have no room for it.
            Protocol::Https => {
                let stream = Box::pin(handshake(local, entry, stream, door.http2, &mut client.tls)).await?;
                Ok(Transport::Tls(Box::new(stream)))
            }
        }
    };
    let stream = match opened.await {
        Ok(stream) => stream,
        Err(None) => return,
        Err(Some(end)) => {
            let mut trace = Trace::new(Instant::now());
            trace.end = end;
            return local.log(&Record { client: &client, listener: &door.name, request: None, trace: &trace });
        }
    };
    drop(begun);
    let listener = Arc::clone(&door.name);
    drop(door);
    match stream {
        // Apart, too.
        Transport::Tls(stream) if stream.speaks_http2() => {
            let opened = http2_connection::Opened { stream: *stream, client, listener };
            Box::pin(http2_connection::serve(Rc::clone(local), Rc::clone(entry), opened)).await;
        }
        stream => {
            let opened = Opened { stream, client, listener };
            Connection::new(Rc::clone(local), Rc::clone(entry), opened).serve().await;
        }
    }
}

/// Waits for the handshake, within its time limit and as long as nobody else needs the connection's slot. The error is for the log, if
/// there is one; what is known of the visitor comes into `visitor`, the name of a host that nobody has too.
async fn handshake(
    local: &Local,
    entry: &Entry,
    stream: TcpStream,
    http2: bool,
    visitor: &mut Option<Box<SecureVisitor>>,
) -> Result<TlsStream, Option<End>> {
    let view = local.view();
    let settings = &view.snapshot.settings;
    // There was one when the listener was bound.
    let acceptor = settings.tls.as_deref().ok_or(Some(End::HandshakeRefused))?;
    let limit = Instant::now() + settings.timeouts.tls_handshake;
    let end = tokio::select! { biased;
        order = entry.order() => match order {
            Order::Evict => {
                add(&local.counters.evicted, 1);
                End::EvictedInHandshake
            }
            Order::Kill => End::DrainTimeout,
            _ => return Err(None),
        },
        accepted = handshake::accept(stream, acceptor, http2) => match accepted {
            Ok((stream, known)) => {
                add(&local.counters.handshakes, 1);
                add(&local.counters.handshakes_resumed, stream.is_resumed().into());
                *visitor = Some(Box::new(known));
                return Ok(stream);
            }
            Err(HandshakeError::Closed) => End::ClientInHandshake,
            Err(HandshakeError::Untrusted) => {
                add(&local.counters.untrusted_certificates, 1);
                End::HandshakeRefused
            }
            Err(HandshakeError::UnknownName(name)) => {
                // For the log.
                *visitor = Some(Box::new(SecureVisitor::new(None, None, name.as_deref(), None)));
                End::HandshakeRefused
            }
            Err(HandshakeError::Refused) => End::HandshakeRefused,
        },
        () = sleep_until(limit) => End::HandshakeTimeout,
    };
    if matches!(end, End::HandshakeRefused | End::HandshakeTimeout) {
        add(&local.counters.handshakes_failed, 1);
    }
    Err(Some(end))
}
