//! Who orders which certificate, and when (pure): events in, effects out.
//!
//! One daemon orders at a time, and one certificate after the other: of those of its kind that are heard, ready and want it the one with the lowest name.
//! When it is gone the next one begins again, and the CA goes on with the authorizations that it has. Two that order at once (they
//! do not hear each other) do no harm: everybody takes the better one of two certificates, by the same rule.
//!
//! Owns what is known of certificates, accounts and failures. Must never: keep anybody from serving, or show a key.

mod alarms;
mod answered;
mod by_peers;
mod disk;
mod outgoing;
mod peer;
mod suggestion;
mod timing;
mod under_way;
mod unwanted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::desired::{Desired, Terms};
use super::material::{Account, Failures, Issued, Told};
use super::schedule::{Cause, Window, next_question, next_try};
use super::steps::{Effect, Event, File, Known, OrderFailure, TxtRecord};
use crate::api::daemon::Daemon;
use crate::config::acme::CaConfig;
use crate::daemon::clock::Now;
use crate::log_line::{Kind, LogLine};
use disk::Disk;
use peer::Peer;
use suggestion::Suggestion;
use under_way::{Order, Phase};

/// All that is known of orders.
#[derive(Debug)]
pub struct Orders {
    own: String,
    daemon: Daemon,
    ca: Option<Arc<CaConfig>>,
    desired: BTreeMap<String, Desired>,
    accounts: BTreeMap<String, Account>,
    /// An account that the CA does not know any more.
    gone: Option<Account>,
    failures: BTreeMap<String, Failures>,
    certificates: BTreeMap<String, Issued>,
    /// Since when no service wants them.
    unwanted: BTreeMap<String, u64>,
    suggestions: BTreeMap<String, Suggestion>,
    peers: BTreeMap<String, Peer>,
    under_way: Option<Order>,
    /// The names of records that this nameserver does not answer, and why.
    refused: BTreeMap<String, String>,
    disk: Disk,
    tickets: u64,
    ended_well: u64,
    ended_badly: u64,
}

impl Orders {
    /// For a document, with what is known already.
    pub fn new(terms: Terms, known: Known) -> Orders {
        let mut orders = Orders {
            own: String::new(),
            daemon: terms.daemon,
            ca: None,
            desired: BTreeMap::new(),
            accounts: known.accounts,
            gone: None,
            failures: known.failures,
            certificates: known.certificates,
            unwanted: known.unwanted,
            suggestions: BTreeMap::new(),
            peers: BTreeMap::new(),
            under_way: None,
            refused: BTreeMap::new(),
            disk: Disk::default(),
            tickets: 0,
            ended_well: 0,
            ended_badly: 0,
        };
        orders.adopt(terms);
        orders.forget_what_is_past();
        orders
    }

    fn adopt(&mut self, Terms { own, daemon, ca, desired }: Terms) {
        (self.own, self.daemon, self.ca, self.desired) = (own, daemon, ca, desired);
        // What failed may have been the document's fault.
        let failed = self.failures.len();
        let (desired, ca) = (&self.desired, self.ca.as_deref());
        self.failures.retain(|service, failures| fingerprint(desired, ca, service) == Some(failures.of));
        if self.failures.len() < failed {
            self.disk.changed(File::Failures);
        }
    }

    /// A failure is void once the certificate has been got, by whichever proxy, on the disk too: the next order does not wait for it.
    fn forget_what_is_past(&mut self) {
        let (certificates, failed) = (&self.certificates, self.failures.len());
        self.failures.retain(|service, failures| !failures.is_past(certificates.get(service)));
        if self.failures.len() < failed {
            self.disk.changed(File::Failures);
        }
    }

    /// Another document is in force. An order that it does not want as it is ends.
    pub fn reload(&mut self, terms: Terms) -> Vec<Effect> {
        self.adopt(terms);
        let is_wanted = |order: &Order| {
            self.ca.as_ref() == Some(&order.ca) && self.desired.get(&order.service) == Some(&order.desired)
        };
        if self.under_way.as_ref().is_some_and(|order| !is_wanted(order)) { self.cancel() } else { Vec::new() }
    }

