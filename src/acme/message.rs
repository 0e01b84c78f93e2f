//! What daemons of a kind tell each other of orders (pure), beside operator states and the like: over the encrypted channel of peers alone.
//!
//! Owns the form and its bounds. Peers of earlier versions say none of it, and pass over what they are told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::challenges::{is_key_authorization, is_token};
use super::material::{Account, Failures, Secret, Told};
use crate::daemon::challenges::{Challenges, MOST_VALUES};

/// The most challenges that a proxy has at a time: an order has as many as names.
const MOST_CHALLENGES: usize = 200;

/// The most characters of why a name is not answered.
const LONGEST_WHY: usize = 300;

/// The words of one daemon.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AcmeMessage {
    /// What it does; none of one of an earlier version, or whose document orders nothing.
    #[serde(rename = "acme", skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The answers to challenges of its own order, by token.
    #[serde(rename = "acme_challenges", skip_serializing_if = "BTreeMap::is_empty")]
    pub challenges: BTreeMap<String, Secret>,
    /// What nameservers are to answer the CA for its own order, where it is a nameserver.
    #[serde(rename = "acme_records", skip_serializing_if = "BTreeMap::is_empty")]
    pub records: Challenges,
    /// The names of its own records and of its peers' that it does not answer as a nameserver; with the reason for each, worded to follow
    /// the name.
    #[serde(rename = "acme_refused", skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// The tokens to which it answers, and the values of records that it has taken in: its own, and those that peers have told it.
    #[serde(rename = "acme_answers", skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, bool>,
    /// What failed, by service.
    #[serde(rename = "acme_failures", skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, Failures>,
    /// When certificates are renewed, by service, in milliseconds since the epoch, where the CA has suggested a time.
    #[serde(rename = "acme_renewals", skip_serializing_if = "BTreeMap::is_empty")]
    pub renewals: BTreeMap<String, u64>,
    /// What was issued, by service.
    #[serde(rename = "acme_certificates", skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, Told>,
    /// The accounts by the URL of the CA's directory.
    #[serde(rename = "acme_accounts", skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, Account>,
}

/// What a daemon does about orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// It serves: it orders before those that do not.
    pub ready: bool,
    /// It has tried, and does not get as far as the CA: those that may do order before it.
    #[serde(default)]
    pub unable: bool,
    /// It is ordering the certificate of this service.
    #[serde(default)]
    pub orders: Option<String>,
    /// The certificates that its document wants, each with its [number](super::desired::Desired::number): for these alone it may be the one
    /// that orders. None: it is of an earlier version, and wants what we want.
    #[serde(default)]
    pub wants: Option<BTreeMap<String, u32>>,
}

impl Part {
    /// Whether its document wants the same certificate.
    pub fn wants(&self, certificate: &str, number: u32) -> bool {
        self.wants.as_ref().is_none_or(|wanted| wanted.get(certificate) == Some(&number))
    }
}

impl AcmeMessage {
    /// Leaves out challenges that are none, and what is too much.
    pub fn vet(&mut self) {
        let is_challenge =
            |token: &String, answer: &mut Secret| is_token(token) && is_key_authorization(answer.reveal());
        self.challenges.retain(is_challenge);
        while self.challenges.len() > MOST_CHALLENGES {
            self.challenges.pop_last();
        }
        let values = |records: &Challenges| records.values().map(BTreeSet::len).sum::<usize>();
        while values(&self.records) > MOST_VALUES {
            self.records.pop_last();
        }
        while self.refused.len() > MOST_VALUES {
            self.refused.pop_last();
        }
        self.refused.values_mut().for_each(|why| *why = why.chars().take(LONGEST_WHY).collect());
    }
}

#[cfg(test)]
mod tests;
