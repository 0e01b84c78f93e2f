//! The load: requests and queries that arrive at their moments, come what may.
//!
//! Arrival number `n` is wanted at `n / rate` after the beginning; a load that comes late to it starts it at once and
//! counts the wait from the moment it was wanted. So nothing is left out because something before it was slow
//! ("coordinated omission"), and it is known beforehand how many records any span of time must yield.
//!
//! It runs on a thread of its own with one runtime, and hands its records over a channel.

use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::Plan;
use super::browser::{PlannedRequest, Sites, Visitor};
use super::record::{Query, Record};
use super::resolver::{self, Resolver};
use super::transport::Transport;

/// How often the load starts the arrivals that are due.
const PACE: Duration = Duration::from_millis(2);
/// One request in so many is a POST.
const POST_ONE_IN: u64 = 16;

/// A running load; it stops when dropped.
pub struct Load {
    began: Instant,
    requests: u32,
    queries: u32,
    records: mpsc::UnboundedReceiver<Record>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Begins. The error says why it cannot.
    pub fn start(plan: Plan) -> io::Result<Load> {
        if plan.sites.is_empty() || plan.nameservers.is_empty() || plan.visitors == 0 || plan.resolvers == 0 {
            return Err(io::Error::other("a load needs a site, a nameserver, a visitor and a resolver"));
        }
        let (requests, queries) = (plan.requests, plan.queries);
        let sites = Sites::new(plan)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, records) = mpsc::unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let began = Instant::now();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("visitors".to_owned())
            .spawn(move || LocalSet::new().block_on(&runtime, arrive(sites, began, sender, stopped)))?;
        Ok(Load { began, requests, queries, records, stop, thread: Some(thread) })
    }

    /// How long it has run.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// How many records there will be of what was wanted before `moment`: requests and queries.
    pub fn wanted_before(&self, moment: Duration) -> (usize, usize) {
        (arrivals_before(self.requests, moment) as usize, arrivals_before(self.queries, moment) as usize)
    }

    /// The next record, in the order in which things ended; none when the load has stopped.
    pub async fn next(&mut self) -> Option<Record> {
        self.records.recv().await
    }

    /// Adds records until there are all of what was wanted within the span, or the limit is over.
    pub async fn collect(&mut self, records: &mut Vec<Record>, span: Range<Duration>, limit: Duration) {
        let (before, until) = (self.wanted_before(span.start), self.wanted_before(span.end));
        let wanted = until.0 + until.1 - before.0 - before.1;
        let counts = |record: &Record| span.contains(&record.intended());
        let mut count = records.iter().filter(|record| counts(record)).count();
        let limit = tokio::time::sleep(limit);
        tokio::pin!(limit);
        while count < wanted {
            let record = tokio::select! {
                record = self.next() => record,
                () = &mut limit => None,
            };
            let Some(record) = record else { break };
            count += usize::from(counts(&record));
            records.push(record);
        }
    }

    /// The next record, if there is one now.
    pub fn try_next(&mut self) -> Option<Record> {
        self.records.try_recv().ok()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The moment of arrival number `n`.
fn arrival(rate: u32, n: u64) -> Duration {
    Duration::from_nanos((u128::from(n) * 1_000_000_000 / u128::from(rate.max(1))) as u64)
}

/// How many arrivals are wanted before `moment`.
fn arrivals_before(rate: u32, moment: Duration) -> u64 {
    let first_guess = (moment.as_nanos() * u128::from(rate) / 1_000_000_000) as u64;
    (first_guess.saturating_sub(1)..).find(|n| rate == 0 || arrival(rate, *n) >= moment).unwrap_or(first_guess)
}

struct LoadContext {
    sites: Sites,
    transport: Rc<Transport>,
    visitors: Vec<Visitor>,
    began: Instant,
    sender: mpsc::UnboundedSender<Record>,
}

async fn arrive(sites: Sites, began: Instant, sender: mpsc::UnboundedSender<Record>, stop: Arc<AtomicBool>) {
    let plan = &sites.plan;
    let Ok(transport) = Transport::open(&plan.nameservers, plan.anchor.clone()).await.map(Rc::new) else { return };
    let resolvers: Vec<Rc<Resolver>> =
        (0..plan.resolvers).map(|_| Rc::new(Resolver::new(Rc::clone(&transport), plan.timeouts))).collect();
    let visitor = |n: usize| Visitor::new(n, Rc::clone(&resolvers[n % resolvers.len()]), plan.sites.len());
    let visitors = (0..plan.visitors).map(visitor).collect();
    let (request_rate, query_rate) = (plan.requests, plan.queries);
    let context = Rc::new(LoadContext { sites, transport, visitors, began, sender });
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut requests, mut queries) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let now = began.elapsed();
        let (due_requests, due_queries) = (arrivals_before(request_rate, now), arrivals_before(query_rate, now));
        for n in requests..due_requests {
            tokio::task::spawn_local(Rc::clone(&context).request(n));
        }
        for n in queries..due_queries {
            tokio::task::spawn_local(Rc::clone(&context).query(n));
        }
        (requests, queries) = (due_requests, due_queries);
    }
}

impl LoadContext {
    async fn request(self: Rc<Self>, n: u64) {
        let Plan { sites, requests, .. } = &self.sites.plan;
        let planned = PlannedRequest {
            site: n as usize % sites.len(),
            safe: !(n / sites.len() as u64).is_multiple_of(POST_ONE_IN),
            intended: arrival(*requests, n),
        };
        // Any visitor may be the next one, even while an earlier request of it is still open.
        let visitor = &self.visitors[fastrand::usize(..self.visitors.len())];
        let request = visitor.fetch(&self.sites, planned, self.began).await;
        let _ = self.sender.send(Record::Request(request));
    }

    async fn query(self: Rc<Self>, n: u64) {
        let Plan { sites, queries, timeouts, .. } = &self.sites.plan;
        let question = self.sites.question(n as usize % sites.len());
        let answer = resolver::ask(&self.transport, timeouts, question).await;
        let _ = self.sender.send(Record::Query(Query {
            intended: arrival(*queries, n),
            ended: self.began.elapsed(),
            addresses: answer.map(|answer| answer.addresses.len()),
            unproved: self.transport.take_unproved(),
        }));
    }
}

#[cfg(test)]
mod tests;
