//! Whether a promise was kept (pure): from what was broken, noticed and seen to a verdict with its reasons.
//!
//! Knows nothing of how a fleet is started or broken; every moment is the time since the load began.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::super::visitor::record::{Failure, Handshake, Query, Record, Request, Session};

/// Everything there is to judge one row by.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// When the row began.
    pub began: Duration,
    /// When its part was broken.
    pub broke: Duration,
    /// When the row ended: all was well again.
    pub ended: Duration,
    /// All that was wanted between the beginning and the end.
    pub records: Vec<Record>,
    /// How many requests and queries must be among the records.
    pub wanted: (usize, usize),
    /// Who noticed what, and when.
    pub notices: Vec<Notice>,
    /// What else was to be seen.
    pub facts: Vec<Fact>,
    /// What the row promises.
    pub bounds: Bounds,
}

impl Evidence {
    /// The same evidence where a promise has no bound on time: how long noticing, a gap, a page or an answer took, and how heavy
    /// the load was.
    #[must_use]
    pub fn without_time_bounds(mut self) -> Evidence {
        for notice in &mut self.notices {
            notice.within = None;
        }
        self.bounds = Bounds { gap: None, wait: None, query_wait: None, rates: (0, 0), ..self.bounds };
        self
    }
}

/// Something that had to be noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who had to notice.
    pub who: String,
    /// What.
    pub what: String,
    /// How long after the break it was seen; none: not within the time that was waited.
    pub after: Option<Duration>,
    /// The bound; none: it only had to be noticed.
    pub within: Option<Duration>,
}

/// Something that had to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What.
    pub what: String,
    /// Whether it was.
    pub held: bool,
}

/// What a row promises to visitors. The default promises everything: no failure, no lost session, no matter when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Failures that are excused: they were on the broken part.
    pub excused: Vec<Excused>,
    /// Who must have answered, in spans of time.
    pub served: Vec<Served>,
    /// Sessions that may be lost, of those that were seen to go on or to begin in the row.
    pub lost_sessions: usize,
    /// Whether visitors over TLS who have been here before resume, whichever proxy they come to, from the break on.
    pub resumes: bool,
    /// The longest that no page of a site may have been served.
    pub gap: Option<Duration>,
    /// The longest that a page asked for with a safe request may have taken.
    pub wait: Option<Duration>,
    /// The longest that an answer to a query may have taken.
    pub query_wait: Option<Duration>,
    /// Requests and queries a second that there must have been.
    pub rates: (u32, u32),
}

/// Which failed requests are excused. All that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excused {
    /// Asked last through this proxy.
    pub via: Option<IpAddr>,
    /// Answered by this backend.
    pub backend: Option<String>,
    /// Safe requests too, not only the others.
    pub safe: bool,
    /// Wanted before this moment.
    pub wanted_before: Duration,
}

/// From some moment to another, every page of a site came from one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The site.
    pub site: usize,
    /// The backend.
    pub backend: String,
    /// For requests wanted from here …
    pub from: Duration,
    /// … and ended until here.
    pub until: Duration,
}

/// The verdict on a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Judgement {
    /// Whether every part of the promise was kept.
    pub kept: bool,
    /// What broke it.
    pub reasons: Vec<String>,
    /// What was measured.
    pub figures: Figures,
}

/// What was measured in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Figures {
    /// Requests that ended.
    pub requests: usize,
    /// Queries that ended.
    pub queries: usize,
    /// Requests a second.
    pub requests_per_s: usize,
    /// Queries a second.
    pub queries_per_s: usize,
    /// Requests that failed, without the excused ones.
    pub failed: usize,
    /// Of those, the safe ones.
    pub failed_safe: usize,
    /// Excused failures: on the broken part.
    #[serde(rename = "apart")]
    pub excused: usize,
    /// Failures of both sorts by kind.
    pub kinds: BTreeMap<String, usize>,
    /// Queries without an address.
    pub failed_queries: usize,
    /// Answers that were not proved to those who validate.
    pub unproved_answers: usize,
    /// Sessions that were there in this row and then were not.
    pub lost_sessions: usize,
    /// The longest time without a page of one and the same site, in milliseconds.
    pub longest_gap_ms: u64,
    /// The longest that a page took, in milliseconds.
    pub slowest_ms: u64,
    /// The same for safe requests alone.
    pub slowest_safe_ms: u64,
    /// The longest that a query took, in milliseconds.
    pub slowest_query_ms: u64,
    /// When the last of those who had to notice had done so, in milliseconds after the break.
    pub noticed_ms: Option<u64>,
    /// The strictest bound of those notices.
    pub noticed_bound_ms: Option<u64>,
    /// From the row's beginning to its end.
    pub took_ms: u64,
}

