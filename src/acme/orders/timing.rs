//! When something is ordered, and by whom (pure).

use std::sync::Arc;
use std::time::Duration;

use super::Orders;
use super::suggestion::Suggestion;
use super::under_way::{Order, Phase};
use crate::acme::material::Issued;
use crate::acme::schedule::Cause;
use crate::acme::steps::{Circumstances, Effect, OrderFailure, OrderRequest};
use crate::api::daemon::Daemon;
use crate::daemon::clock::Now;
use crate::log_line::{Kind, LogLine};

/// How long an order waits for every peer, or every nameserver, to know its challenges. Then it ends: the CA may ask any of them.
const TELLING_LIMIT: Duration = Duration::from_secs(20);

/// An answer that has not come after so many milliseconds does not come any more: the client gives up earlier.
const ANSWER_LIMIT: u64 = 120_000;

impl Orders {
    /// What follows now.
    pub fn step(&mut self, at: Circumstances, now: Now) -> Vec<Effect> {
        let mut effects = self.go_on_telling(now);
        if at.knows_peers && !at.draining && self.ca.is_some() {
            effects.extend(self.begin(at, now));
            effects.extend(self.ask_for_suggestion(at, now));
        }
        if !at.draining {
            effects.extend(self.forget_unwanted(now));
        }
        effects.extend(self.write(now));
        effects
    }

    /// This daemon is the one that orders a certificate.
    fn is_orderer(&self, certificate: &str, at: Circumstances, now: Now) -> bool {
        self.orderer(certificate, at.ready, now) == Some(&*self.own)
    }

    fn go_on_telling(&mut self, now: Now) -> Vec<Effect> {
        let Some(order) = &self.under_way else { return Vec::new() };
        let Phase::Telling { since, published, .. } = &order.phase else { return Vec::new() };
        let late: Vec<&str> = self.unaware(order, now).collect();
        if late.is_empty() && (*published || order.records().is_empty()) {
            return self.have_the_ca_look(now);
        }
        if now.running.saturating_sub(*since) < TELLING_LIMIT {
            return Vec::new();
        }
        let why = self.late_in_words(&late);
        self.fail_unasked(why, now)
    }

    /// Everybody that is heard knows: the CA may look, unless it is known already that it would find nothing.
    fn have_the_ca_look(&mut self, now: Now) -> Vec<Effect> {
        let Some(order) = &self.under_way else { return Vec::new() };
        let judged = match self.daemon {
            // Our nameservers have said so themselves.
            Daemon::Proxy => Ok(Vec::new()),
            Daemon::Nameserver => self.judge_answers(order, now),
        };
        let warnings = match judged {
            Ok(warnings) => warnings,
            Err(why) => return self.fail_unasked(why.to_string(), now),
        };
        let Some(order) = &mut self.under_way else { return Vec::new() };
        order.look();
        let in_words = |why| {
            let line = format!("{why}; the CA is asked to look all the same, for others answer");
            Effect::Log(LogLine::warn(Kind::Certificate, line).about(&order.service))
        };
        warnings.into_iter().map(in_words).chain([Effect::GoOn(order.ticket)]).collect()
    }

    fn late_in_words(&self, late: &[&str]) -> String {
        if late.is_empty() {
            return "the nameservers did not take the records in time".to_owned();
        }
        let what = match self.daemon {
            Daemon::Proxy => "its version and its document have \"acme\", too",
            Daemon::Nameserver => "it answers queries",
        };
        format!(
            "{} did not take the challenge in time, and the CA may ask any {}: look there at `polder status`, and whether {what}",
            late.join(", "),
            self.daemon.name()
        )
    }

    fn begin(&mut self, at: Circumstances, now: Now) -> Option<Effect> {
        if self.under_way.is_some() {
            return None;
        }
        let ca = Arc::clone(self.ca.as_ref()?);
        let service = self.most_urgent(at, now)?;
        let desired = self.desired.get(&service)?.clone();
        self.tickets += 1;
        let replaces = self.certificates.get(&service).filter(|known| known.told().directory == ca.directory).cloned();
        let account = self.accounts.get(&ca.directory).filter(|account| self.gone.as_ref() != Some(account)).cloned();
        let (names, challenge, ticket) = (desired.names(), desired.challenge, self.tickets);
        let before = self.certificates.get(&service).map_or(0, Issued::number);
        // A process that is killed while it orders, again and again, must not ask the CA each time: until its end an order is written
        // down as one that failed.
        let unfinished = OrderFailure::without_retry_after(Cause::Refused, "the process ended before the order did");
        self.disk.note_beginning(self.failed_again(&service, before, unfinished, now));
        let phase = Phase::Opening;
        self.under_way = Some(Order { ticket, service, desired, ca: Arc::clone(&ca), replaces: before, phase });
        Some(Effect::Order(Box::new(OrderRequest { ticket, names, challenge, ca, account, replaces })))
    }

    /// The certificate that is to be ordered now: one that has none before one whose is to be renewed.
    fn most_urgent(&self, at: Circumstances, now: Now) -> Option<String> {
        let may_begin = |service: &str| {
            let is_late = self.failures.get(service).is_none_or(|failures| failures.until <= now.unix_ms);
            is_late && !self.is_ordered_elsewhere(service, now) && self.is_orderer(service, at, now)
        };
        let due = self
            .desired
            .keys()
            .filter(|service| self.renewal(service).is_none_or(|renewal| renewal <= now.unix_ms) && may_begin(service));
        due.min_by_key(|service| self.serving(service).map_or(0, Issued::ends)).cloned()
    }

    /// Asks about one certificate after the other.
    fn ask_for_suggestion(&mut self, at: Circumstances, now: Now) -> Option<Effect> {
        let ca = self.ca.clone()?;
        let account = self.accounts.get(&ca.directory)?.clone();
        if self.suggestions.values().any(|suggestion| suggestion.is_asked && suggestion.next > now.unix_ms) {
            return None;
        }
        let known = |service: &str, issued: &Issued| {
            self.suggestions.get(service).filter(|known| known.number == issued.number()).copied()
        };
        let mut serving = self.desired.keys().filter_map(|service| Some((service, self.serving(service)?)));
        let is_due = |(service, issued): &(&String, &Issued)| {
            known(service, issued).is_none_or(|known| known.next <= now.unix_ms) && self.is_orderer(service, at, now)
        };
        let (service, issued) = serving.find(is_due).map(|(service, issued)| (service.clone(), issued.clone()))?;
        let window = known(&service, &issued).and_then(|known| known.window);
        let asked = Suggestion { number: issued.number(), window, next: now.unix_ms + ANSWER_LIMIT, is_asked: true };
        self.suggestions.insert(service.clone(), asked);
        Some(Effect::AskRenewal { service, issued, ca, account })
    }
}
