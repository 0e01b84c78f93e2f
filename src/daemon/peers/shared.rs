//! What every task of one daemon's exchange needs: who this daemon is, who its peers are, and how each is doing.

#![allow(clippy::disallowed_types, reason = "held only to note or show the health of a peer, about once a second")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::mpsc;

use super::identity::Identity;
use crate::config::{PeerConfig, PublicKey, duration};

/// The most an exchange may take, connecting included.
pub(super) const EXCHANGE_LIMIT: Duration = Duration::from_secs(1);

/// A peer has sent its state.
#[derive(Debug)]
pub struct PeerEvent {
    /// The peer's name.
    pub peer: String,
    /// Its whole state.
    pub value: Value,
    /// How far its clock is ahead of ours, in milliseconds; 0 if it does not say.
    pub ahead_ms: i64,
}

/// The health of one peer, for `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// When its state was last received, whichever side connected.
    pub heard: Option<SystemTime>,
    /// Why the last exchange failed; none if it did not. Names the peer and its address.
    pub error: Option<String>,
    /// How far its clock is ahead of ours, in milliseconds, by the last exchange; an older build does not say.
    pub ahead_ms: Option<i64>,
    /// When the last exchange that this daemon began, and that has ended, began, by [`running`](crate::running_time::running); 0: none has.
    pub asked: Duration,
}

/// A peer's clock that is off by more is an alarm: clocks that a time server sets differ by milliseconds.
const CLOCK_OFF_MS: u64 = 5_000;

impl PeerHealth {
    /// The alarm if the peer's clock and ours are too far apart.
    pub fn clock_alarm(&self, peer: &str) -> Option<String> {
        let ahead = self.ahead_ms.filter(|ahead| ahead.unsigned_abs() > CLOCK_OFF_MS)?;
        let by = duration::format(Duration::from_secs(ahead.unsigned_abs() / 1000));
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        Some(format!(
            "the clock of peer {peer} is {by} {way} this machine's: `timedatectl` on both shows which one is not set by a time \
             server; what operators say is kept in order, but the times shown are off"
        ))
    }
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
        let unknown = PeerHealth { heard: None, error: None, ahead_ms: None, asked: Duration::ZERO };
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
    pub(super) fn note(&self, peer: &str, began: Duration, ahead_ms: Option<i64>, error: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(health) = health.get_mut(peer) else { return };
        match &error {
            Some(why) if health.error.as_ref() != Some(why) => tracing::warn!("peer {why}"),
            None if health.error.is_some() || health.heard.is_none() => tracing::info!("peer {peer} answers"),
            _ => {}
        }
        if error.is_none() {
            (health.heard, health.ahead_ms) = (Some(SystemTime::now()), ahead_ms);
        }
        (health.asked, health.error) = (began, error);
    }

    /// Notes that a peer has begun an exchange and sent its state.
    pub(super) fn note_received(&self, peer: &str, ahead_ms: Option<i64>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = health.get_mut(peer) {
            (health.heard, health.ahead_ms) = (Some(SystemTime::now()), ahead_ms);
        }
    }
}
