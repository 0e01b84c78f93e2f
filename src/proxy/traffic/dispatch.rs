//! One request: route, admit, choose, wait or attempt, until it is answered.
//!
//! Called by the connection for each request that was vetted; knows the client's side only as a [`ClientStream`].

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::answering::Served;
use super::attempt;
use super::counters::add;
use super::exchange::Exchange;
use super::hedge::{self, Hedge};
use super::http1::answer::Answer;
use super::message::fields::FieldKind;
use super::outcome::{AfterResponse, Failure, Outcome};
use super::plan::Plan;
use super::retry::RetryState;
use super::stream::ClientStream;
use super::termination::End;
use super::trace::CookieSeen;
use super::tunnel::Tunnel;
use super::view::View;
use super::waiting::Wait;
use crate::proxy::choose::{Choice, RequestFacts, choose};
use crate::proxy::snapshot::{Front, FrontTarget, Service};
use crate::running_time::running;

/// How long a request waits, at most, before a backend that refused it is tried again: as long as in HAProxy. A shorter
/// `timeouts.connect` shortens it.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Serves one request.
pub async fn serve(mut exchange: Exchange<'_>, client: &mut impl ClientStream) -> Served {
    exchange.take_request_id();
    if let Some(served) = exchange.answer_before_routing(client).await {
        return served;
    }
    match exchange.dispatch(client).await {
        Ok(served) => served,
        Err(Failure { status: None, end }) => {
            exchange.trace.end = end;
            Served::Done(AfterResponse::Close)
        }
        Err(Failure { status: Some(status), end }) => {
            if status == 503 {
                add(&exchange.local.counters.unavailable, 1);
            }
            exchange.answer(client, Answer::new(status), end).await
        }
    }
}

