//! An order from its beginning to its end (pure).

use std::sync::Arc;
use std::time::Duration;

use crate::acme::desired::Desired;
use crate::acme::material::Secret;
use crate::acme::steps::{Challenge, TxtRecord};
use crate::config::acme::CaConfig;

/// The order that this proxy has under way.
#[derive(Debug)]
pub(super) struct Order {
    /// By which its events are known.
    pub(super) ticket: u64,
    /// The service for which it is.
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
    pub(super) fn challenges(&self) -> &[Challenge] {
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

    pub(super) fn tokens(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.challenges().iter().filter_map(|challenge| match challenge {
            Challenge::Http { token, answer } => Some((token, answer)),
            Challenge::Dns(_) => None,
        })
    }
}
