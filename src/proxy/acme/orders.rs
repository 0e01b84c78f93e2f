//! Who orders which certificate, and when (pure): events in, effects out.
//!
//! One proxy orders at a time, and one certificate after the other: of the proxies that are heard and ready the one with the lowest name.
//! When it is gone the next one begins again, and the CA goes on with the authorizations that it has. Two that order at once (they
//! do not hear each other) do no harm: everybody takes the better one of two certificates, by the same rule.
//!
//! Owns what is known of certificates, accounts and failures. Must never: keep anybody from serving, or show a key.

mod alarms;
mod disk;
mod peers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::Level;

use super::challenges::Challenges;
use super::desired::{self, Desired};
use super::material::{Account, Failures, Issued, Secret, Told};
use super::message::{AcmeMessage, Part};
use super::schedule::{Cause, LONGEST_PAUSE, Window, next_question, next_try};
use crate::config::ProxyConfig;
use crate::config::proxy::{AcmeConfig, ChallengeKind};
use crate::daemon::clock::Now;
use disk::Disk;
pub use alarms::Standing;
pub use disk::File;
use peers::Peer;

/// How long an order waits for every peer, or every nameserver, to know its challenges. Then it ends: the CA may ask any of them.
const TELLING_LIMIT: Duration = Duration::from_secs(20);

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
    /// Its whole name, without a final dot: `_acme-challenge.example.net`.
    pub name: String,
    /// Its text.
    pub value: String,
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
    pub ca: Arc<AcmeConfig>,
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
        ca: Arc<AcmeConfig>,
        /// The account.
        account: Account,
    },
    /// To be written; answered with [`Event::Written`].
    Write(File, Secret),
    /// One line for the log.
    Log(Level, String),
}

/// What else it depends on who orders.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// This proxy serves visitors.
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
    /// Certificates by service.
    pub certificates: BTreeMap<String, Issued>,
}

/// All that is known of orders.
#[derive(Debug)]
pub struct Orders {
    own: String,
    ca: Option<Arc<AcmeConfig>>,
    desired: BTreeMap<String, Desired>,
    accounts: BTreeMap<String, Account>,
    /// An account that the CA does not know any more.
    gone: Option<Account>,
    failures: BTreeMap<String, Failures>,
    certificates: BTreeMap<String, Issued>,
    suggestions: BTreeMap<String, Suggestion>,
    peers: BTreeMap<String, Peer>,
    under_way: Option<Order>,
    disk: Disk,
    tickets: u64,
    ended_well: u64,
    ended_badly: u64,
}

/// What the CA said of a certificate's renewal.
#[derive(Debug, Clone, Copy)]
struct Suggestion {
    /// [`Issued::number`].
    number: u32,
    window: Option<Window>,
    /// When it is asked again.
    next: u64,
    is_asked: bool,
}

#[derive(Debug)]
struct Order {
    ticket: u64,
    service: String,
    desired: Desired,
    ca: Arc<AcmeConfig>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The CA has not said yet what it wants to find.
    Opening,
    /// Peers or nameservers are being told.
    Telling { since: Duration, challenges: Vec<Challenge>, published: bool },
    /// The CA looks.
    Validating(Vec<Challenge>),
}

impl Order {
    fn challenges(&self) -> &[Challenge] {
        match &self.phase {
            Phase::Opening => &[],
            Phase::Telling { challenges, .. } | Phase::Validating(challenges) => challenges,
        }
    }

    fn records(&self) -> Vec<TxtRecord> {
        let of_dns = |challenge: &Challenge| match challenge {
            Challenge::Dns(record) => Some(record.clone()),
            Challenge::Http { .. } => None,
        };
        self.challenges().iter().filter_map(of_dns).collect()
    }

    fn tokens(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.challenges().iter().filter_map(|challenge| match challenge {
            Challenge::Http { token, answer } => Some((token, answer)),
            Challenge::Dns(_) => None,
        })
    }
}

impl Orders {
    /// For a document, with what is known already.
    pub fn new(document: &ProxyConfig, known: Known) -> Orders {
        let mut orders = Orders {
            own: document.name.clone(),
            ca: None,
            desired: BTreeMap::new(),
            accounts: known.accounts,
            gone: None,
            failures: known.failures,
            certificates: known.certificates,
            suggestions: BTreeMap::new(),
            peers: BTreeMap::new(),
            under_way: None,
            disk: Disk::default(),
            tickets: 0,
            ended_well: 0,
            ended_badly: 0,
        };
        orders.adopt(document);
        orders
    }

    fn adopt(&mut self, document: &ProxyConfig) {
        self.own.clone_from(&document.name);
        self.desired = desired::desired(document);
        self.ca = document.acme.clone().filter(|_| !self.desired.is_empty()).map(Arc::new);
        self.failures.retain(|service, _| self.desired.contains_key(service));
    }