impl Exchange<'_> {
    /// Finds the service and gives the request to its backends, until one has answered or none may.
    async fn dispatch(&mut self, client: &mut impl ClientStream) -> Result<Served, Failure> {
        let mut retries = RetryState::default();
        // By the fronts of this document: another one may ask for more.
        let mut admitted: Option<Arc<[Front]>> = None;
        loop {
            let view = self.local.view();
            retries.adopt(&view);
            let index = self.route(&view)?;
            let front = &view.snapshot.fronts[index];
            if !admitted.as_ref().is_some_and(|fronts| Arc::ptr_eq(fronts, &view.snapshot.fronts)) {
                if let Some(served) = self.admit(client, &view, front).await? {
                    return Ok(served);
                }
                admitted = Some(Arc::clone(&view.snapshot.fronts));
                if !Rc::ptr_eq(&view, &self.local.view()) {
                    // Asking somebody whether it may pass takes time: what is chosen is chosen by what counts now.
                    continue;
                }
            }
            let place = match &front.target {
                FrontTarget::Backends(place) => *place,
                FrontTarget::Own(own) => return self.answer_by(client, front, own).await,
            };
            let service = &view.snapshot.services[place];
            let most = service.connections.retries.map_or(view.snapshot.settings.limits.tries, |retries| retries + 1);
            let cookie = self.read_cookie(service);
            let now = if service.slow_start.is_some() { running() } else { Duration::ZERO };
            let granted = retries.queued.granted(service);
            let authenticated = self.authenticated_by(service);
            let ask = RequestFacts { cookie, authenticated, tried: retries.tried, granted, now };
            // Chosen before the match: what a match looks at lives until its end, over every await in it.
            let choice = choose(service, ask, &mut view.balances[place].borrow_mut(), fastrand::u64(..));
            if let (Choice::Use { .. } | Choice::Queue { .. }, Some(failure)) = (choice, retries.last_word(most)) {
                return Err(failure);
            }
            match choice {
                Choice::Nobody if retries.outdated => self.wait(&mut retries, client, &view, service).await?,
                Choice::Nobody if retries.may_begin_again(most) => {
                    if !self.pause(&mut retries, client, &view, service).await? {
                        return Err(retries.failure.unwrap_or(Failure::new(503, End::NoBackend)));
                    }
                }
                Choice::Nobody => return Err(retries.failure.unwrap_or(Failure::new(503, nobody(service)))),
                Choice::Undecided => return Err(Failure::new(503, End::Undecided)),
                Choice::Unagreed => return Err(Failure::new(503, End::Unagreed)),
                Choice::Isolated => return Err(Failure::new(503, End::Isolated)),
                Choice::Wait => self.wait(&mut retries, client, &view, service).await?,
                Choice::Queue { among } => {
                    self.queue(&mut retries.queued, client, (&view, service), among).await?;
                }
                Choice::Use { backend, .. } if !view.may_act_on(service, backend, running()) => {
                    self.local.hasten_probe(&service.backends[backend]);
                    if ask.bind(backend) {
                        self.wait(&mut retries, client, &view, service).await?;
                    } else {
                        retries.exclude(backend);
                        retries.outdated = true;
                    }
                }
                Choice::Use { backend, set_cookie } => {
                    let Some(mut slot) = retries.queued.take(service, backend) else { continue };
                    retries.pay(service)?;
                    retries.begin_attempt();
                    let may_try_another = service.connections.retry.on.has_statuses()
                        && self.request.head.is_replayable()
                        && retries.may_try_another(service, ask, backend, most);
                    self.note_attempt(backend, cookie);
                    let plan = Plan {
                        view: &view,
                        front: index,
                        service: place,
                        backend,
                        set_cookie,
                        afresh: retries.afresh,
                        may_try_another,
                    };
                    let outcome = match hedge::delay(self, service, ask, backend) {
                        None => attempt::run(self, client, plan).await,
                        Some(after) => {
                            let hedge = Hedge { after, ask, most, retries: &mut retries };
                            // On the heap: others have no room for it.
                            Box::pin(hedge::run(self, client, plan, slot.take(), hedge)).await
                        }
                    };
                    self.entry.leave();
                    match outcome {
                        Outcome::Finished { then, end } => {
                            self.trace.end = end;
                            return Ok(Served::Done(then));
                        }
                        Outcome::Switched(upstream) => {
                            return Ok(Served::Switched(Tunnel { view, service: place, backend, upstream, slot }));
                        }
                        Outcome::Failed(failure) => return Err(failure),
                        Outcome::Moved => retries.exclude(backend),
                        Outcome::Stale => {
                            retries.afresh = true;
                            retries.queued.keep(slot);
                        }
                        Outcome::TryAnother(failure) => {
                            retries.note_failure(failure);
                            drop(slot);
                            let may_stay = ask.bind(backend) && retries.may_stay(service, most);
                            if !may_stay || !self.pause(&mut retries, client, &view, service).await? {
                                retries.exclude(backend);
                            }
                        }
                    }
                }
            }
        }
    }

    fn note_attempt(&mut self, backend: usize, cookie: Option<usize>) {
        if self.trace.cookie == CookieSeen::Valid && cookie != Some(backend) {
            self.trace.cookie = CookieSeen::Down;
        }
        if self.trace.tries > 0 {
            add(&self.local.counters.retries, 1);
        }
        self.trace.tries += 1;
        self.trace.backend = Some(backend);
    }

    /// The backend that the request's cookie names: of several cookies of that name the first one that names any.
    fn read_cookie(&mut self, service: &Service) -> Option<usize> {
        let cookie = service.cookie()?;
        self.trace.cookie = CookieSeen::None;
        for value in self.request.values(FieldKind::Cookie).flat_map(|field| cookie.values(field)) {
            if let Some(backend) = cookie.open(value, service.addresses()) {
                self.trace.cookie = CookieSeen::Valid;
                return Some(backend);
            }
            self.trace.cookie = CookieSeen::Invalid;
        }
        None
    }

    /// The backend that knows the visitor by an authenticated connection: its handshake takes several requests.
    fn authenticated_by(&self, service: &Service) -> Option<usize> {
        let own = self.own.as_ref().filter(|own| own.is_authenticated)?;
        service.addresses().position(|address| address == own.peer.address)
    }

    /// Waits for another snapshot, or for the moment to try the same backend once more.
    async fn wait(
        &mut self,
        retries: &mut RetryState,
        client: &mut impl ClientStream,
        view: &View,
        service: &Service,
    ) -> Result<(), Failure> {
        let began = match &retries.wait {
            Some(wait) => wait.began,
            None => {
                let wait = Wait::begin(service, view.snapshot.settings.limits.waiting)?;
                add(&self.local.counters.waited, 1);
                retries.wait.insert(wait).began
            }
        };
        let until = began + service.longest_wait();
        if Instant::now() >= until {
            return Err(Failure::new(503, End::VerdictTimeout));
        }
        let again =
            service.backends.first().map_or(Duration::from_secs(1), |backend| backend.target.check.fast_interval);
        let woken = self.hold(client, view, service, until.min(Instant::now() + again)).await;
        retries.begin_anew();
        woken
    }

    /// Waits before backends that refused are tried once more: they may be restarting, or their queues were full. A verdict
    /// on any of the service's backends ends it. False, at once: as many requests wait as may.
    async fn pause(
        &mut self,
        retries: &mut RetryState,
        client: &mut impl ClientStream,
        view: &View,
        service: &Service,
    ) -> Result<bool, Failure> {
        let settings = &view.snapshot.settings;
        let Ok(_place) = Wait::begin(service, settings.limits.waiting) else { return Ok(false) };
        add(&self.local.counters.waited, 1);
        let until = Instant::now() + RETRY_PAUSE.min(settings.timeouts.connect);
        while Instant::now() < until && self.local.view().judges_alike(service) {
            self.hold(client, view, service, until).await?;
        }
        retries.tried = 0;
        Ok(true)
    }
}

/// Why no backend may serve.
fn nobody(service: &Service) -> End {
    if service.is_in_maintenance() { End::Maintenance } else { End::NoBackend }
}