    /// Nothing more is ordered by this process.
    pub fn cancel(&mut self) -> Vec<Effect> {
        let Some(order) = self.under_way.take() else { return Vec::new() };
        // It was written down as one that failed.
        self.disk.changed(File::Failures);
        let mut effects = vec![Effect::Cancel];
        effects.extend(self.withdraw(&order));
        effects
    }

    /// Takes in what happened.
    pub fn on_event(&mut self, event: Event, now: Now) -> Vec<Effect> {
        match event {
            Event::AccountMade(ticket, account) => {
                if let Some(order) = self.order(ticket) {
                    let directory = order.ca.directory.clone();
                    self.take_new_account(directory, account);
                }
                Vec::new()
            }
            Event::Challenged(ticket, challenges) => {
                // A nameserver answers by itself, and tells its peers as a proxy does by http-01.
                let published = self.daemon == Daemon::Nameserver;
                let Some(order) = self.order(ticket) else { return Vec::new() };
                order.phase = Phase::Telling { since: now.running, challenges, published };
                let records = order.records();
                if records.is_empty() || published { Vec::new() } else { vec![Effect::PublishRecords(records)] }
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

    /// What the certificate of a service is ordered as; none: it is not wanted.
    fn fingerprint(&self, service: &str) -> Option<u32> {
        fingerprint(&self.desired, self.ca.as_deref(), service)
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
        let mut effects: Vec<Effect> = self.withdraw(&order).into_iter().collect();
        match ended.and_then(|told| accept(told, &order)) {
            Ok(issued) => {
                self.ended_well += 1;
                let words =
                    format!("the certificate of {} has been issued, for {}", order.service, issued.chain().names);
                effects.push(Effect::Log(LogLine::info(Kind::Certificate, words).about(&order.service)));
                self.failures.remove(&order.service);
                self.disk.changed(File::Failures);
                self.take_certificate(&order.service, issued);
            }
            Err(failure) => {
                if failure.account_is_gone {
                    self.gone = self.accounts.get(&order.ca.directory).cloned();
                }
                effects.push(self.note_failure(&order.service, order.replaces, failure, now));
            }
        }
        effects
    }

    fn fail_unasked(&mut self, why: String, now: Now) -> Vec<Effect> {
        let Some((service, replaces)) = self.under_way.as_ref().map(|order| (order.service.clone(), order.replaces))
        else {
            return Vec::new();
        };
        let mut effects = self.cancel();
        let failure = OrderFailure::without_retry_after(Cause::Unasked, why);
        effects.push(self.note_failure(&service, replaces, failure, now));
        effects
    }

    fn note_failure(&mut self, service: &str, replaces: u32, failure: OrderFailure, now: Now) -> Effect {
        self.ended_badly += 1;
        let failures = self.failed_again(service, replaces, failure, now);
        let line = format!("the certificate of {service} could not be ordered: {}", failures.why);
        self.failures.insert(service.to_owned(), failures.bounded(now.unix_ms, u64::MAX));
        self.disk.changed(File::Failures);
        self.forget_what_is_past();
        Effect::Log(LogLine::warn(Kind::Certificate, line).about(service))
    }

    /// The orders of a service that have failed so far, and this one.
    fn failed_again(&self, service: &str, replaces: u32, failure: OrderFailure, now: Now) -> Failures {
        let OrderFailure { why, cause, retry_after, .. } = failure;
        let before = self.failures.get(service).filter(|before| before.cause == cause);
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let until = next_try(now.unix_ms, count, cause, retry_after);
        let of = self.fingerprint(service).unwrap_or_default();
        Failures { count, at: now.unix_ms, until, cause, by: self.own.clone(), why, of, replaces: Some(replaces) }
    }

    fn on_suggested(&mut self, service: &str, number: u32, answer: Option<(Window, Duration)>, now: Now) {
        let known = self.suggestions.get(service).filter(|known| known.number == number);
        let window = answer.map(|(window, _)| window).or_else(|| known?.window);
        let next = next_question(now.unix_ms, answer.map(|(_, again)| again));
        self.suggestions.insert(service.to_owned(), Suggestion { number, window, next, is_asked: false });
    }

    /// Takes an account that was made here. In the place of one that the CA does not know any more it counts as the later one for
    /// everybody, whatever the clocks were when the two were made.
    fn take_new_account(&mut self, directory: String, mut account: Account) {
        let gone = self.accounts.get(&directory).filter(|known| self.gone.as_ref() == Some(known));
        account.made = account.made.max(gone.map_or(0, |gone| gone.made.saturating_add(1)));
        self.take_account(directory, account);
    }

    fn take_account(&mut self, directory: String, account: Account) -> bool {
        let is_newer = self.accounts.get(&directory).is_none_or(|known| *known < account);
        if is_newer {
            self.accounts.insert(directory, account);
            self.disk.changed(File::Accounts);
        }
        is_newer
    }

    /// Takes a certificate that is better than the one that is known. Nameservers whose names differ have certificates that differ, so for
    /// a nameserver one that lacks a name is somebody else's; a proxy without any is served by one of before its service had all its hosts.
    fn take_certificate(&mut self, service: &str, issued: Issued) -> bool {
        let Some((desired, ca)) = self.desired.get(service).zip(self.ca.as_ref()) else { return false };
        if self.daemon == Daemon::Nameserver && !issued.covers(desired) {
            return false;
        }
        let known = self.certificates.get(service);
        let is_better = known.is_none_or(|known| issued.is_better(known, desired, &ca.directory));
        if is_better {
            self.certificates.insert(service.to_owned(), issued);
            self.disk.changed(File::Certificate(service.to_owned()));
        }
        is_better
    }

    /// The certificate of a service, if it is for all of its hosts, and by this CA.
    fn serving(&self, service: &str) -> Option<&Issued> {
        let (desired, ca) = (self.desired.get(service)?, self.ca.as_ref()?);
        self.certificates.get(service).filter(|issued| issued.serves(desired, &ca.directory))
    }

    /// When the certificate of a service is to be renewed, in milliseconds since the epoch; none: it has none that will do.
    pub fn renewal(&self, service: &str) -> Option<u64> {
        let issued = self.serving(service)?;
        let point = self.suggested(service).unwrap_or_else(|| issued.window().point(issued.number()));
        Some(point.max(issued.earliest_renewal()))
    }

    /// The same as far as the CA has suggested a time to this proxy.
    fn suggested(&self, service: &str) -> Option<u64> {
        let issued = self.serving(service)?;
        let number = issued.number();
        let suggestion = self.suggestions.get(service).filter(|suggestion| suggestion.number == number)?;
        Some(suggestion.window?.in_life(issued.begins(), issued.ends()).point(number))
    }

    /// The daemon's name.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// Orders that this process has ended: those with a certificate, and those without.
    pub fn ended(&self) -> (u64, u64) {
        (self.ended_well, self.ended_badly)
    }

    /// The records of an order that has ended are not needed any more.
    fn withdraw(&self, order: &Order) -> Option<Effect> {
        let had_told = self.daemon == Daemon::Proxy && !order.records().is_empty();
        had_told.then(|| Effect::PublishRecords(Vec::new()))
    }

    /// Whether a write is under way or due: a start waits for the first ones.
    pub fn is_writing(&self) -> bool {
        self.disk.is_busy()
    }
}

fn fingerprint(desired: &BTreeMap<String, Desired>, ca: Option<&CaConfig>, service: &str) -> Option<u32> {
    Some(desired.get(service)?.fingerprint(ca?))
}

/// What the CA has issued, if it is what was ordered: the next order would begin at once for the names that it has left out.
fn accept(told: Told, order: &Order) -> Result<Issued, OrderFailure> {
    let fail = |why| OrderFailure::without_retry_after(Cause::Refused, why);
    let issued = Issued::new(told).map_err(|why| fail(format!("what the CA has issued cannot be used: {why}")))?;
    if !issued.serves(&order.desired, &order.ca.directory) {
        let names = &issued.chain().names;
        return Err(fail(format!("the CA's certificate is for {names}, and not for all that was ordered")));
    }
    Ok(issued)
}

#[cfg(test)]
mod tests;
