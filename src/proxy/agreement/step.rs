//! What is asked of the store, as transactions.

use serde_json::json;

use super::key::Kind;
use super::{Condition, Key, Seat, Transaction, View};
use crate::proxy::latch::Latch;

/// A latch that is to follow the one in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The latch.
    pub next: Latch,
    /// The backend that is left, by `SERVICE/ADDRESS`, where the seats must find it down. None: the operator wants it.
    pub condemned: Option<String>,
}

impl Step {
    /// Whether it is the operator's.
    pub fn is_operators(&self) -> bool {
        self.condemned.is_none() && self.next.by_operator
    }
}

/// Our seat. No latch may have moved since: we would stand where nobody expects us any more.
pub(super) fn take_seat(own: &str, seat: &Seat, view: &View) -> Transaction {
    Transaction {
        conditions: vec![Condition::NoneAfter(Kind::Latches, view.revision)],
        key: Key::Seat(own.to_owned()),
        value: json!(seat).to_string(),
        lease: Some(seat.lease),
    }
}

/// A step, if the seats allow it.
pub(super) fn make_step(service: &str, step: &Step, view: &View) -> Option<Transaction> {
    let (_, written) = view.latch(service)?;
    let key = Key::Latch(service.to_owned());
    let mut conditions = vec![Condition::WrittenAt(key.clone(), written)];
    if let Some(subject) = &step.condemned {
        let votes = view.votes(service, subject);
        if !votes.condemn() {
            return None;
        }
        // Nobody has come, or thought otherwise, since they were counted; and those who count are still there.
        conditions.push(Condition::NoneAfter(Kind::Seats, view.revision));
        conditions.extend(votes.down.into_iter().map(|proxy| Condition::Exists(Key::Seat(proxy))));
    }
    Some(Transaction { conditions, key, value: json!(step.next).to_string(), lease: None })
}

/// A latch that the store does not know, or knows no more: it is new, or has gone back.
pub(super) fn restore(service: &str, ours: &Latch, view: &View) -> Option<Transaction> {
    let key = Key::Latch(service.to_owned());
    let written = match view.latch(service) {
        Some((agreed, _)) if agreed.epoch >= ours.epoch => return None,
        Some((_, written)) => written,
        None if view.has_latch(service) => return None,
        None => 0,
    };
    let conditions = vec![Condition::WrittenAt(key.clone(), written)];
    // With it in the store the proxies agree, also on an operator's last word.
    let agreed = Latch { without_agreement: false, ..ours.clone() };
    Some(Transaction { conditions, key, value: json!(agreed).to_string(), lease: None })
}
