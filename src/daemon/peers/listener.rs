//! The listener for peers: who is let in, and how far, before anybody has proved who it is.
//!
//! Owns the accepted connections. A connection passes two doors. Before the handshake it is known by its address alone:
//! one that is no member's host is closed at once, and of those that are, each address may have [`MAX_HANDSHAKES`] at a
//! time. After the handshake it is known by its key, and each peer may have [`MAX_EXCHANGES`]. At either door the oldest
//! goes when one more comes: a peer's first frame comes with its connection, so that it is served within moments however
//! many idle connections come after it. Must never: wait for one of them before it accepts the next.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::channel::Channel;
use super::{EXCHANGE_LIMIT, Heard, Us, exchange};

/// Handshakes under way from one address.
pub(super) const MAX_HANDSHAKES: usize = 8;

/// Exchanges under way with one peer: its present one, and what may be left of those before it.
const MAX_EXCHANGES: usize = 4;

/// The pause after a failed accept (no descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// At most one log line in this time about connections that were refused.
const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(10);

type Welcomed = Result<(Channel, String, SocketAddr), String>;

/// Answers the peers that connect, for ever.
pub(super) async fn listen(us: Arc<Us>, listener: TcpListener, ours: watch::Receiver<Value>) {
    let mut handshakes: JoinSet<Welcomed> = JoinSet::new();
    let mut exchanges: JoinSet<Result<(), String>> = JoinSet::new();
    let mut by_address = Slots::new(MAX_HANDSHAKES);
    let mut by_peer = Slots::new(MAX_EXCHANGES);
    let mut refusals = Refusals::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) if us.member_at(from).is_some() => {
                    let us = Arc::clone(&us);
                    by_address.take(from.ip().to_canonical(), || handshakes.spawn(welcome(us, stream, from)));
                }
                Ok((_, from)) => refusals.log(&format!("{from}: no member of `peers.members` is at this address")),
                Err(error) => {
                    tracing::warn!("cannot accept a peer's connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            // An error of a task is that it had to go for a younger one.
            Some(Ok(welcomed)) = handshakes.join_next() => match welcomed {
                Ok((channel, peer, from)) => {
                    let answering = answer(Arc::clone(&us), peer.clone(), channel, from, ours.clone());
                    by_peer.take(peer, || exchanges.spawn(answering));
                }
                Err(why) => refusals.log(&why),
            },
            Some(Ok(Err(why))) = exchanges.join_next() => refusals.log(&why),
        }
    }
}

/// The handshake of one connection; the error is for the log and names where it came from.
async fn welcome(us: Arc<Us>, stream: TcpStream, from: SocketAddr) -> Welcomed {
    let welcomed = exchange::welcome(&us, stream, Instant::now() + EXCHANGE_LIMIT).await;
    let (channel, peer) = welcomed.map_err(|why| match us.member_at(from) {
        Some(name) => format!("{from}, the host of {name}: {why}"),
        None => format!("{from}: {why}"),
    })?;
    Ok((channel, peer, from))
}

/// One exchange with a peer that connected.
async fn answer(
    us: Arc<Us>,
    peer: String,
    channel: Channel,
    from: SocketAddr,
    ours: watch::Receiver<Value>,
) -> Result<(), String> {
    let heard = exchange::answer(&us, &peer, channel, ours, Instant::now() + EXCHANGE_LIMIT).await;
    let value = heard.map_err(|why| format!("{from}, which has the key of {peer}: {why}"))?;
    us.note_heard(&peer);
    // Nobody listens any more: the daemon is about to drop us.
    let _ = us.heard.send(Heard { peer, value }).await;
    Ok(())
}

/// The tasks under way, by whose they are: at most so many each.
struct Slots<K> {
    each: usize,
    /// The oldest first.
    taken: Vec<(K, AbortHandle)>,
}

impl<K: PartialEq> Slots<K> {
    fn new(each: usize) -> Slots<K> {
        Slots { each, taken: Vec::new() }
    }

    /// Starts one more; the oldest of the same owner goes if there would be too many.
    fn take(&mut self, owner: K, start: impl FnOnce() -> AbortHandle) {
        self.taken.retain(|(_, task)| !task.is_finished());
        let own: Vec<usize> = (0..self.taken.len()).filter(|at| self.taken[*at].0 == owner).collect();
        if own.len() >= self.each {
            self.taken.remove(own[0]).1.abort();
        }
        self.taken.push((owner, start()));
    }
}

/// Keeps strangers from filling the log.
#[derive(Default)]
struct Refusals {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    fn log(&mut self, why: &str) {
        let now = Instant::now();
        if self.logged.is_some_and(|logged| now < logged + REFUSAL_LOG_INTERVAL) {
            self.unlogged += 1;
            return;
        }
        let more = std::mem::take(&mut self.unlogged);
        tracing::warn!("refused a connection from {why} ({more} more since the last such line)");
        self.logged = Some(now);
    }
}

/// Whom an address belongs to.
impl Us {
    /// The peer that lives where a connection came from.
    fn member_at(&self, from: SocketAddr) -> Option<&str> {
        let from: IpAddr = from.ip().to_canonical();
        self.members.iter().find(|(_, peer)| peer.address.ip().to_canonical() == from).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests;