    /// Another document is in force. An order that it does not want as it is ends.
    pub fn reload(&mut self, document: &ProxyConfig) -> Vec<Effect> {
        let before = std::mem::take(&mut self.desired);
        self.adopt(document);
        // What failed may have been the document's fault.
        self.failures.retain(|service, _| before.get(service) == self.desired.get(service));
        self.disk.changed(File::Failures);
        let is_wanted = |order: &Order| {
            self.ca.as_ref() == Some(&order.ca) && self.desired.get(&order.service) == Some(&order.desired)
        };
        if self.under_way.as_ref().is_some_and(|order| !is_wanted(order)) { self.cancel() } else { Vec::new() }
    }

    /// Nothing more is ordered by this process.
    pub fn cancel(&mut self) -> Vec<Effect> {
        let Some(order) = self.under_way.take() else { return Vec::new() };
        let mut effects = vec![Effect::Cancel];
        effects.extend(withdraw(&order));
        effects
    }

    /// Takes in what happened.
    pub fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        match event {
            Event::AccountMade(ticket, account) => {
                if let Some(order) = self.order(ticket) {
                    let directory = order.ca.directory.clone();
                    self.take_account(directory, account);
                }
                Vec::new()
            }
            Event::Challenged(ticket, challenges) => {
                let Some(order) = self.order(ticket) else { return Vec::new() };
                let published = false;
                order.phase = Phase::Telling { since: now.running, challenges, published };
                let records = order.records();
                if records.is_empty() { Vec::new() } else { vec![Effect::PublishRecords(records)] }
            }
            Event::RecordsPublished(records, ended) => self.on_published(&records, ended, now),
            Event::Ended(ticket, ended) => self.on_ended(ticket, ended, now),
            Event::Suggested { service, number, answer } => {
                self.on_suggested(&service, number, answer, now);
                Vec::new()
            }
            Event::Written(file, ended) => {
                self.disk.written(file, ended, now.running);
                Vec::new()
            }
        }
    }

    fn order(&mut self, ticket: u64) -> Option<&mut Order> {
        self.under_way.as_mut().filter(|order| order.ticket == ticket)
    }

    fn on_published(&mut self, records: &[TxtRecord], ended: Result<(), String>, now: Now) -> Vec<Effect> {
        let Some(order) = self.under_way.as_mut().filter(|order| order.records() == records) else { return Vec::new() };
        match (ended, &mut order.phase) {
            (Ok(()), Phase::Telling { published, .. }) => {
                *published = true;
                Vec::new()
            }
            (Err(why), Phase::Telling { .. }) => self.fail_unasked(format!("the nameservers: {why}"), now),
            (_, Phase::Opening | Phase::Validating(_)) => Vec::new(),
        }
    }

    fn on_ended(&mut self, ticket: u64, ended: Result<Told, OrderFailure>, now: Now) -> Vec<Effect> {
        let Some(order) = self.under_way.take_if(|order| order.ticket == ticket) else { return Vec::new() };
        let mut effects: Vec<Effect> = withdraw(&order).collect();
        let issued = ended.and_then(|told| {
            Issued::new(told).map_err(|why| OrderFailure {
                why: format!("what the CA has issued cannot be used: {why}"),
                cause: Cause::Refused,
                retry_after: None,
                account_is_gone: false,
            })
        });
        match issued {
            Ok(issued) => {
                self.ended_well += 1;
                effects.push(Effect::Log(
                    Level::INFO,
                    format!("the certificate of {} has been issued, for {}", order.service, issued.chain().names),
                ));
                self.failures.remove(&order.service);
                self.disk.changed(File::Failures);
                self.take_certificate(&order.service, issued);
            }
            Err(failure) => {
                if failure.account_is_gone {
                    self.gone = self.accounts.get(&order.ca.directory).cloned();
                }
                effects.push(self.note_failure(&order.service, failure, now));
            }
        }
        effects
    }

    fn fail_unasked(&mut self, why: String, now: Now) -> Vec<Effect> {
        let Some(service) = self.under_way.as_ref().map(|order| order.service.clone()) else { return Vec::new() };
        let mut effects = self.cancel();
        let failure = OrderFailure { why, cause: Cause::Unasked, retry_after: None, account_is_gone: false };
        effects.push(self.note_failure(&service, failure, now));
        effects
    }

    fn note_failure(&mut self, service: &str, failure: OrderFailure, now: Now) -> Effect {
        self.ended_badly += 1;
        let OrderFailure { why, cause, retry_after, .. } = failure;
        let before = self.failures.get(service).filter(|before| before.cause == cause);
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let until = next_try(now.unix_ms, count, cause, retry_after);
        let failures = Failures { count, at: now.unix_ms, until, cause, by: self.own.clone(), why };
        let line = format!("the certificate of {service} could not be ordered: {}", failures.why);
        self.failures.insert(service.to_owned(), failures.bounded(now.unix_ms, u64::MAX));
        self.disk.changed(File::Failures);
        Effect::Log(Level::WARN, line)
    }

    fn on_suggested(&mut self, service: &str, number: u32, answer: Option<(Window, Duration)>, now: Now) {
        let known = self.suggestions.get(service).filter(|known| known.number == number);
        let window = answer.map(|(window, _)| window).or_else(|| known?.window);
        let next = next_question(now.unix_ms, answer.map(|(_, again)| again));
        self.suggestions.insert(service.to_owned(), Suggestion { number, window, next, is_asked: false });
    }

    fn take_account(&mut self, directory: String, account: Account) -> bool {
        let is_newer = self.accounts.get(&directory).is_none_or(|known| *known < account);
        if is_newer {
            self.accounts.insert(directory, account);
            self.disk.changed(File::Accounts);
        }
        is_newer
    }

    /// Takes a certificate that is better than the one that is known.
    fn take_certificate(&mut self, service: &str, issued: Issued) -> bool {
        let Some((desired, ca)) = self.desired.get(service).zip(self.ca.as_ref()) else { return false };
        let known = self.certificates.get(service);
        let is_better = known.is_none_or(|known| issued.is_better(known, desired, &ca.directory));
        if is_better {
            self.certificates.insert(service.to_owned(), issued);
            self.disk.changed(File::Certificate(service.to_owned()));
        }
        is_better
    }

    /// What follows now.
    pub fn step(&mut self, at: Circumstances, now: Now) -> Vec<Effect> {
        let mut effects = self.go_on_telling(now);
        if self.may_order(at, now) {
            effects.extend(self.begin(now));
            effects.extend(self.ask_for_suggestions(now));
        }
        effects.extend(self.write(now));
        effects
    }

    /// This proxy is the one that orders.
    fn may_order(&self, at: Circumstances, now: Now) -> bool {
        at.knows_peers && !at.draining && self.ca.is_some() && self.orderer(at.ready, now) == Some(&*self.own)
    }

    fn go_on_telling(&mut self, now: Now) -> Vec<Effect> {
        let Some(order) = &self.under_way else { return Vec::new() };
        let Phase::Telling { since, challenges, published } = &order.phase else { return Vec::new() };
        let late: Vec<&str> = self.unaware(order, now).collect();
        let is_told = late.is_empty() && (*published || order.records().is_empty());
        if is_told {
            let (ticket, challenges) = (order.ticket, challenges.clone());
            if let Some(order) = &mut self.under_way {
                order.phase = Phase::Validating(challenges);
            }
            return vec![Effect::GoOn(ticket)];
        }
        if now.running.saturating_sub(*since) < TELLING_LIMIT {
            return Vec::new();
        }
        let why = match late.is_empty() {
            true => "the nameservers did not take the records in time".to_owned(),
            false => format!(
                "{} did not take the challenge in time, and the CA may ask any proxy: look there at `polder status`, and whether its \
                 version and its document have \"acme\", too",
                late.join(", ")
            ),
        };
        self.fail_unasked(why, now)
    }

    fn begin(&mut self, now: Now) -> Option<Effect> {
        if self.under_way.is_some() {
            return None;
        }
        let ca = Arc::clone(self.ca.as_ref()?);
        let service = self.most_urgent(now)?;
        let desired = self.desired.get(&service)?.clone();
        self.tickets += 1;
        let replaces = self.certificates.get(&service).filter(|known| known.told().directory == ca.directory).cloned();
        let account = self.accounts.get(&ca.directory).filter(|account| self.gone.as_ref() != Some(account)).cloned();
        let (names, challenge, ticket) = (desired.names(), desired.challenge, self.tickets);
        self.note_beginning(&service, now);
        self.under_way = Some(Order { ticket, service, desired, ca: Arc::clone(&ca), phase: Phase::Opening });
        Some(Effect::Order(Box::new(OrderRequest { ticket, names, challenge, ca, account, replaces })))
    }

    /// A process that is killed while it orders, again and again, must not ask the CA each time: until its end an order is written down
    /// as one that failed.
    fn note_beginning(&mut self, service: &str, now: Now) {
        let before = self.failures.get(service).filter(|before| before.cause == Cause::Refused);
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let until = next_try(now.unix_ms, count, Cause::Refused, None);
        self.disk.note_beginning(Failures {
            count,
            at: now.unix_ms,
            until,
            cause: Cause::Refused,
            by: self.own.clone(),
            why: "the process ended before the order did".to_owned(),
        });
    }

    /// The service whose certificate is to be ordered now: one that has none before one whose is to be renewed.
    fn most_urgent(&self, now: Now) -> Option<String> {
        let may_begin = |service: &str| {
            let is_late = self.failures.get(service).is_none_or(|failures| failures.until <= now.unix_ms);
            is_late && !self.is_ordered_elsewhere(service, now)
        };
        let due = self.desired.keys().filter(|service| {
            self.renewal(service).is_none_or(|renewal| renewal <= now.unix_ms) && may_begin(service)
        });
        due.min_by_key(|service| self.serving(service).map_or(0, Issued::ends)).cloned()
    }

    /// The certificate of a service, if it is for all of its hosts, and by this CA.
    fn serving(&self, service: &str) -> Option<&Issued> {
        let (desired, ca) = (self.desired.get(service)?, self.ca.as_ref()?);
        self.certificates.get(service).filter(|issued| issued.serves(desired, &ca.directory))
    }

    /// When the certificate of a service is to be renewed, in milliseconds since the epoch; none: it has none that will do.
    pub fn renewal(&self, service: &str) -> Option<u64> {
        let issued = self.serving(service)?;
        Some(self.suggested(service).unwrap_or_else(|| issued.window().point(issued.number())))
    }

    /// The same as far as the CA has suggested a time to this proxy.
    fn suggested(&self, service: &str) -> Option<u64> {
        let number = self.serving(service)?.number();
        let suggestion = self.suggestions.get(service).filter(|suggestion| suggestion.number == number)?;
        Some(suggestion.window?.point(number))
    }

    fn ask_for_suggestions(&mut self, now: Now) -> Vec<Effect> {
        let Some(ca) = self.ca.clone() else { return Vec::new() };
        let Some(account) = self.accounts.get(&ca.directory).cloned() else { return Vec::new() };
        let services: Vec<String> = self.desired.keys().cloned().collect();
        let mut effects = Vec::new();
        for service in services {
            let Some(issued) = self.serving(&service).cloned() else { continue };
            let number = issued.number();
            let before = self.suggestions.get(&service).filter(|before| before.number == number);
            if before.is_some_and(|before| before.is_asked || before.next > now.unix_ms) {
                continue;
            }
            let window = before.and_then(|before| before.window);
            let asked = Suggestion { number, window, next: now.unix_ms, is_asked: true };
            self.suggestions.insert(service.clone(), asked);
            effects.push(Effect::AskRenewal { service, issued, ca: Arc::clone(&ca), account: account.clone() });
        }
        effects
    }

    /// What requests of the CA are answered from: our own challenges, and those of every peer.
    pub fn challenges(&self) -> Challenges {
        let own = self.under_way.iter().flat_map(Order::tokens);
        let theirs = self.peers.values().flat_map(|peer| &peer.words.challenges);
        Challenges::new(own.chain(theirs).map(|(token, answer)| (token.clone(), answer.reveal().to_owned())))
    }

    /// What peers are told.
    pub fn message(&self, ready: bool) -> AcmeMessage {
        let Some(ca) = &self.ca else { return AcmeMessage::default() };
        let own = || self.under_way.iter().flat_map(Order::tokens);
        let theirs = self.peers.values().flat_map(|peer| peer.words.challenges.keys());
        let is_desired = |service: &String| self.desired.contains_key(service);
        let told = self.certificates.iter().filter(|(service, _)| is_desired(service));
        let account = self.accounts.get(&ca.directory).map(|account| (ca.directory.clone(), account.clone()));
        AcmeMessage {
            part: Some(Part { ready, orders: self.under_way.as_ref().map(|order| order.service.clone()) }),
            challenges: own().map(|(token, answer)| (token.clone(), answer.clone())).collect(),
            answers: own().map(|(token, _)| token).chain(theirs).map(|token| (token.clone(), true)).collect(),
            failures: self.failures.clone(),
            renewals: self.desired.keys().filter_map(|service| Some((service.clone(), self.suggested(service)?))).collect(),
            certificates: told.map(|(service, issued)| (service.clone(), issued.told().clone())).collect(),
            accounts: account.into_iter().collect(),
        }
    }

    /// Orders that this process has ended: those with a certificate, and those without.
    pub fn ended(&self) -> (u64, u64) {
        (self.ended_well, self.ended_badly)
    }

    /// Whether a write is under way or due: a start waits for the first ones.
    pub fn is_writing(&self) -> bool {
        self.disk.is_busy()
    }
}

/// The records of an order that has ended are not needed any more.
fn withdraw(order: &Order) -> impl Iterator<Item = Effect> + use<> {
    let had_records = !order.records().is_empty();
    had_records.then(|| Effect::PublishRecords(Vec::new())).into_iter()
}

/// The longest that what a peer says of a failure keeps us from ordering.
const LONGEST_HEARSAY: u64 = 3 * LONGEST_PAUSE;

#[cfg(test)]
mod tests;