/// Judges a row.
pub fn judge(evidence: &Evidence) -> Judgement {
    let (mut requests, mut queries) = (Vec::new(), Vec::new());
    for record in &evidence.records {
        match record {
            Record::Request(request) => requests.push(request),
            Record::Query(query) => queries.push(query),
        }
    }
    let figures = measure(evidence, &requests, &queries);
    let mut reasons = Vec::new();
    reasons.extend(notices(&evidence.notices));
    reasons.extend(evidence.facts.iter().filter(|fact| !fact.held).map(|fact| format!("not so: {}", fact.what)));
    reasons.extend(failures(evidence, &requests));
    reasons.extend(servers(evidence, &requests));
    reasons.extend(resumptions(evidence, &requests));
    reasons.extend(limits(evidence, &figures));
    Judgement { kept: reasons.is_empty(), reasons, figures }
}

fn measure(evidence: &Evidence, requests: &[&Request], queries: &[&Query]) -> Figures {
    let took = evidence.ended.saturating_sub(evidence.began);
    let ms = |time: Duration| time.as_millis() as u64;
    let per_second = |count: usize| (count as f64 / took.as_secs_f64().max(0.001)) as usize;
    let mut figures = Figures {
        requests: requests.len(),
        queries: queries.len(),
        requests_per_s: per_second(requests.len()),
        queries_per_s: per_second(queries.len()),
        failed_queries: queries.iter().filter(|query| query.addresses.is_none()).count(),
        unproved_answers: queries.iter().map(|query| query.unproved).sum(),
        lost_sessions: lost_sessions(requests),
        longest_gap_ms: ms(longest_gap(evidence, requests)),
        slowest_query_ms: ms(queries.iter().map(|query| query.waited()).max().unwrap_or_default()),
        noticed_ms: evidence.notices.iter().filter_map(|notice| notice.after).max().map(ms),
        noticed_bound_ms: evidence.notices.iter().filter_map(|notice| notice.within).max().map(ms),
        took_ms: ms(took),
        ..Figures::default()
    };
    for request in requests {
        match &request.result {
            Ok(_) => {
                let waited = ms(request.waited());
                figures.slowest_ms = figures.slowest_ms.max(waited);
                if request.safe {
                    figures.slowest_safe_ms = figures.slowest_safe_ms.max(waited);
                }
            }
            Err(failure) => {
                *figures.kinds.entry(failure.to_string()).or_default() += 1;
                if is_excused(&evidence.bounds.excused, request) {
                    figures.excused += 1;
                } else {
                    figures.failed += 1;
                    figures.failed_safe += usize::from(request.safe);
                }
            }
        }
    }
    figures
}

fn is_excused(excused: &[Excused], request: &Request) -> bool {
    excused.iter().any(|excused| {
        request.intended < excused.wanted_before
            && (excused.safe || !request.safe)
            && excused.via.is_none_or(|via| request.via == Some(via))
            && excused.backend.as_deref().is_none_or(|backend| request.backend.as_deref() == Some(backend))
    })
}

/// A visitor who comes back after a failover of an earlier row has lost nothing in this one: only a session that this
/// row has seen can be lost in it.
fn lost_sessions(requests: &[&Request]) -> usize {
    let mut first_seen: BTreeMap<(usize, usize), Duration> = BTreeMap::new();
    let tells_of_a_session = |result: &Result<Session, Failure>| result.is_ok_and(|session| session != Session::None);
    for request in requests.iter().filter(|request| tells_of_a_session(&request.result)) {
        let seen = first_seen.entry((request.visitor, request.site)).or_insert(request.ended);
        *seen = (*seen).min(request.ended);
    }
    requests
        .iter()
        .filter(|request| request.result == Ok(Session::Lost))
        .filter(|request| first_seen[&(request.visitor, request.site)] < request.intended)
        .count()
}

/// The longest span, site by site, in which no page was served whole.
fn longest_gap(evidence: &Evidence, requests: &[&Request]) -> Duration {
    let mut served: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for request in requests {
        let moments = served.entry(request.site).or_default();
        if request.result.is_ok() {
            moments.push(request.ended);
        }
    }
    served
        .into_values()
        .map(|mut moments| {
            moments.push(evidence.began);
            moments.push(evidence.ended);
            moments.sort_unstable();
            moments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
        })
        .max()
        .unwrap_or_default()
}

fn notices(notices: &[Notice]) -> impl Iterator<Item = String> {
    notices.iter().filter_map(|notice| match (notice.after, notice.within) {
        (None, _) => Some(format!("{} did not notice: {}", notice.who, notice.what)),
        (Some(after), Some(within)) if after > within => Some(format!(
            "{} noticed after {} ms, the bound is {} ms: {}",
            notice.who,
            after.as_millis(),
            within.as_millis(),
            notice.what
        )),
        (Some(_), _) => None,
    })
}

