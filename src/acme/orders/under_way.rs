//! An order from its beginning to its end (pure).

use std::sync::Arc;
use std::time::Duration;

use crate::acme::desired::Desired;
use crate::acme::material::Secret;
use crate::acme::steps::{Challenge, TxtRecord};
use crate::api::daemon::Daemon;
use crate::config::acme::CaConfig;
use crate::daemon::challenges::Challenges;

/// The order that this daemon has under way.
#[derive(Debug)]
pub(super) struct Order {
    /// By which its events are known.
    pub(super) ticket: u64,
    /// The name of its certificate: of the service for which it is, where a proxy orders.
    pub(super) service: String,
    /// What was wanted when it began.
    pub(super) desired: Desired,
    /// Of this CA.
    pub(super) ca: Arc<CaConfig>,
    /// The certificate that was there, by [`Issued::number`](crate::acme::material::Issued::number); 0: none.
    pub(super) replaces: u32,
    /// How far it is.
    pub(super) phase: Phase,
}

/// How far an order is.
#[derive(Debug)]
pub(super) enum Phase {
    /// The CA has not said yet what it wants to find.
    Opening,
    /// Peers or nameservers are being told.
    Telling { since: Duration, challenges: Vec<Challenge>, published: bool },
    /// The CA looks.
    Validating(Vec<Challenge>),
}

impl Order {
    /// The CA looks from now on.
    pub(super) fn look(&mut self) {
        if let Phase::Telling { challenges, .. } = &mut self.phase {
            self.phase = Phase::Validating(std::mem::take(challenges));
        }
    }

    fn challenges(&self) -> &[Challenge] {
        match &self.phase {
            Phase::Opening => &[],
            Phase::Telling { challenges, .. } | Phase::Validating(challenges) => challenges,
        }
    }

    pub(super) fn records(&self) -> Vec<TxtRecord> {
        let of_dns = |challenge: &Challenge| match challenge {
            Challenge::Dns(record) => Some(record.clone()),
            Challenge::Http { .. } => None,
        };
        self.challenges().iter().filter_map(of_dns).collect()
    }

    /// The same by name, as nameservers tell each other.
    pub(super) fn told_records(&self) -> Challenges {
        TxtRecord::by_name(&self.records())
    }

    /// By what peers say that they have taken in each challenge that is theirs to answer: by its token, or the value of its record. Where
    /// proxies order, records are the nameservers'.
    pub(super) fn signs(&self, daemon: Daemon) -> impl Iterator<Item = &str> {
        self.challenges().iter().filter_map(move |challenge| match (challenge, daemon) {
            (Challenge::Http { token, .. }, _) => Some(token.as_str()),
            (Challenge::Dns(TxtRecord { value, .. }), Daemon::Nameserver) => Some(value.as_str()),
            (Challenge::Dns(_), Daemon::Proxy) => None,
        })
    }

    pub(super) fn tokens(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.challenges().iter().filter_map(|challenge| match challenge {
            Challenge::Http { token, answer } => Some((token, answer)),
            Challenge::Dns(_) => None,
        })
    }
}
