//! The exchange of state between daemons of one kind. Every second, and at start, each sends its peers what changed of its own state (one
//! JSON object) since what they have of it, and receives the same of theirs. Encrypted; each side is known by a key of its own (Noise IK).
//!
//! Owns the listener for peers, one task for each peer, and the health of each. Must never: know what the values mean (the
//! daemons merge them), go by a peer's clock (how far that is off is measured and told), or keep anything between two exchanges. Called by both daemons' control threads.
//!
//! Each exchange has a connection of its own. Kept connections would save three round trips and two curve operations a
//! second, at the price of state that can go wrong: half-open connections, keys replaced meanwhile, a peer that was restarted
//! or moved. With a new connection every exchange proves all of it again, and at most one second of state is lost.

mod changes;
mod exchange;
mod listener;
mod rejected;
mod shared;

pub use super::channel::ChannelError;
pub use super::identity::Identity;
pub use changes::{MAX_MESSAGE, MAX_STATE, Outbox};
pub use exchange::ExchangeError;
pub use listener::connections_with;
pub use rejected::Rejected;
pub use shared::{PeerEvent, PeerHealth};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::config::{PeerConfig, PeersConfig};
use crate::running_time::running;
use exchange::Received;
use shared::{EXCHANGE_LIMIT, Shared};

/// From the start of one exchange with a peer to the start of the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// A daemon that has asked its peers within this time knows what they know: an exchange, the next one, and how late a busy
/// machine may be.
pub const RECENT: Duration = INTERVAL.saturating_add(EXCHANGE_LIMIT).saturating_add(Duration::from_secs(1));

/// The same while this daemon's value keeps changing: changes within this time are sent together.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// A handle on the running exchange; it ends when the handle is dropped.
pub struct Peers {
    shared: Arc<Shared>,
    /// One sender for each peer's task, which answers with whether the peer did.
    requests: Vec<mpsc::Sender<oneshot::Sender<bool>>>,
    _tasks: JoinSet<()>,
}

impl Peers {
    /// Starts listening (on an inherited or newly bound listener) and exchanging on the current runtime. `state` is read
    /// again for each exchange, and a change of it starts one at once; what peers send arrives through `events`. The exchange
    /// also ends when the other end of `state` or `events` is dropped. A `LocalSet` is not needed.
    pub fn start(
        config: PeersConfig,
        own_name: String,
        identity: Identity,
        listener: std::net::TcpListener,
        state: watch::Receiver<Outbox>,
        events: mpsc::Sender<PeerEvent>,
    ) -> Peers {
        let PeersConfig { listen, mut members, .. } = config;
        members.remove(&own_name);
        let shared = Arc::new(Shared::new(own_name, identity, listen, members, state, events));

        let mut tasks = JoinSet::new();
        let mut requests = Vec::new();
        for (name, peer) in &shared.members {
            let (request, requested) = mpsc::channel(4);
            requests.push(request);
            tasks.spawn(exchange_with(Arc::clone(&shared), name.clone(), peer.clone(), requested));
        }
        match adopt(listener) {
            Ok(listener) => {
                tasks.spawn(listener::listen(Arc::clone(&shared), listener));
            }
            Err(error) => tracing::error!(
                "cannot listen for peers on {}: {error}; exchanges happen only when this daemon connects",
                shared.listen
            ),
        }
        Peers { shared, requests, _tasks: tasks }
    }

    /// One exchange with every peer, until the slowest has answered or failed, for at most `limit`. For the start, before the
    /// daemon is ready. True if at least one answered; its state has then been sent to `events` (which needs room for all,
    /// or to be read meanwhile).
    pub async fn first_round(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut replies = Vec::new();
        for request in &self.requests {
            let (reply, replied) = oneshot::channel();
            if let Ok(Ok(())) = timeout_at(deadline, request.send(reply)).await {
                replies.push(replied);
            }
        }
        let mut any = false;
        for replied in replies {
            any |= matches!(timeout_at(deadline, replied).await, Ok(Ok(true)));
        }
        any
    }

    /// When the exchange began that is the last to have ended with its peer, of the peer for which that is longest ago; whether it answered or
    /// not. What was heard has been sent to `events`.
    pub fn asked(&self) -> Option<Duration> {
        self.shared.health().into_values().map(|health| health.asked).min()
    }

    /// The health of each peer.
    pub fn health(&self) -> BTreeMap<String, PeerHealth> {
        self.shared.health()
    }
}

/// The value of a message, read as an exchange does: for the fuzz target `peers_letter`.
///
/// # Errors
///
/// It is not a peer's message, or one of another version.
#[doc(hidden)]
pub fn read_message(message: &[u8]) -> Result<Value, ExchangeError> {
    exchange::value_of(message)
}

fn adopt(listener: std::net::TcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Exchanges with one peer, for ever.
async fn exchange_with(
    shared: Arc<Shared>,
    name: String,
    peer: PeerConfig,
    mut requested: mpsc::Receiver<oneshot::Sender<bool>>,
) {
    let mut waiting = Vec::new();
    let mut state = shared.state.clone();
    loop {
        while let Ok(reply) = requested.try_recv() {
            waiting.push(reply);
        }
        let (started, began) = (Instant::now(), running());
        state.mark_unchanged();
        let result = exchange::initiate(&shared, &name, &peer, started + EXCHANGE_LIMIT).await;
        let answered = result.is_ok();
        let ahead_ms = result.as_ref().ok().and_then(|received| received.ahead_ms);
        if answered && !shared.deliver(&name, ahead_ms).await {
            return;
        }
        // After the message is on its way: who sees that the peer was asked finds what it said.
        let is_unheard = matches!(result, Ok(Received { is_unheard: true, .. }));
        let asked = (!is_unheard).then_some(began);
        shared.note(&name, asked, ahead_ms, result.err().map(|error| format!("{name} ({}): {error}", peer.address)));
        for reply in waiting.drain(..) {
            // Whoever waits may have run out of time.
            let _ = reply.send(answered);
        }
        sleep_until(started + SHORTEST_INTERVAL).await;
        if is_unheard {
            continue;
        }
        tokio::select! {
            () = sleep_until(started + INTERVAL) => {}
            changed = state.changed() => if changed.is_err() { return },
            Some(reply) = requested.recv() => waiting.push(reply),
        }
    }
}

#[cfg(test)]
mod tests;
