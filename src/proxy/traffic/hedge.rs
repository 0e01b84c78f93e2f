//! A hedge: a second copy of a request, on another backend, where the first one has brought no response's head in time (`hedge_after`).
//!
//! Owns which requests may be hedged and where the copy goes, and has both attempts race: whichever has a head first has the visitor's ear,
//! and the other one is dropped, with its connection or stream and its slot. What a second attempt needs is allocated when it begins. Must
//! never make worse what becomes of a request: while one attempt runs, whatever becomes of the other is not the last word.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::alarm::{Alarm, Alarms};
use super::attempt;
use super::counters::add;
use super::exchange::Exchange;
use super::http1::forwarded::Client;
use super::inflight::Entry;
use super::local::Local;
use super::message::Request;
use super::outcome::{AfterResponse, Failure, Outcome};
use super::plan::Plan;
use super::queueing::Queued;
use super::race::{Race, Runner, Visitor};
use super::retry::{self, RetryState};
use super::socket::IdleTimer;
use super::stream::{BodySource, Duplex, ResponseSink};
use super::termination::End;
use super::trace::{Hedged, Trace};
use super::upstream::OwnConnection;
use super::view::View;
use super::workspace::BackendBuffers;
use crate::proxy::choose::{Choice, RequestFacts, choose};
use crate::proxy::edge::headers::Values;
use crate::proxy::queue::Slot;
use crate::proxy::snapshot::{Service, ServiceMode};
use crate::running_time::running;

/// A request of which a copy is sent if its first attempt takes long.
pub struct Hedge<'h> {
    /// How long that is.
    pub after: Duration,
    /// What its backends are chosen by.
    pub ask: RequestFacts,
    /// Attempts that it may have, the hedge aside.
    pub most: u32,
    /// What it has been through.
    pub retries: &'h mut RetryState,
}

/// After which time a copy of the request is sent elsewhere than to this backend, if one may be.
pub fn delay(exchange: &Exchange<'_>, service: &Service, ask: RequestFacts, backend: usize) -> Option<Duration> {
    let after = service.connections.retry.hedge_after?;
    let head = exchange.request.head;
    let may_leave = !ask.bind(backend) && !matches!(service.mode, ServiceMode::Latched { .. });
    // One is enough, however often the request is sent again.
    let has_none = exchange.trace.hedge.is_none();
    (head.is_replayable() && !head.upgrade && may_leave && has_none).then_some(after)
}

/// Tries a backend, and another one beside it if that has no head in time.
pub async fn run(
    exchange: &mut Exchange<'_>,
    client: &mut impl Duplex,
    plan: Plan<'_>,
    slot: Option<Slot>,
    hedge: Hedge<'_>,
) -> Outcome {
    let Hedge { after, ask, most, retries } = hedge;
    exchange.name_request(plan.front());
    let mut record = Some(exchange.trace.of_another_attempt());
    let mut apart: Option<Box<Apart>> = None;
    let mut vacant = Some(&mut apart);
    let (outcome, last, winner) = {
        let Exchange { local, entry, client: visitor, request, is_first, .. } = *exchange;
        let granted = exchange.granted.as_ref();
        let common = Common { local, entry, client: visitor, request, is_first, granted };
        let (body, response) = client.split();
        let race = Race::new(response);
        // For as long as it is not alone, too: what the visitor would get without a hedge, he gets.
        race.set_last(Runner::First, !plan.may_try_another);
        // From here on the race says it.
        let plan = Plan { may_try_another: true, ..plan };
        let mut gone = pin!(gone(body, plan, &race));
        let mut sending = Alarm::default();
        let of_first = Exchange {
            local,
            entry,
            client: visitor,
            request,
            is_first,
            own: exchange.own,
            buffers: exchange.buffers,
            values: exchange.values,
            client_alarm: &mut sending,
            backend_alarm: exchange.backend_alarm,
            granted: Cow::Borrowed(granted),
            trace: exchange.trace,
        };
        let first = pin!(Some(attempt(of_first, race.visitor(Runner::First), plan, slot)));
        let mut attempts = Attempts { first, entry, second: None };
        let mut elsewhere = plan.backend;
        // A request without a body leaves the timer of its way to this.
        let mut due = Some(Instant::now() + after);
        let (outcome, last) = loop {
            let event = poll_fn(|context| {
                if gone.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Event::Gone);
                }
                if let Poll::Ready((runner, outcome)) = attempts.poll(&race, context) {
                    return Poll::Ready(Event::Ended(runner, outcome));
                }
                let due = due.filter(|_| race.winner().is_none());
                match due.map(|due| exchange.client_alarm.poll(due, context)) {
                    Some(Poll::Ready(())) => Poll::Ready(Event::Due),
                    _ => Poll::Pending,
                }
            })
            .await;
            match event {
                Event::Gone => break (abandoned(race.winner()), race.winner()),
                Event::Due => {
                    due = None;
                    retries.exclude(plan.backend);
                    let ask = RequestFacts { tried: retries.tried, granted: None, ..ask };
                    let place = place(local, plan, ask);
                    let (Some(place), Some(vacant), Some(record)) = (place, vacant.take(), record.take()) else {
                        add(&local.counters.hedges_left_out, 1);
                        continue;
                    };
                    add(&local.counters.hedges, 1);
                    elsewhere = place.backend;
                    let apart = vacant.insert(Box::new(Apart::new(place.backend, record)));
                    let visitor = race.visitor(Runner::Second);
                    attempts.second = Some(Box::pin(second(common, apart, visitor, plan, place)));
                }
                Event::Ended(runner, outcome) => {
                    if runner == Runner::Second {
                        retries.exclude(elsewhere);
                    }
                    if attempts.are_over() || race.winner().is_some() {
                        break (outcome, Some(runner));
                    }
                    // Whichever is left is alone from here on.
                    let (left, backend) = match runner {
                        Runner::First => (Runner::Second, elsewhere),
                        Runner::Second => (Runner::First, plan.backend),
                    };
                    race.set_last(left, !retries.may_try_another(plan.service(), ask, backend, most));
                }
            }
        };
        (outcome, last, race.winner())
    };
    if let Some(apart) = apart {
        record_hedge(exchange, *apart, last, winner);
    }
    outcome
}

