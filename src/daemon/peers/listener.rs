//! The listener for peers: which connections are accepted, and how many, before and after a peer has proved its name.
//!
//! Owns the accepted connections, under two limits. Before the handshake a connection is known by its address alone: one from
//! an address of no member is closed at once, and each member's address may have [`MAX_HANDSHAKES`] at a time. After the
//! handshake it is known by its key, and each peer may have [`MAX_EXCHANGES`]. At either limit the oldest is closed for a
//! new one: a peer sends its first frame as it connects, so it is served within moments however many idle connections come
//! after it. Must never: wait for one of them before it accepts the next.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::super::callers::{Refusals, Slots};
use super::super::channel::Channel;
use super::exchange;
use super::shared::{EXCHANGE_LIMIT, Shared};

/// Handshakes under way from one address.
pub const MAX_HANDSHAKES: usize = 8;

/// Exchanges under way with one peer: the present one, and what may be left of earlier ones.
const MAX_EXCHANGES: usize = 4;

/// The most connections with so many peers at a time: those that they open, and one to each of them.
pub const fn connections_with(peers: usize) -> usize {
    (MAX_HANDSHAKES + MAX_EXCHANGES + 1) * peers
}

/// The pause after a failed accept (no descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A peer that has proved its name, or why there is none, for the log.
type Accepted = Result<(Channel, String, SocketAddr), String>;

/// Answers the peers that connect, for ever.
pub(super) async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let mut handshakes: JoinSet<Accepted> = JoinSet::new();
    let mut exchanges: JoinSet<Result<(), String>> = JoinSet::new();
    let mut by_address = Slots::new(MAX_HANDSHAKES);
    let mut by_peer = Slots::new(MAX_EXCHANGES);
    let mut refusals = Refusals::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) if shared.member_at(from).is_some() => {
                    let shared = Arc::clone(&shared);
                    by_address.take(from.ip().to_canonical(), || handshakes.spawn(handshake(shared, stream, from)));
                }
                Ok((_, from)) => refusals.log(&format!("{from}: no member of `peers.members` is at this address")),
                Err(error) => {
                    tracing::warn!("cannot accept a peer's connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            // A task fails only if it was ended for a newer one.
            Some(Ok(accepted)) = handshakes.join_next() => match accepted {
                Ok((channel, peer, from)) => {
                    let answering = answer(Arc::clone(&shared), peer.clone(), channel, from);
                    by_peer.take(peer, || exchanges.spawn(answering));
                }
                Err(why) => refusals.log(&why),
            },
            Some(Ok(Err(why))) = exchanges.join_next() => refusals.log(&why),
        }
    }
}

/// The handshake of one connection; the error is for the log and names where it came from.
async fn handshake(shared: Arc<Shared>, stream: TcpStream, from: SocketAddr) -> Accepted {
    let accepted = exchange::accept(&shared, stream, Instant::now() + EXCHANGE_LIMIT).await;
    let (channel, peer) = accepted.map_err(|why| match shared.member_at(from) {
        Some(name) => format!("{from}, the host of {name}: {why}"),
        None => format!("{from}: {why}"),
    })?;
    Ok((channel, peer, from))
}

/// One exchange with a peer that connected.
async fn answer(shared: Arc<Shared>, peer: String, channel: Channel, from: SocketAddr) -> Result<(), String> {
    let answered = exchange::answer(&shared, &peer, channel, Instant::now() + EXCHANGE_LIMIT).await;
    answered.map_err(|why| format!("{from}, which has the key of {peer}: {why}"))
}
