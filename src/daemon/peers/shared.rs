//! What every task of one daemon's exchange needs: who this daemon is, who its peers are, and how each is doing.

#![allow(clippy::disallowed_types, reason = "held only to note or show the health of a peer, about once a second")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::mpsc;

use super::identity::Identity;
use crate::config::{PeerConfig, PublicKey};

/// The most an exchange may take, connecting included.
pub(super) const EXCHANGE_LIMIT: Duration = Duration::from_secs(1);

/// A peer has sent its state.
#[derive(Debug)]
pub struct PeerEvent {
    /// The peer's name.
    pub peer: String,
    /// Its whole state.
    pub value: Value,
}

/// The health of one peer, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// When its state was last received, whichever side connected.
    pub heard: Option<SystemTime>,
    /// Why the last exchange failed; none if it did not. Names the peer and its address.
    pub error: Option<String>,
}

/// What every task of one daemon's exchange needs.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) identity: Identity,
    /// Where this daemon listens.
    pub(super) listen: SocketAddr,
    /// Without this daemon's own name.
    pub(super) members: BTreeMap<String, PeerConfig>,
    pub(super) events: mpsc::Sender<PeerEvent>,
    health: Mutex<BTreeMap<String, PeerHealth>>,
}

impl Shared {
    pub(super) fn new(
        name: String,
        identity: Identity,
        listen: SocketAddr,
        members: BTreeMap<String, PeerConfig>,
        events: mpsc::Sender<PeerEvent>,
    ) -> Shared {
        let unknown = PeerHealth { heard: None, error: None };
        let health = members.keys().map(|name| (name.clone(), unknown.clone())).collect();
        Shared { name, identity, listen, members, events, health: Mutex::new(health) }
    }

    /// The health of each peer.
    pub(super) fn health(&self) -> BTreeMap<String, PeerHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The peer for which this key is listed.
    pub(super) fn member_with(&self, key: &PublicKey) -> Option<String> {
        self.members.iter().find(|(_, peer)| peer.keys.contains(key)).map(|(name, _)| name.clone())
    }

    /// The peer whose host has this address.
    pub(super) fn member_at(&self, from: SocketAddr) -> Option<&str> {
        let from: IpAddr = from.ip().to_canonical();
        self.members.iter().find(|(_, peer)| peer.address.ip().to_canonical() == from).map(|(name, _)| name.as_str())
    }

    /// Notes how an exchange that this daemon began has ended; every change is one log line.
    pub(super) fn note(&self, peer: &str, error: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(health) = health.get_mut(peer) else { return };
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

    /// Notes that a peer has begun an exchange and sent its state.
    pub(super) fn note_received(&self, peer: &str) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = health.get_mut(peer) {
            health.heard = Some(SystemTime::now());
        }
    }
}