/// Takes what a second attempt has left. `last`: the attempt that made the outcome; `winner`: the one whose response had begun.
fn record_hedge(exchange: &mut Exchange<'_>, apart: Apart, last: Option<Runner>, winner: Option<Runner>) {
    let Apart { trace, own, .. } = apart;
    exchange.trace.tries += trace.tries;
    exchange.trace.hedge = Some(if winner == Some(Runner::Second) { Hedged::Won } else { Hedged::Sent });
    if winner == Some(Runner::Second) {
        add(&exchange.local.counters.hedges_won, 1);
    }
    if last == Some(Runner::Second) {
        exchange.trace.take_attempt(trace);
    }
    if own.is_some() {
        *exchange.own = own;
    }
}

/// What has happened to the two attempts.
enum Event {
    /// The visitor has gone.
    Gone,
    /// The first one has taken too long.
    Due,
    /// One is over.
    Ended(Runner, Outcome),
}

/// Those that run.
struct Attempts<'a, F, S> {
    first: Pin<&'a mut Option<F>>,
    /// Of the first one.
    entry: &'a Entry,
    second: Option<Pin<Box<S>>>,
}

impl<F: Future<Output = Outcome>, S: Future<Output = Outcome>> Attempts<'_, F, S> {
    /// Lets both go on. One that has ended or lost is dropped at once.
    fn poll<R: ResponseSink>(&mut self, race: &Race<R>, context: &mut Context<'_>) -> Poll<(Runner, Outcome)> {
        if let Some(first) = self.first.as_mut().as_pin_mut() {
            let polled = first.poll(context);
            if race.winner() == Some(Runner::First) {
                self.second = None;
            }
            if let Poll::Ready(outcome) = polled {
                self.drop_first();
                return Poll::Ready((Runner::First, outcome));
            }
        }
        if let Some(second) = &mut self.second {
            let polled = second.as_mut().poll(context);
            if race.winner() == Some(Runner::Second) {
                self.drop_first();
            }
            if let Poll::Ready(outcome) = polled {
                self.second = None;
                return Poll::Ready((Runner::Second, outcome));
            }
        }
        Poll::Pending
    }

    fn drop_first(&mut self) {
        if self.first.is_some() {
            self.first.set(None);
            self.entry.leave();
        }
    }

    fn are_over(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }
}

