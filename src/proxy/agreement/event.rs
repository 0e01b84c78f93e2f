//! What agreement hears of the store, and what it has done there.

use std::time::Duration;

use super::{Entry, Transaction, View};

/// Something happened to the store, or to our connection with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All that is there was read. What changes from now on is told.
    Known(View),
    /// It has changed.
    Changed {
        /// Up to this revision.
        revision: i64,
        /// What was written.
        entries: Vec<Entry>,
    },
    /// It is not told any more what changes, for this reason.
    Lost(String),
    /// A lease was given to us, or renewed.
    Leased {
        /// Its number.
        id: i64,
        /// When it was asked for.
        asked: Duration,
        /// For how long it was given then.
        lasts: Duration,
    },
    /// Our lease is not known to the store any more.
    LeaseEnded,
    /// A transaction has ended.
    Ended {
        /// Which.
        ticket: u64,
        /// How.
        how: Ended,
    },
    /// Every worker answers from the snapshot of this generation, or a later one.
    Workers(u64),
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was made, at this revision.
    Written(i64),
    /// A condition did not hold.
    Refused,
    /// Nobody knows whether it was made, for this reason.
    Unknown(String),
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// To be tried; answered with [`Event::Ended`].
    Transact {
        /// To be named in the answer.
        ticket: u64,
        /// What is written.
        transaction: Transaction,
    },
    /// Answered with [`Event::Workers`], once all of them answer from this snapshot.
    AwaitWorkers(u64),
}
