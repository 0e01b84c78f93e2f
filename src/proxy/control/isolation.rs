//! What this proxy alone cannot reach (pure): backends that its checks find down, and that the checks of peers find up.
//!
//! Owns what follows from that: which backends are in doubt, which services are not served here, and whether this proxy stands back.
//! `control` judges it anew after every event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::daemon::opinions::Heard;

/// What this proxy alone cannot reach, as it was judged last.
#[derive(Debug, Clone, Default)]
pub struct Isolation {
    /// By `SERVICE/BACKEND`: the peers that see it up, while it is down here.
    pub(super) contradicted: BTreeMap<String, Vec<Contradiction>>,
    /// Services that cannot be served here for that.
    pub(super) cut_off: BTreeMap<Arc<str>, CutOff>,
    /// A peer that is fit can have the visitors.
    pub(super) stands_back: bool,
}

/// A peer sees a backend up that is down here.
#[derive(Debug, Clone)]
pub(super) struct Contradiction {
    pub(super) peer: String,
    /// When it was heard last.
    pub(super) heard: Heard,
    /// In which time it would have found the backend dead.
    pub(super) bound: Duration,
}

/// A service that cannot be served here because of what this proxy alone finds down.
#[derive(Debug, Clone)]
pub(super) struct CutOff {
    pub(super) since: Duration,
    pub(super) is_isolated: bool,
    /// From what, and who reaches it: for people.
    pub(super) words: String,
}

impl Isolation {
    /// Whether peers see this backend up that is down here.
    pub fn contradicts(&self, subject: &str) -> bool {
        self.contradicted.contains_key(subject)
    }

    /// Whether nobody contradicts what is found down here.
    pub fn is_uncontested(&self) -> bool {
        self.contradicted.is_empty()
    }

    /// Whether this proxy alone cannot serve a service.
    pub fn is_isolated(&self, service: &str) -> bool {
        self.cut_off.get(service).is_some_and(|cut_off| cut_off.is_isolated)
    }

    /// Whether every service that others can serve can be served here.
    pub fn is_nothing(&self) -> bool {
        !self.cut_off.values().any(|cut_off| cut_off.is_isolated)
    }

    /// Whether this proxy is not to be ready: it cannot serve a service that a peer can, which can serve all others as well.
    pub fn stands_back(&self) -> bool {
        self.stands_back
    }

    /// What the operator should look at.
    pub fn alarms(&self) -> impl Iterator<Item = String> {
        let then = match self.stands_back {
            true => {
                "visitors get 503 for it here, and this proxy is not ready, so that nameservers send them to its peers"
            }
            false => "visitors get 503 for it here; this proxy stays ready, since no peer is that reaches everything",
        };
        let isolated = self.cut_off.iter().filter(|(_, cut_off)| cut_off.is_isolated);
        isolated.map(move |(service, CutOff { words, .. })| {
            format!("{service}: isolated from {words}: {then}; look at the network between them and this machine")
        })
    }
}
