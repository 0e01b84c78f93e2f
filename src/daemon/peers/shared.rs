//! What every task of one daemon's exchange needs: who this daemon is, who its peers are, and how each is doing.

#![allow(clippy::disallowed_types, reason = "held only to note or show the health of a peer, about once a second")]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::super::clock::Now;
use super::super::identity::Identity;
use super::changes::{Exchanged, Inbox, Outbox, Position, StateTooLarge};
use crate::api::alarms::silent_peer;
use crate::config::{PeerConfig, PublicKey, duration};
use crate::log_line::{Kind, LogLine};
use crate::unix_time::to_unix_ms;

/// The most an exchange may take, connecting included.
pub(super) const EXCHANGE_LIMIT: Duration = Duration::from_secs(1);

/// A peer has sent its state.
#[derive(Debug)]
pub struct PeerEvent {
    /// The peer's name.
    pub peer: String,
    /// Its whole state.
    pub value: Arc<Value>,
    /// It may be another one than with the last event.
    pub is_news: bool,
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
    /// When the last exchange that this daemon began, and that has ended with all heard that there was, began, by [`running`](crate::running_time::running); 0: none has.
    pub asked: Duration,
}

/// A peer from which nothing has come for this long is worth an alarm.
const SILENT: Duration = Duration::from_secs(10);

/// A peer's clock that is off by more is an alarm: clocks that a time server sets differ by milliseconds.
const CLOCK_OFF_MS: u64 = 5_000;

impl PeerHealth {
    /// The alarm if nothing comes from it any more. An exchange that fails once is none, and neither is one that this side cannot begin as long
    /// as the other one does.
    pub fn silence_alarm(&self, now: Now) -> Option<String> {
        let error = self.error.as_deref()?;
        match self.heard.map(|heard| now.unix_ms.saturating_sub(to_unix_ms(heard))) {
            Some(since) if since < SILENT.as_millis() as u64 => None,
            Some(since) => Some(silent_peer(Some(since / 1000), error)),
            None if now.running < SILENT => None,
            None => Some(silent_peer(None, error)),
        }
    }

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

/// What both sides have of each other's state.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The peer's.
    pub(super) inbox: Inbox,
    /// Up to where the peer has ours, by its last message.
    acknowledged: Option<Position>,
    /// It is of an earlier version, which is sent the whole state and sends its own.
    pub(super) sends_whole: bool,
}

impl Link {
    /// What the peer is told now.
    pub(super) fn tell(&self, ours: &Outbox) -> Exchanged {
        Exchanged { have: self.inbox.position(), piece: ours.piece(self.acknowledged) }
    }

    /// Takes what the peer tells.
    pub(super) fn hear(&mut self, theirs: Exchanged) -> Result<(), StateTooLarge> {
        (self.acknowledged, self.sends_whole) = (theirs.have, false);
        self.inbox.take(theirs.piece)
    }

    /// Whether both sides have what the other one had to tell when `told` was ours.
    pub(super) fn is_settled(&self, told: Position) -> bool {
        self.acknowledged.is_some_and(|acknowledged| acknowledged.reaches(told)) && self.inbox.is_whole()
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
    /// Our state.
    pub(super) state: watch::Receiver<Outbox>,
    events: mpsc::Sender<PeerEvent>,
    links: BTreeMap<String, Mutex<Link>>,
    health: Mutex<BTreeMap<String, PeerHealth>>,
}

impl Shared {
    pub(super) fn new(
        name: String,
        identity: Identity,
        listen: SocketAddr,
        members: BTreeMap<String, PeerConfig>,
        state: watch::Receiver<Outbox>,
        events: mpsc::Sender<PeerEvent>,
    ) -> Shared {
        let links = members.keys().map(|name| (name.clone(), Mutex::default())).collect();
        let unknown = PeerHealth { heard: None, error: None, ahead_ms: None, asked: Duration::ZERO };
        let health = members.keys().map(|name| (name.clone(), unknown.clone())).collect();
        Shared { name, identity, listen, members, state, events, links, health: Mutex::new(health) }
    }

    /// What both sides have of each other's state; none for a stranger.
    pub(super) fn link(&self, peer: &str) -> Option<MutexGuard<'_, Link>> {
        self.links.get(peer).map(|link| link.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the daemon what a peer's state is, if all of it is here. False if the daemon is about to drop the exchange.
    pub(super) async fn deliver(&self, peer: &str, ahead_ms: Option<i64>) -> bool {
        // Room first: what is taken from the link is sent at once, and in the order in which it was taken.
        let Ok(room) = self.events.reserve().await else { return false };
        if let Some(mut link) = self.link(peer)
            && let Some((value, is_news)) = link.inbox.news()
        {
            room.send(PeerEvent { peer: peer.to_owned(), value, is_news, ahead_ms: ahead_ms.unwrap_or(0) });
        }
        true
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
    pub(super) fn note(&self, peer: &str, asked: Option<Duration>, ahead_ms: Option<i64>, error: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(health) = health.get_mut(peer) else { return };
        match &error {
            Some(why) if health.error.as_ref() != Some(why) => {
                LogLine::warn(Kind::Peer, format!("peer {why}")).about(peer).write();
            }
            None if health.error.is_some() || health.heard.is_none() => {
                LogLine::info(Kind::Peer, format!("peer {peer} answers")).about(peer).write();
            }
            _ => {}
        }
        if error.is_none() {
            (health.heard, health.ahead_ms) = (Some(SystemTime::now()), ahead_ms);
        }
        health.asked = asked.unwrap_or(health.asked);
        health.error = error;
    }

    /// Notes that a peer has begun an exchange and sent its state.
    pub(super) fn note_received(&self, peer: &str, ahead_ms: Option<i64>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(health) = health.get_mut(peer) {
            (health.heard, health.ahead_ms) = (Some(SystemTime::now()), ahead_ms);
        }
    }
}
