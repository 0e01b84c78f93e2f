//! What of all that is known goes out (pure): to the CA that asks, to peers, and to the disk.

use std::collections::BTreeMap;

use serde_json::json;

use super::Orders;
use super::under_way::Order;
use crate::acme::challenges::Challenges;
use crate::acme::material::Secret;
use crate::acme::message::{AcmeMessage, Part};
use crate::acme::steps::{Effect, File};
use crate::api::daemon::Daemon;
use crate::daemon::challenges::Value;
use crate::daemon::clock::Now;

impl Orders {
    /// What requests of the CA are answered from: our own challenges, and those of every peer that was heard lately.
    pub fn challenges(&self, now: Now) -> Challenges {
        let own = self.under_way.iter().flat_map(|order| order.tokens());
        let lately = self.peers.values().filter(|peer| peer.answers_count(now));
        let theirs = lately.flat_map(|peer| &peer.words.challenges);
        Challenges::new(own.chain(theirs).map(|(token, answer)| (token.clone(), answer.reveal().to_owned())))
    }

    /// What peers are told.
    pub fn message(&self, ready: bool) -> AcmeMessage {
        let Some(ca) = &self.ca else { return AcmeMessage::default() };
        let own = || self.under_way.iter().flat_map(|order| order.tokens());
        let is_desired = |service: &String| self.desired.contains_key(service);
        let told = self.certificates.iter().filter(|(service, _)| is_desired(service));
        let account = self.accounts.get(&ca.directory).map(|account| (ca.directory.clone(), account.clone()));
        AcmeMessage {
            part: Some(Part {
                ready,
                unable: self.is_unable(),
                orders: self.under_way.as_ref().map(|order| order.service.clone()),
                wants: Some(self.desired.iter().map(|(name, desired)| (name.clone(), desired.number(ca))).collect()),
            }),
            challenges: own().map(|(token, answer)| (token.clone(), answer.clone())).collect(),
            records: match self.daemon {
                Daemon::Nameserver => self.under_way.as_ref().map(Order::told_records).unwrap_or_default(),
                Daemon::Proxy => BTreeMap::new(),
            },
            failures: self.failures.clone(),
            renewals: self
                .desired
                .keys()
                .filter_map(|service| Some((service.clone(), self.suggested(service)?)))
                .collect(),
            certificates: told.map(|(service, issued)| (service.clone(), issued.told().clone())).collect(),
            accounts: account.into_iter().collect(),
            ..self.answers(ready)
        }
    }

    /// Which challenges are answered here: by a nameserver once its queries are.
    fn answers(&self, ready: bool) -> AcmeMessage {
        if self.daemon == Daemon::Nameserver && !ready {
            return AcmeMessage::default();
        }
        let own = self.under_way.iter().flat_map(|order| order.signs(self.daemon));
        let tokens = self.peers.values().flat_map(|peer| peer.words.challenges.keys()).map(String::as_str);
        let records = self.peers.values().flat_map(|peer| peer.words.records.values().flatten()).map(Value::as_str);
        let all = own.chain(tokens).chain(records);
        AcmeMessage {
            answers: all.map(|sign| (sign.to_owned(), true)).collect(),
            refused: self.refused.clone(),
            ..AcmeMessage::default()
        }
    }

    pub(super) fn write(&mut self, now: Now) -> Vec<Effect> {
        let due = self.disk.take_due(now.running);
        due.into_iter().filter_map(|file| Some(Effect::Write(file.clone(), self.content(&file)?))).collect()
    }

    fn content(&mut self, file: &File) -> Option<Secret> {
        match file {
            File::Accounts => Some(Secret::new(json!({ "version": 1, "accounts": self.accounts }).to_string())),
            File::Failures => {
                let mut failures = self.failures.clone();
                let begun = self.under_way.as_ref().map(|order| order.service.clone());
                failures.extend(begun.zip(self.disk.begun.clone()));
                Some(Secret::new(json!({ "version": 1, "failures": failures }).to_string()))
            }
            File::Unwanted => Some(Secret::new(json!({ "version": 1, "unwanted": self.unwanted }).to_string())),
            File::Certificate(service) => {
                let told = self.certificates.get(service).map(|issued| issued.told().clone());
                if told.is_none() {
                    self.disk.forget(file);
                }
                Some(told?.to_file(service))
            }
        }
    }
}
