//! What happens to orders, and what is to be done about it (plain data): between what decides ([`super::orders`]) and its hands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::material::{Account, Failures, Issued, Secret, Told};
use super::schedule::{Cause, Window};
use crate::config::acme::{CaConfig, ChallengeKind};
use crate::daemon::challenges::{Challenges, Name, NotOne, Value};
use crate::log_line::LogLine;

/// What the CA is to find.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Challenge {
    /// At every proxy, under `/.well-known/acme-challenge/TOKEN`.
    Http {
        /// The last segment of the path.
        token: String,
        /// The key authorization.
        answer: Secret,
    },
    /// At every nameserver.
    Dns(TxtRecord),
}

/// A TXT record that the CA asks our nameservers for (RFC 8555, 8.4). Several may have one name, with different values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxtRecord {
    /// Its whole name: `_acme-challenge.example.net`.
    pub name: Name,
    /// Its text.
    pub value: Value,
}

impl TxtRecord {
    /// That of a domain.
    ///
    /// # Errors
    ///
    /// A CA has not asked for this: it is no domain, or not the digest of a key authorization.
    pub fn of(domain: &str, value: String) -> Result<TxtRecord, NotOne> {
        Ok(TxtRecord { name: Name::for_domain(domain)?, value: Value::try_from(value)? })
    }

    /// The values of all by name, as nameservers have them.
    pub fn by_name<'r>(records: impl IntoIterator<Item = &'r TxtRecord>) -> Challenges {
        let mut challenges = Challenges::new();
        for TxtRecord { name, value } in records {
            challenges.entry(name.clone()).or_default().insert(value.clone());
        }
        challenges
    }
}

/// Something happened that is of orders.
#[derive(Debug)]
pub enum Event {
    /// An account has been made at the CA for the order with this ticket.
    AccountMade(u64, Account),
    /// The CA wants to find these; it is asked to look once [`Effect::GoOn`] says so.
    Challenged(u64, Vec<Challenge>),
    /// The records of [`Effect::PublishRecords`] are at every nameserver that is heard; or why not.
    RecordsPublished(Vec<TxtRecord>, Result<(), String>),
    /// An order has ended.
    Ended(u64, Result<Told, OrderFailure>),
    /// The CA has been asked when to renew the certificate of a service; none: it could not be.
    Suggested {
        /// The service.
        service: String,
        /// The certificate that was asked about, by [`Issued::number`].
        number: u32,
        /// What it said, if it said anything, and when it is to be asked again.
        answer: Option<(Window, Duration)>,
    },
    /// A write has ended.
    Written(File, Result<(), String>),
}

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFailure {
    /// For the operator.
    pub why: String,
    /// What decides when it is tried again.
    pub cause: Cause,
    /// What the CA said about that.
    pub retry_after: Option<Duration>,
    /// The CA does not know the account.
    pub account_is_gone: bool,
}

impl OrderFailure {
    /// One of which the CA has said nothing, or nothing of when to come again.
    pub fn without_retry_after(cause: Cause, why: impl Into<String>) -> OrderFailure {
        OrderFailure { why: why.into(), cause, retry_after: None, account_is_gone: false }
    }
}

/// An order, for whoever speaks to the CA.
#[derive(Debug, Clone)]
pub struct OrderRequest {
    /// By which its events are known.
    pub ticket: u64,
    /// The names.
    pub names: Vec<String>,
    /// How the CA is to be convinced.
    pub challenge: ChallengeKind,
    /// The CA.
    pub ca: Arc<CaConfig>,
    /// The account; none: one is to be made.
    pub account: Option<Account>,
    /// The certificate that is renewed, if it is by this CA.
    pub replaces: Option<Issued>,
}

/// Something to be done that is of orders.
#[derive(Debug)]
pub enum Effect {
    /// To be ordered; [`Event::Challenged`] and [`Event::Ended`] tell how it goes.
    Order(Box<OrderRequest>),
    /// The CA may look.
    GoOn(u64),
    /// No more of that order is wanted.
    Cancel,
    /// Our nameservers are to have these records and no others of ours; answered with [`Event::RecordsPublished`] if there are any.
    PublishRecords(Vec<TxtRecord>),
    /// The CA is to be asked when this certificate should be renewed; answered with [`Event::Suggested`].
    AskRenewal {
        /// The service.
        service: String,
        /// Its certificate.
        issued: Issued,
        /// The CA.
        ca: Arc<CaConfig>,
        /// The account.
        account: Account,
    },
    /// To be written; answered with [`Event::Written`].
    Write(File, Secret),
    /// The file of the certificate of this service is to be removed.
    Remove(String),
    /// One line for the log.
    Log(LogLine),
}

/// What else it depends on who orders.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// This daemon serves.
    pub ready: bool,
    /// It is about to end.
    pub draining: bool,
    /// The peers were asked lately, or there are none: whoever is not heard is gone.
    pub knows_peers: bool,
}

/// What lay on the disk at the start, or a process has handed over.
#[derive(Debug, Default)]
pub struct Known {
    /// Accounts by the URL of the CA's directory.
    pub accounts: BTreeMap<String, Account>,
    /// What failed, by service.
    pub failures: BTreeMap<String, Failures>,
    /// Certificates by service, of services that the document does not have, too.
    pub certificates: BTreeMap<String, Issued>,
    /// Services with a file that the document does not order for, and since when that is known, in milliseconds since the epoch.
    pub unwanted: BTreeMap<String, u64>,
}

/// How an order stands, for the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The name that it goes by: of the service for which it is ordered, or of a nameserver.
    pub service: String,
    /// The daemon that orders; none: nobody can.
    pub orderer: Option<String>,
    /// When it is renewed, in milliseconds since the epoch; none: it is to be ordered as soon as may be.
    pub renewal: Option<u64>,
    /// Why the last order failed, if it did.
    pub error: Option<String>,
    /// When it is tried again.
    pub next_try: Option<u64>,
}

/// A file of what is ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The accounts at CAs.
    Accounts,
    /// The orders that failed.
    Failures,
    /// Since when certificates are not wanted.
    Unwanted,
    /// The certificate and key of a service.
    Certificate(String),
}
