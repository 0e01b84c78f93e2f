//! What a nameserver has counted of the queries of a zone.

use serde::{Deserialize, Serialize};

/// Of one zone, of several together, or of names that are in no zone: since the process began, or since it has the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ZoneQueries {
    /// Responses.
    pub answered: u64,
    /// Those of them that were NXDOMAIN.
    pub nxdomain: u64,
    /// Those that were SERVFAIL.
    pub servfail: u64,
    /// Queries that got a response, by what their DNS cookie shows.
    pub cookies: CookieQueries,
    /// Responses beyond the rate limit.
    pub rate_limited: LimitedResponses,
}

/// Queries by what their DNS cookie shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CookieQueries {
    /// There is none.
    pub absent: u64,
    /// The client's half alone: it asks for one.
    pub asked: u64,
    /// Not ours, too old, or made for another address.
    pub bad: u64,
    /// It is valid: the client's address is its own.
    pub good: u64,
}

/// Responses beyond the rate limit, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitedResponses {
    /// Not sent.
    pub dropped: u64,
    /// Sent without their records, so that a real resolver asks again.
    pub slipped: u64,
    /// Sent all the same: limits are only counted.
    pub log_only: u64,
}

/// The zones that are beyond the number that are counted each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherZones {
    /// How many there are now.
    pub zones: usize,
    /// What was counted of them together, and of such that have gone.
    pub queries: ZoneQueries,
}

impl ZoneQueries {
    /// `12 answered (3 NXDOMAIN), cookies: 2 good, 1 bad, 3 asked for, 6 without; beyond the rate limit: 5 dropped, 4 slipped`, without
    /// what there was none of.
    pub fn in_words(&self) -> String {
        let codes = some(&[(self.nxdomain, "NXDOMAIN"), (self.servfail, "SERVFAIL")]);
        let codes = if codes.is_empty() { codes } else { format!(" ({codes})") };
        let CookieQueries { absent, asked, bad, good } = self.cookies;
        let cookies = some(&[(good, "good"), (bad, "bad"), (asked, "asked for"), (absent, "without")]);
        let cookies = if cookies.is_empty() { cookies } else { format!(", cookies: {cookies}") };
        format!("{} answered{codes}{cookies}{}", self.answered, self.limited_in_words())
    }

    fn limited_in_words(&self) -> String {
        let LimitedResponses { dropped, slipped, log_only } = self.rate_limited;
        match some(&[(dropped, "dropped"), (slipped, "slipped"), (log_only, "sent all the same (log_only)")]) {
            none if none.is_empty() => none,
            limited => format!("; beyond the rate limit: {limited}"),
        }
    }
}

/// Those that are not 0.
fn some(numbers: &[(u64, &str)]) -> String {
    let numbers = numbers.iter().filter(|(number, _)| *number > 0);
    numbers.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
