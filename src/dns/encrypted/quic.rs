//! DNS over QUIC (RFC 9250): each stream of a connection is a query and its answer.
//!
//! The `quinn` crate keeps the state of connections. Whoever has broken DNS over QUIC loses the connection. Must never: hold more of a client
//! than its streams' queries, each of at most [`LONGEST`] bytes, and one answer.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    Connection, Endpoint, EndpointConfig, Incoming, ReadToEndError, RecvStream, SendStream, ServerConfig, TokioRuntime,
    VarInt,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::quic_settings::LONGEST;
use super::shared::Shared;
use super::terms::Terms;
use crate::config::defaults::timeouts::TLS_HANDSHAKE;
use crate::dns::admission::Slot;
use crate::dns::answer::{Transport, asks_for_keepalive};
use crate::dns::dnstap::Ends;

/// There is no error (RFC 9250, 8.4).
const NO_ERROR: VarInt = VarInt::from_u32(0);

/// The other side has broken the protocol.
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
/// DOQ_REQUEST_CANCELLED.
const REQUEST_CANCELLED: VarInt = VarInt::from_u32(3);
/// DOQ_EXCESSIVE_LOAD.
const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);

/// How long the last packets of connections that are closed have to leave.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Where DNS over QUIC is spoken. An endpoint stays as long as documents have its address: another one on the same socket would know
/// nothing of its connections.
#[derive(Default)]
pub(super) struct Endpoints {
    open: BTreeMap<SocketAddr, Endpoint>,
    /// What is to be open.
    wanted: BTreeMap<SocketAddr, UdpSocket>,
}

impl Endpoints {
    /// From [`Endpoints::open`] on, exactly these.
    pub(super) fn want(&mut self, sockets: Vec<(SocketAddr, UdpSocket)>) {
        self.wanted = sockets.into_iter().collect();
    }

    /// Opens what is wanted and closes what is not.
    pub(super) fn open(&mut self, shared: &Rc<Shared>) {
        let wanted = std::mem::take(&mut self.wanted);
        for (_, endpoint) in self.open.extract_if(.., |address, _| !wanted.contains_key(address)) {
            endpoint.close(NO_ERROR, b"");
        }
        let Some(terms) = shared.terms() else { return };
        for (address, socket) in wanted {
            if self.open.contains_key(&address) {
                continue;
            }
            let settings = Some(ServerConfig::clone(&terms.over_quic));
            match Endpoint::new(EndpointConfig::default(), settings, socket, Arc::new(TokioRuntime)) {
                Ok(endpoint) => {
                    tokio::task::spawn_local(accept(Rc::clone(shared), endpoint.clone()));
                    self.open.insert(address, endpoint);
                }
                Err(error) => tracing::error!("DNS over QUIC cannot be spoken at {address}: {error}"),
            }
        }
    }

    /// Takes no further connection.
    pub(super) fn refuse(&self) {
        self.open.values().for_each(|endpoint| endpoint.set_server_config(None));
    }

    /// Closes what is open still.
    pub(super) async fn close(self) {
        for endpoint in self.open.into_values() {
            endpoint.close(NO_ERROR, b"");
            let _ = timeout(LAST_WORDS, endpoint.wait_idle()).await;
        }
    }
}

async fn accept(shared: Rc<Shared>, endpoint: Endpoint) {
    let bound = endpoint.local_addr().ok();
    while let Some(incoming) = endpoint.accept().await {
        let Some(terms) = shared.terms() else {
            incoming.refuse();
            continue;
        };
        // A client shows first that it is where it says (RFC 9000, 8.1.2), once: it gets a token for later connections (8.1.3). What is forged
        // takes nobody's place, and costs no signature.
        if !incoming.remote_address_validated() && incoming.may_retry() {
            let _ = incoming.retry();
            continue;
        }
        let client = incoming.remote_address();
        match shared.admit(&terms, client, &shared.responders.quic) {
            Some(slot) => {
                let asked_at =
                    |bound: SocketAddr| SocketAddr::new(incoming.local_ip().unwrap_or(bound.ip()), bound.port());
                let visit = Visit { shared: Rc::clone(&shared), ends: Ends::new(client, bound.map(asked_at)) };
                tokio::task::spawn_local(visit.serve(incoming, terms, slot));
            }
            None => incoming.refuse(),
        }
    }
}

