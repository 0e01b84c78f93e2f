//! What proxies tell each other of orders (pure), beside latches and operator states: over the encrypted channel of peers alone.
//!
//! Owns the form and its bounds. Peers of earlier versions say none of it, and pass over what they are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::challenges::{is_key_authorization, is_token};
use super::material::{Account, Failures, Secret, Told};

/// The most challenges that a proxy has at a time: an order has as many as names.
const MOST_CHALLENGES: usize = 200;

/// The words of one proxy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AcmeMessage {
    /// What it does; none of a proxy of an earlier version, or whose document orders nothing.
    #[serde(rename = "acme", skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The answers to challenges of its own order, by token.
    #[serde(rename = "acme_challenges", skip_serializing_if = "BTreeMap::is_empty")]
    pub challenges: BTreeMap<String, Secret>,
    /// The tokens to which it answers: its own, and those that peers have told it.
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

/// What a proxy does about orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// It serves visitors: it orders before those that do not.
    pub ready: bool,
    /// It has tried, and does not get as far as the CA: those that may do order before it.
    #[serde(default)]
    pub unable: bool,
    /// It is ordering the certificate of this service.
    #[serde(default)]
    pub orders: Option<String>,
}

impl AcmeMessage {
    /// Leaves out challenges that are none.
    pub fn vet(&mut self) {
        let is_challenge =
            |token: &String, answer: &mut Secret| is_token(token) && is_key_authorization(answer.reveal());
        self.challenges.retain(is_challenge);
        while self.challenges.len() > MOST_CHALLENGES {
            self.challenges.pop_last();
        }
    }
}

#[cfg(test)]
mod tests;
