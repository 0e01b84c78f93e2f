//! The exchange with peers, as the control loop holds it: the state sent, the messages received, and its restart by a reload.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::super::peers::{Identity, Outbox, PeerEvent, PeerHealth, Peers};
use super::daemon::Settings;
use crate::config::PeersConfig;

/// Messages of peers that may wait to be taken in.
const WAITING: usize = 64;

/// The exchange; it runs between [`Exchange::start`] and [`Exchange::stop`].
pub struct Exchange {
    state: watch::Sender<Outbox>,
    events: mpsc::Sender<PeerEvent>,
    messages: mpsc::Receiver<PeerEvent>,
    running: Option<Running>,
}

struct Running {
    name: String,
    config: PeersConfig,
    identity: Identity,
    peers: Rc<Peers>,
}

impl Exchange {
    /// An exchange that does not run yet. Peers are sent `value` until [`Exchange::send`] replaces it.
    pub fn new(value: Value) -> Exchange {
        let (events, messages) = mpsc::channel(WAITING);
        Exchange { state: watch::Sender::new(Outbox::new(&value)), events, messages, running: None }
    }

    /// Begins, if the document has peers; goes on undisturbed if nothing of it has changed.
    pub fn start(&mut self, settings: &Settings<'_>, identity: Option<&Identity>, listener: Option<TcpListener>) {
        let next = settings.peers.zip(identity).zip(listener);
        let same = |running: &Running| {
            next.as_ref().is_some_and(|((config, identity), _)| {
                (&*running.name, &running.config, &running.identity) == (settings.name, config, identity)
            })
        };
        if self.running.as_ref().is_some_and(same) {
            return;
        }
        self.running = None;
        let Some(((config, identity), listener)) = next else { return };
        let (state, events) = (self.state.subscribe(), self.events.clone());
        let peers = Peers::start(config.clone(), settings.name.to_owned(), identity.clone(), listener, state, events);
        self.running = Some(Running {
            name: settings.name.to_owned(),
            config: config.clone(),
            identity: identity.clone(),
            peers: Rc::new(peers),
        });
    }

    /// Ends the exchange: no peer is called or answered any more.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Sets the state that is sent to peers from now on.
    pub fn send(&self, value: Value) {
        self.state.send_modify(|state| state.set(&value));
    }

    /// The next message of a peer.
    pub async fn message(&mut self) -> PeerEvent {
        // This end holds a sender too, so the channel never ends.
        match self.messages.recv().await {
            Some(message) => message,
            None => std::future::pending().await,
        }
    }

    /// The messages that nobody has taken in yet.
    pub fn waiting(&mut self) -> impl Iterator<Item = PeerEvent> {
        std::iter::from_fn(|| self.messages.try_recv().ok())
    }

    /// One exchange with every peer, at most for `limit`; true if there is no peer, or one answered. Their messages wait
    /// then.
    pub fn first_round(&self, limit: Duration) -> impl Future<Output = bool> + 'static {
        let peers = self.running.as_ref().map(|running| running.peers.clone());
        async move {
            match peers {
                Some(peers) => peers.first_round(limit).await,
                None => true,
            }
        }
    }

    /// [`Peers::asked`]; none without peers.
    pub fn asked(&self) -> Option<Duration> {
        self.running.as_ref()?.peers.asked()
    }

    /// How each peer is doing.
    pub fn health(&self) -> BTreeMap<String, PeerHealth> {
        self.running.as_ref().map(|running| running.peers.health()).unwrap_or_default()
    }
}
