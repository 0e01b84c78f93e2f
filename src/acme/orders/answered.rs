//! What nameservers that order by themselves answer the CA by dns-01, and whether it finds what it looks for (pure).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Orders;
use super::peer::ANSWERS;
use super::under_way::Order;
use crate::daemon::challenges::{Challenges, Name};
use crate::daemon::clock::Now;
use crate::printable::printable;

/// Why a nameserver that says nothing of orders does not answer a name; worded to follow it.
const SILENT: &str = "is not answered, for its document has no \"encrypted.acme\", or its version is an earlier one";

/// The CA would not find what it looks for.
#[derive(Debug)]
pub(super) struct Unanswered {
    /// The name that no nameserver answers.
    name: Name,
    /// What each nameserver says of it.
    refusals: Vec<String>,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no nameserver answers {}: {}", self.name, self.refusals.join("; "))
    }
}

impl std::error::Error for Unanswered {}

impl Orders {
    /// What a nameserver is to answer: the records of its own order, and those of every peer that was heard lately. Nothing where its document
    /// orders nothing: no peer gets a certificate by a nameserver that was not told of any.
    pub fn records(&self, now: Now) -> Challenges {
        let mut all = Challenges::new();
        for (name, values) in self.records_by_nameserver(now).flat_map(|(_, records, _)| records) {
            all.entry(name).or_default().extend(values);
        }
        all
    }

    /// The same by the nameserver that orders, with how long they are answered still if no more is heard of that.
    pub fn records_by_nameserver(&self, now: Now) -> impl Iterator<Item = (&str, Challenges, Duration)> {
        let own = self.under_way.iter().map(|order| (self.own.as_str(), order.told_records(), ANSWERS));
        let orders = self.ca.is_some();
        let lately = self.peers.iter().filter(move |(_, peer)| orders && peer.answers_count(now));
        let theirs = lately.map(move |(name, peer)| {
            let left = ANSWERS.saturating_sub(now.running.saturating_sub(peer.heard));
            (name.as_str(), peer.words.records.clone(), left)
        });
        own.chain(theirs)
    }

    /// Takes in which names of [`Orders::records`] this nameserver does not answer, and why; worded to follow the name.
    pub fn note_refused(&mut self, refused: BTreeMap<String, String>) {
        self.refused = refused;
    }

    /// Whether some nameserver answers each name of an order whose records all that are heard have taken in, but for those that say nothing
    /// of orders. A warning for each that one of them does not answer: the CA is not told to ask it, if the zone is not delegated to it.
    ///
    /// # Errors
    ///
    /// A name that nobody answers, and what each nameserver says of it.
    pub(super) fn judge_answers(&self, order: &Order, now: Now) -> Result<Vec<String>, Unanswered> {
        let mut warnings = Vec::new();
        for name in order.told_records().into_keys() {
            let own = std::iter::once((self.own.as_str(), self.refused.get(name.as_str()).map(String::as_str)));
            let theirs = self.heard(now).map(|(peer, known)| {
                let why = known.words.refused.get(name.as_str()).map(String::as_str);
                (peer.as_str(), if known.is_silent() { Some(SILENT) } else { why })
            });
            let (mut refusals, mut is_answered) = (Vec::new(), false);
            for (nameserver, refused) in own.chain(theirs) {
                match refused {
                    Some(why) => refusals.push(format!("nameserver {nameserver}: {name} {}", printable(why))),
                    None => is_answered = true,
                }
            }
            if !is_answered {
                return Err(Unanswered { name, refusals });
            }
            warnings.append(&mut refusals);
        }
        Ok(warnings)
    }
}
