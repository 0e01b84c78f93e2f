//! The channel between daemons of one kind: every second, and at start, each sends its peers what it knows (one JSON
//! value) and gets what they know. Encrypted; each side is known by a key of its own (Noise IK).
//!
//! Owns the listener for peers, one task a peer, and how each is doing. Must never: know what the values mean (the
//! daemons merge them), trust a clock, or keep anything between two exchanges. Called by both daemons' control threads.
//!
//! An exchange is a connection of its own. Kept connections would save three round trips and two curve operations a
//! second, and cost a state to get wrong: half-open connections, keys replaced under them, a peer that was restarted or
//! moved. This way every exchange proves all of it anew, and nothing but the last second is ever lost.

#![allow(clippy::disallowed_types, reason = "held only to note or show how a peer is doing, about once a second")]

mod channel;
mod exchange;
mod identity;
mod listener;
mod untaken;

pub use identity::Identity;
pub use untaken::Untaken;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::config::{PeerConfig, PeersConfig, PublicKey};

/// From the start of one exchange with a peer to the start of the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// The same while what we know keeps changing: so much is sent together.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// The most an exchange may take, connecting included.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(1);

/// The most a letter may hold, in bytes. What documents and bounds allow fits: `letters_of_the_most_that_a_document_allows_fit`
/// in src/proxy/control/tests.rs.
pub const MAX_LETTER: usize = 8 * 1024 * 1024;

/// A peer told us something.
#[derive(Debug)]
pub struct Heard {
    /// The peer's name.
    pub peer: String,
    /// All it knows.
    pub value: Value,
}

/// How one peer is doing, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// When it was last heard, whoever connected.
    pub heard: Option<SystemTime>,
    /// Why the last try failed; none if it did not. Names the peer and its address.
    pub error: Option<String>,
}

/// A handle on the running exchange; it ends when the handle is dropped.
pub struct Peers {
    us: Arc<Us>,
    asked: Vec<mpsc::Sender<oneshot::Sender<bool>>>,
    _tasks: JoinSet<()>,
}

/// What every task of one daemon's exchange needs.
struct Us {
    name: String,
    identity: Identity,
    /// Where we listen.
    listen: SocketAddr,
    /// Without this daemon's own name.
    members: BTreeMap<String, PeerConfig>,
    heard: mpsc::Sender<Heard>,
    health: Mutex<BTreeMap<String, PeerHealth>>,
}

impl Peers {
    /// Starts listening (on an inherited or newly bound listener) and exchanging on the current runtime. `ours` is read
    /// anew at each exchange and a change of it starts one at once; what peers say arrives through `heard`. The exchange
    /// also ends when the other end of `ours` or `heard` is dropped. A `LocalSet` is not needed.
    pub fn start(
        config: PeersConfig,
        own_name: String,
        identity: Identity,
        listener: std::net::TcpListener,
        ours: watch::Receiver<Value>,
        heard: mpsc::Sender<Heard>,
    ) -> Peers {
        let PeersConfig { listen, mut members, .. } = config;
        members.remove(&own_name);
        let unheard = PeerHealth { heard: None, error: None };
        let health = Mutex::new(members.keys().map(|name| (name.clone(), unheard.clone())).collect());
        let us = Arc::new(Us { name: own_name, identity, listen, members, heard, health });

        let mut tasks = JoinSet::new();
        let mut asked = Vec::new();
        for (name, peer) in &us.members {
            let (ask, asks) = mpsc::channel(4);
            asked.push(ask);
            tasks.spawn(talk(Arc::clone(&us), name.clone(), peer.clone(), ours.clone(), asks));
        }
        match adopt(listener) {
            Ok(listener) => {
                tasks.spawn(listener::listen(Arc::clone(&us), listener, ours));
            }
            Err(error) => tracing::error!("peers cannot reach {}: {error}; only we connect to them", us.listen),
        }
        Peers { us, asked, _tasks: tasks }
    }

    /// One exchange with every peer, ended by the slowest answer or refusal, at most `limit`. For the start, before
    /// ready. True if at least one answered; what it said has then been put into `heard` (which needs room for all, or
    /// to be read meanwhile).
    pub async fn first_round(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut replies = Vec::new();
        for ask in &self.asked {
            let (reply, replied) = oneshot::channel();
            if let Ok(Ok(())) = timeout_at(deadline, ask.send(reply)).await {
                replies.push(replied);
            }
        }
        let mut any = false;
        for replied in replies {
            any |= matches!(timeout_at(deadline, replied).await, Ok(Ok(true)));
        }
        any
    }

    /// How each peer is doing.
    pub fn health(&self) -> BTreeMap<String, PeerHealth> {
        self.us.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a letter says, read as an exchange does: for the fuzz target `peers_letter`.
///
/// # Errors
///
/// It is no letter, or one of another version.
#[doc(hidden)]
pub fn read_letter(letter: &[u8]) -> Result<Value, String> {
    exchange::value_of(letter)
}

fn adopt(listener: std::net::TcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Exchanges with one peer, for ever.
async fn talk(
    us: Arc<Us>,
    name: String,
    peer: PeerConfig,
    mut ours: watch::Receiver<Value>,
    mut asks: mpsc::Receiver<oneshot::Sender<bool>>,
) {
    let mut askers = Vec::new();
    loop {
        while let Ok(asker) = asks.try_recv() {
            askers.push(asker);
        }
        let started = Instant::now();
        let value = ours.borrow_and_update().clone();
        let result = exchange::ask(&us, &name, &peer, value, started + EXCHANGE_LIMIT).await;
        let answered = result.is_ok();
        us.note(&name, result.as_ref().map(|_| ()).map_err(|why| format!("{name} ({}): {why}", peer.address)));
        if let Ok(value) = result
            && us.heard.send(Heard { peer: name.clone(), value }).await.is_err()
        {
            return;
        }
        for asker in askers.drain(..) {
            // Whoever asked may have run out of time.
            let _ = asker.send(answered);
        }
        sleep_until(started + SHORTEST_INTERVAL).await;
        tokio::select! {
            () = sleep_until(started + INTERVAL) => {}
            changed = ours.changed() => if changed.is_err() { return },
            Some(asker) = asks.recv() => askers.push(asker),
        }
    }
}

impl Us {
    /// The peer for whom this key is listed.
    fn whose(&self, key: &PublicKey) -> Option<String> {
        self.members.iter().find(|(_, peer)| peer.keys.contains(key)).map(|(name, _)| name.clone())
    }

    /// Notes how a try ended; every change is one log line.
    fn note(&self, peer: &str, result: Result<(), String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(health) = health.get_mut(peer) else { return };
        let error = result.err();
        match &error {
            Some(why) if health.error.as_ref() != Some(why) => tracing::warn!("peer {why}"),
            None if health.error.is_some() || health.heard.is_none() => tracing::info!("peer {peer} answers"),
            _ => {}
        }
        if error.is_none() {
            health.heard = Some(SystemTime::now());
        }
        health.error = error;
    }

    /// Notes that a peer told us something of its own accord.
    fn note_heard(&self, peer: &str) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = health.get_mut(peer) {
            health.heard = Some(SystemTime::now());
        }
    }
}

#[cfg(test)]
mod tests;
