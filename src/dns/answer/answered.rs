//! What came of a query.

use crate::dns::compiled::Slot;
use crate::dns::cookie::Standing;
use crate::dns::rate_limit::Account;

/// A response that stands in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Its bytes.
    pub length: usize,
    /// Its error code, the upper half from the OPT included.
    pub rcode: u16,
    /// It is cut (TC).
    pub truncated: bool,
    /// What it counts as where responses are limited.
    pub account: Account,
    /// What the query's cookie shows.
    pub cookie: Standing,
    /// Where the queries of the zone are counted that its name is in; none: no zone is asked.
    pub slot: Option<Slot>,
}

impl Answered {
    /// A response of no zone, which counts as an error.
    pub fn of_no_zone(length: usize, rcode: u16, cookie: Standing) -> Answered {
        Answered { length, rcode, truncated: false, account: Account::ERROR, cookie, slot: None }
    }
}