/// An attempt, and its slot for as long as it runs. An idle connection that was closed under it is replaced by a new one.
async fn attempt<R: ResponseSink>(
    mut exchange: Exchange<'_>,
    mut visitor: Visitor<'_, R>,
    mut plan: Plan<'_>,
    _slot: Option<Slot>,
) -> Outcome {
    loop {
        match attempt::run(&mut exchange, &mut visitor, plan).await {
            Outcome::Stale if !plan.afresh => {
                plan.afresh = true;
                exchange.trace.tries += 1;
                add(&exchange.local.counters.retries, 1);
            }
            outcome => return outcome,
        }
    }
}

/// Until the visitor has left.
async fn gone<R: ResponseSink>(mut body: impl BodySource, plan: Plan<'_>, race: &Race<R>) {
    let mut timer = IdleTimer { alarm: &mut Alarm::default(), idle: plan.view.snapshot.settings.timeouts.body_idle };
    body.closed(&mut timer, || plan.service().connections.abort_on_close && race.winner().is_none()).await;
}

/// What becomes of a request whose visitor has left. `winner`: whose response had begun.
fn abandoned(winner: Option<Runner>) -> Outcome {
    match winner {
        None => Outcome::Failed(Failure::of_gone_client(End::ClientInWait)),
        Some(_) => Outcome::Finished { then: AfterResponse::Reset, end: End::ClientInData },
    }
}

/// Where a copy goes.
struct Place {
    view: Rc<View>,
    backend: usize,
    set_cookie: bool,
    slot: Option<Slot>,
}

/// A place for a copy of a request that runs on a backend already, if one is free now and the budget has something left.
fn place(local: &Local, plan: Plan<'_>, ask: RequestFacts) -> Option<Place> {
    let view = local.view();
    // Of another document nothing is known here.
    if !Arc::ptr_eq(&view.snapshot.fronts, &plan.view.snapshot.fronts) {
        return None;
    }
    let service = &view.snapshot.services[plan.service];
    let choice = choose(service, ask, &mut view.balances[plan.service].borrow_mut(), fastrand::u64(..));
    let Choice::Use { backend, set_cookie } = choice else { return None };
    // A backup is for when the primaries are down, and may have nothing but an apology.
    let is_asked_for = !service.backends[backend].backup || plan.backend().backup;
    if !is_asked_for || !view.may_act_on(service, backend, running()) {
        return None;
    }
    let slot = Queued::default().take(service, backend)?;
    retry::debit(service).then_some(())?;
    Some(Place { view, backend, set_cookie, slot })
}

/// What both attempts are made with.
#[derive(Clone, Copy)]
struct Common<'c> {
    local: &'c Local,
    entry: &'c Rc<Entry>,
    client: &'c Client,
    request: Request<'c>,
    is_first: bool,
    granted: &'c [u8],
}

/// What the second one has for itself.
struct Apart {
    own: Option<OwnConnection>,
    buffers: BackendBuffers,
    values: Values,
    alarms: Alarms,
    trace: Trace,
}

impl Apart {
    fn new(backend: usize, trace: Trace) -> Apart {
        let trace = Trace { backend: Some(backend), tries: 1, ..trace };
        let (own, buffers, values, alarms) = Default::default();
        Apart { own, buffers, values, alarms, trace }
    }
}

/// The second attempt, which new snapshots and drains reach by an entry of its own.
async fn second<R: ResponseSink>(
    common: Common<'_>,
    apart: &mut Apart,
    visitor: Visitor<'_, R>,
    plan: Plan<'_>,
    place: Place,
) -> Outcome {
    let Common { local, client, request, is_first, granted, .. } = common;
    let entered = Entered { local, entry: local.registry.add_stream(common.entry) };
    let Place { view, backend, set_cookie, slot } = place;
    let Apart { own, buffers, values, alarms, trace } = apart;
    let exchange = Exchange {
        local,
        entry: &entered.entry,
        client,
        request,
        is_first,
        own,
        buffers,
        values,
        client_alarm: &mut alarms.client,
        backend_alarm: &mut alarms.backend,
        granted: Cow::Borrowed(granted),
        trace,
    };
    let plan = Plan { view: &view, backend, set_cookie, afresh: false, ..plan };
    attempt(exchange, visitor, plan, slot).await
}

/// What the worker knows of the second attempt, until that is over.
struct Entered<'l> {
    local: &'l Local,
    entry: Rc<Entry>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.local.unregister(&self.entry);
    }
}