/// One reason for each kind of failure, with an example.
fn failures(evidence: &Evidence, requests: &[&Request]) -> Vec<String> {
    let mut kinds: BTreeMap<(usize, bool, Failure), (usize, &Request)> = BTreeMap::new();
    for request in requests {
        if let Err(failure) = request.result
            && !is_excused(&evidence.bounds.excused, request)
        {
            kinds.entry((request.site, request.safe, failure)).or_insert((0, request)).0 += 1;
        }
    }
    kinds
        .into_iter()
        .map(|((site, safe, failure), (count, first))| {
            format!(
                "{count} x {} of site {site} failed: {failure} ({})",
                if safe { "GET" } else { "POST" },
                first_of_them(evidence, first)
            )
        })
        .collect()
}

fn servers(evidence: &Evidence, requests: &[&Request]) -> Vec<String> {
    let mut reasons = Vec::new();
    for span in &evidence.bounds.served {
        let others: Vec<&Request> = requests
            .iter()
            .copied()
            .filter(|request| request.site == span.site && request.result.is_ok())
            .filter(|request| request.intended >= span.from && request.ended <= span.until)
            .filter(|request| request.backend.as_deref().is_some_and(|backend| backend != span.backend))
            .collect();
        if let Some(first) = others.first() {
            reasons.push(format!(
                "{} pages came from another backend ({}) than {} ({})",
                others.len(),
                first.backend.as_deref().unwrap_or_default(),
                span.backend,
                first_of_them(evidence, first)
            ));
        }
    }
    reasons
}

fn resumptions(evidence: &Evidence, requests: &[&Request]) -> Option<String> {
    if !evidence.bounds.resumes {
        return None;
    }
    let since = requests.iter().filter(|request| request.intended >= evidence.broke);
    let handshakes: Vec<_> = since.filter_map(|request| Some((request.handshake?, *request))).collect();
    let refused = |(handshake, _): &&(Handshake, &Request)| *handshake == Handshake::Refused;
    match handshakes.iter().find(refused) {
        Some((_, first)) => Some(format!(
            "full handshakes that were asked of visitors with a ticket: {} ({})",
            handshakes.iter().filter(refused).count(),
            first_of_them(evidence, first)
        )),
        None if handshakes.iter().any(|(handshake, _)| *handshake == Handshake::Resumed) => None,
        None => Some("no visitor came back with a ticket".to_owned()),
    }
}

fn first_of_them(evidence: &Evidence, first: &Request) -> String {
    format!(
        "the first was wanted {} ms after the break, through {}",
        first.intended.as_millis() as i128 - evidence.broke.as_millis() as i128,
        first.via.map_or_else(|| "nobody".to_owned(), |via| via.to_string())
    )
}

fn limits(evidence: &Evidence, figures: &Figures) -> Vec<String> {
    let bounds = &evidence.bounds;
    let mut reasons = Vec::new();
    let mut at_most = |what: &str, measured: u64, bound: Option<Duration>| {
        if let Some(bound) = bound
            && u128::from(measured) > bound.as_millis()
        {
            reasons.push(format!("{what}: {measured} ms, the bound is {} ms", bound.as_millis()));
        }
    };
    at_most("the longest time without a page of one site", figures.longest_gap_ms, bounds.gap);
    at_most("the longest wait for a page", figures.slowest_safe_ms, bounds.wait);
    at_most("the longest wait for an answer to a query", figures.slowest_query_ms, bounds.query_wait);
    if figures.failed_queries > 0 {
        reasons.push(format!("{} queries gave no address", figures.failed_queries));
    }
    if figures.unproved_answers > 0 {
        reasons.push(format!("{} answers were not proved to resolvers that validate", figures.unproved_answers));
    }
    if figures.lost_sessions > bounds.lost_sessions {
        reasons
            .push(format!("{} sessions were lost, {} at most could be", figures.lost_sessions, bounds.lost_sessions));
    }
    let (requests, queries) = evidence.wanted;
    if figures.requests != requests || figures.queries != queries {
        reasons.push(format!(
            "of {requests} requests and {queries} queries, {} and {} ended",
            figures.requests, figures.queries
        ));
    }
    let (requests, queries) = bounds.rates;
    if figures.requests_per_s < requests as usize || figures.queries_per_s < queries as usize {
        reasons.push(format!(
            "the load was {} requests/s and {} queries/s, {requests} and {queries} are needed for a verdict",
            figures.requests_per_s, figures.queries_per_s
        ));
    }
    reasons
}

#[cfg(test)]
mod tests;
