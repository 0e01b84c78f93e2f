//! What peers say of orders, and who of all orders (pure).

use super::Orders;
use super::peer::Peer;
use super::under_way::Order;
use crate::acme::material::{Issued, Told};
use crate::acme::message::{AcmeMessage, Part};
use crate::acme::schedule::{Cause, LONGEST_PAUSE};
use crate::acme::steps::File;
use crate::api::daemon::Daemon;
use crate::daemon::clock::Now;

/// The longest that what a peer says of a failure keeps us from ordering.
const LONGEST_HEARSAY: u64 = 3 * LONGEST_PAUSE;

/// After so many orders in a row that did not get as far as the CA another daemon orders.
const UNABLE_AFTER: u32 = 4;

impl Orders {
    /// A peer has been heard, whether it said anything new or not.
    pub fn note_heard(&mut self, peer: &str, now: Now) {
        match self.peers.get_mut(peer) {
            Some(known) => known.heard = now.running,
            None => drop(self.peers.insert(peer.to_owned(), Peer { heard: now.running, ..Peer::default() })),
        }
    }

    /// Forgets peers that the document does not have any more.
    pub fn keep_peers(&mut self, is_peer: impl Fn(&str) -> bool) {
        self.peers.retain(|peer, _| is_peer(peer));
    }

    /// Takes in what a peer says. Gives a text for each certificate that is not taken.
    pub fn hear(&mut self, peer: &str, mut words: AcmeMessage, now: Now) -> Vec<String> {
        words.vet();
        let refused = self.take_in(&words, now);
        // What is merged need not be kept twice.
        words.certificates.clear();
        words.accounts.clear();
        self.peers.insert(peer.to_owned(), Peer { words, heard: now.running });
        refused
    }

    /// Takes what the process before this one knew: its failures are the truth, whatever the disk has of an order under way.
    pub fn inherit(&mut self, words: &AcmeMessage, now: Now) -> Vec<String> {
        if words.part.is_some() {
            self.failures.clear();
            self.disk.changed(File::Failures);
        }
        self.take_in(words, now)
    }

    fn take_in(&mut self, words: &AcmeMessage, now: Now) -> Vec<String> {
        for (directory, account) in &words.accounts {
            if self.ca.as_ref().is_some_and(|ca| ca.directory == *directory) {
                self.take_account(directory.clone(), account.clone());
            }
        }
        let mut refused = Vec::new();
        let is_known = |ours: &Told, theirs: &Told| (&ours.directory, &ours.pem) == (&theirs.directory, &theirs.pem);
        for (service, told) in &words.certificates {
            if !self.desired.contains_key(service)
                || self.certificates.get(service).is_some_and(|known| is_known(known.told(), told))
            {
                continue;
            }
            match Issued::new(told.clone().bounded(now.unix_ms)) {
                Ok(issued) => drop(self.take_certificate(service, issued)),
                Err(why) => refused.push(format!("the certificate of {service}, which {why}")),
            }
        }
        for (service, theirs) in &words.failures {
            let is_news = self.failures.get(service).is_none_or(|ours| ours.at < theirs.at);
            let is_over = theirs.is_past(self.certificates.get(service));
            if is_news && !is_over && self.fingerprint(service) == Some(theirs.of) {
                self.failures.insert(service.clone(), theirs.clone().bounded(now.unix_ms, LONGEST_HEARSAY));
            }
        }
        self.forget_what_is_past();
        refused
    }

    pub(super) fn heard(&self, now: Now) -> impl Iterator<Item = (&String, &Peer)> {
        self.peers.iter().filter(move |(_, peer)| peer.is_heard(now))
    }

    /// Orders of this daemon failed again and again without the CA being asked: another one may reach it.
    pub(super) fn is_unable(&self) -> bool {
        self.failures.values().any(|failures| {
            failures.cause == Cause::Unasked && failures.by == self.own && failures.count >= UNABLE_AFTER
        })
    }

    /// By what peers know that they want the same certificate; none: this document does not want it.
    fn number(&self, certificate: &str) -> Option<u32> {
        Some(self.desired.get(certificate)?.number(self.ca.as_ref()?))
    }

    /// Who orders a certificate, of those whose documents want it: the lowest name of those that are ready, or of all if none is; of those
    /// the ones that are able come first. None: this document does not want it.
    pub fn orderer(&self, certificate: &str, ready: bool, now: Now) -> Option<&str> {
        let number = self.number(certificate)?;
        let own = (!ready, self.is_unable(), self.own.as_str());
        let theirs = self.heard(now).filter_map(|(peer, known)| {
            let part = known.words.part.as_ref().filter(|part| part.wants(certificate, number))?;
            Some((!part.ready, part.unable, peer.as_str()))
        });
        theirs.chain([own]).min().map(|(_, _, name)| name)
    }

    /// Another daemon is ordering this certificate.
    pub(super) fn is_ordered_elsewhere(&self, certificate: &str, now: Now) -> bool {
        let Some(number) = self.number(certificate) else { return false };
        let is_ordering = |part: &Part| part.orders.as_deref() == Some(certificate) && part.wants(certificate, number);
        self.heard(now).any(|(_, peer)| peer.words.part.as_ref().is_some_and(is_ordering))
    }

    /// The peers that are heard and do not answer to all challenges of an order yet. The CA may ask any proxy, and each has to answer; a
    /// nameserver that says nothing of orders need not even have the zone, and nobody would ever get a certificate beside it.
    pub(super) fn unaware<'a>(&'a self, order: &'a Order, now: Now) -> impl Iterator<Item = &'a str> {
        let is_waited_for = |peer: &Peer| self.daemon == Daemon::Proxy || !peer.is_silent();
        let answers = |peer: &Peer| order.signs(self.daemon).all(|sign| peer.words.answers.contains_key(sign));
        let knows = move |peer: &Peer| !is_waited_for(peer) || answers(peer);
        self.heard(now).filter(move |(_, peer)| !knows(peer)).map(|(name, _)| name.as_str())
    }
}