/// Who has a connection.
#[derive(Clone)]
struct Visit {
    shared: Rc<Shared>,
    ends: Ends,
}

impl Visit {
    /// Serves a connection to its end.
    async fn serve(self, incoming: Incoming, terms: Terms, _slot: Slot) {
        let shaken = match incoming.accept_with(terms.over_quic) {
            Ok(connecting) => timeout(TLS_HANDSHAKE, connecting).await.ok().and_then(Result::ok),
            Err(_) => None,
        };
        let Some(connection) = shaken else {
            return self.shared.responders.quic.counters().handshakes_failed.add();
        };
        self.streams(&connection).await;
        connection.close(NO_ERROR, b"");
    }

    /// Answers streams until the client has no more, has had none for too long, or all are to leave.
    async fn streams(&self, connection: &Connection) {
        // Whoever has it is answered: one after the other, as fast as the client takes them.
        let turn = Rc::new(Semaphore::new(1));
        let mut open = JoinSet::new();
        let mut leaving = self.shared.leaving();
        loop {
            tokio::select! {
                stream = timeout(self.shared.idle(), connection.accept_bi()) => match stream {
                    Ok(Ok((send, receive))) => {
                        let exchange = self.clone().exchange(connection.clone(), send, receive, Rc::clone(&turn));
                        open.spawn_local(exchange);
                    }
                    Ok(Err(_)) => return,
                    // What is open has its own time.
                    Err(_) if !open.is_empty() => {}
                    Err(_) => return,
                },
                Some(_) = open.join_next() => {}
                _ = leaving.wait_for(|leaving| *leaving) => {
                    while open.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }

    /// One query and its answer.
    async fn exchange(
        self,
        connection: Connection,
        mut send: SendStream,
        mut receive: RecvStream,
        turn: Rc<Semaphore>,
    ) {
        let whole = timeout(self.shared.idle(), async {
            let query = match receive.read_to_end(2 + LONGEST).await {
                Ok(query) => query,
                Err(ReadToEndError::TooLong) => {
                    connection.close(PROTOCOL_ERROR, b"a query is too long");
                    return Ok(());
                }
                // The client has given the query up.
                Err(ReadToEndError::Read(_)) => return Err(REQUEST_CANCELLED),
            };
            let Some(query) = one_query(&query) else {
                connection.close(PROTOCOL_ERROR, b"a stream is not one query of identifier 0");
                return Ok(());
            };
            let answered = {
                // Never closed.
                let _turn = turn.acquire().await;
                let mut answer = Vec::new();
                let transport = Transport::Encrypted { keepalive: None };
                if !self.shared.responders.quic.answer(query, &self.ends, transport, &mut answer) {
                    connection.close(PROTOCOL_ERROR, b"a message is no query");
                    return Ok(());
                }
                send.write_all(&answer).await
            };
            // Until the client has it the connection must not be closed. It may not want it any more.
            if answered.is_ok() && send.finish().is_ok() {
                let _ = send.stopped().await;
            }
            Ok(())
        });
        // An end that is none would be taken for an answer of nothing (RFC 9250, 4.3.1).
        if let Err(why) = whole.await.unwrap_or(Err(EXCESSIVE_LOAD)) {
            let _ = send.reset(why);
        }
    }
}

/// The query of a stream: what its length says, nothing behind it, and as RFC 9250 wants it (4.2.1, 4.3.3, 5.5.2).
fn one_query(stream: &[u8]) -> Option<&[u8]> {
    let (length, query) = stream.split_first_chunk()?;
    let is_whole = query.len() == usize::from(u16::from_be_bytes(*length));
    (is_whole && query.starts_with(&[0, 0]) && !asks_for_keepalive(query)).then_some(query)
}

#[cfg(test)]
mod tests;
