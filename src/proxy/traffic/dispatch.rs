//! One request: route, choose, wait or attempt, until it is answered.
//!
//! Called by the connection for each request that was vetted; knows
//! the client's side only as a [`ClientStream`].

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt;
use super::counters::add;
use super::eviction;
use super::exchange::Exchange;
use super::http1::answer::{Answer, MoreFields};
use super::message::Scheme;
use super::message::fields::{FieldKind, elements};
use super::outcome::{AfterResponse, Failure, Outcome};
use super::plan::Plan;
use super::redirect;
use super::retry::RetryState;
use super::socket::IdleTimer;
use super::stream::ClientStream;
use super::termination::End;
use super::trace::CookieSeen;
use super::tunnel::Tunnel;
use super::view::View;
use super::waiting::Wait;
use crate::proxy::acme::challenges::is_challenge;
use crate::proxy::choose::{Choice, RequestFacts, choose};
use crate::proxy::snapshot::{Service, Settings};
use crate::proxy::tls::acceptor::Acceptor;
use crate::running_time::running;

/// Where `/.polder/` begins, no service is asked.
const RESERVED: &[u8] = b"/.polder";

/// How long a request waits, at most, before a backend that refused it is tried again: as long as in HAProxy. A shorter
/// `timeouts.connect` shortens it.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How a request was served.
pub enum Served {
    /// It was answered, or cannot be.
    Done(AfterResponse),
    /// A backend has switched protocols.
    Switched(Tunnel),
}

/// Serves one request.
pub async fn serve(mut exchange: Exchange<'_>, client: &mut impl ClientStream) -> Served {
    if is_challenge(exchange.request.path())
        && let Some(served) = exchange.answer_challenge(client).await
    {
        return served;
    }
    if is_reserved(exchange.request.path()) {
        return exchange.answer_reserved(client).await;
    }
    if let Some((answer, end)) = exchange.stop_here() {
        return exchange.answer(client, answer, end).await;
    }
    if let Err(end) = eviction::ensure_regular_slot(exchange.local, exchange.entry, exchange.client).await {
        exchange.local.count_refusal(end);
        return exchange.answer(client, Answer { status: 503, why: Some("too many connections") }, end).await;
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

fn is_reserved(path: &[u8]) -> bool {
    path.strip_prefix(RESERVED).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

impl Exchange<'_> {
    /// The answer to a request that goes no further (RFC 9110, 7.6): it has been here before, or has passed as many proxies as it may.
    fn stop_here(&self) -> Option<(Answer<'static>, End)> {
        let head = self.request.head;
        if head.max_forwards == Some(0) {
            let status = if self.request.method() == b"OPTIONS" { 200 } else { 501 };
            return Some((Answer { status, why: Some("Max-Forwards is 0") }, End::Local));
        }
        if !head.has_via {
            return None;
        }
        let view = self.local.view();
        let name = view.snapshot.settings.via.as_deref()?.as_bytes();
        let is_ours = |element: &[u8]| {
            let mut words = element.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
            words.nth(1).is_some_and(|by| by.eq_ignore_ascii_case(name))
        };
        let loops = self.request.values(FieldKind::Via).flat_map(elements).any(is_ours);
        loops.then_some((Answer { status: 508, why: Some("the request has been here before (Via)") }, End::Refused))
    }

    /// Answers a CA that wants to know whether the host is ours; not if it is asking for somebody else's challenge.
    async fn answer_challenge(&mut self, client: &mut impl ClientStream) -> Option<Served> {
        let view = self.local.view();
        let text = view.snapshot.challenges.answer(self.request.path())?;
        Some(self.answer(client, Answer { status: 200, why: Some(text) }, End::Local).await)
    }

    async fn answer_reserved(&mut self, client: &mut impl ClientStream) -> Served {
        let ready = self.local.view().snapshot.ready && !self.local.is_draining();
        let answer = match self.request.path() {
            b"/.polder/ready" if ready => Answer { status: 200, why: Some("ready") },
            b"/.polder/ready" => Answer { status: 503, why: Some("not ready") },
            _ => Answer::new(404),
        };
        self.answer(client, answer, End::Local).await
    }

    /// Answers without a backend. The connection goes on if nothing of the request is left unread.
    async fn answer(&mut self, client: &mut impl ClientStream, answer: Answer<'_>, end: End) -> Served {
        let routed = self.trace.service.as_ref().filter(|(view, _)| self.came_securely(&view.snapshot.settings));
        let hsts = routed.and_then(|(view, index)| view.snapshot.services[*index].https.hsts.clone());
        let more = MoreFields { transport_security: hsts.as_deref(), ..MoreFields::default() };
        self.answer_with(client, answer, more, end).await
    }

    async fn answer_with(
        &mut self,
        client: &mut impl ClientStream,
        answer: Answer<'_>,
        more: MoreFields<'_>,
        end: End,
    ) -> Served {
        let request = self.request.head;
        // A success would tell the client that its stream is what it asked for (RFC 8441, 5).
        let is_mistakable = request.is_extended_connect() && (200..300).contains(&answer.status);
        let answer = if is_mistakable { Answer { status: 400, why: Some("no WebSocket is here") } } else { answer };
        (self.trace.status, self.trace.end) = (answer.status, end);
        let may_stay = self.entry.has_regular_slot() && !self.local.is_draining();
        let keep = request.has_no_body() && request.keeps_alive() && may_stay;
        let idle = self.local.view().snapshot.settings.timeouts.body_idle;
        let mut timer = IdleTimer { alarm: self.client_alarm, idle };
        Served::Done(match client.answer(answer, more, keep, &mut timer).await {
            Ok(()) if keep => AfterResponse::Keep,
            Ok(()) => AfterResponse::Linger,
            Err(_) => AfterResponse::Close,
        })
    }

    /// Finds the service and gives the request to its backends, until one has answered or none may.
    async fn dispatch(&mut self, client: &mut impl ClientStream) -> Result<Served, Failure> {
        let mut retries = RetryState::default();
        loop {
            let view = self.local.view();
            retries.adopt(&view);
            let Some(index) = view.snapshot.router.route(self.request.authority(), self.request.path()) else {
                add(&self.local.counters.unrouted, 1);
                return Err(Failure::new(404, End::Local));
            };
            let service = &view.snapshot.services[index];
            self.trace.service = Some((Rc::clone(&view), index));
            if self.request.head.scheme == Scheme::Https && !service.over_tls {
                // Its certificate may cover the host; the service is for clear text (RFC 9110, 7.4).
                return Err(Failure::new(421, End::Refused));
            }
            if let Some(port) = service.https.redirect
                && self.can_be_sent_to_https(&view.snapshot.settings)
            {
                return Ok(self.redirect(client, port).await);
            }
            let most = service.connections.retries.map_or(view.snapshot.settings.limits.tries, |retries| retries + 1);
            let cookie = self.read_cookie(service);
            let ask = RequestFacts { cookie, authenticated: self.authenticated_by(service), tried: retries.tried };
            // Chosen before the match: what a match looks at lives until its end, over every await in it.
            let choice = choose(service, ask, &mut view.balances[index].borrow_mut(), fastrand::u64(..));
            match choice {
                Choice::Nobody if retries.outdated => self.wait(&mut retries, client, &view, service).await?,
                Choice::Nobody if retries.may_begin_again(most) => {
                    if !self.pause(&mut retries, client, &view, service).await? {
                        return Err(retries.failure.unwrap_or(Failure::new(503, End::NoBackend)));
                    }
                }
                Choice::Nobody => return Err(retries.failure.unwrap_or(Failure::new(503, End::NoBackend))),
                Choice::Undecided => return Err(Failure::new(503, End::Undecided)),
                Choice::Wait => self.wait(&mut retries, client, &view, service).await?,
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
                    retries.begin_attempt(most)?;
                    self.note_attempt(backend, cookie);
                    let plan = Plan { view: &view, service: index, backend, set_cookie, afresh: retries.afresh };
                    let outcome = attempt::run(self, client, plan).await;
                    self.entry.leave();
                    match outcome {
                        Outcome::Finished { then, end } => {
                            self.trace.end = end;
                            return Ok(Served::Done(then));
                        }
                        Outcome::Switched(upstream) => {
                            return Ok(Served::Switched(Tunnel { view, service: index, backend, upstream }));
                        }
                        Outcome::Failed(failure) => return Err(failure),
                        Outcome::Moved => retries.exclude(backend),
                        Outcome::Stale => retries.afresh = true,
                        Outcome::TryAnother(failure) => {
                            (retries.failure, retries.afresh) = (Some(failure), false);
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

    /// Whether the visitor came in clear text, and would be shown a certificate over https: one of a service whose first certificate is
    /// still to come, or for a host that none is for, is served as it came.
    fn can_be_sent_to_https(&self, settings: &Settings) -> bool {
        let has_certificate = |acceptor: &Acceptor| {
            std::str::from_utf8(redirect::host(&self.request)).is_ok_and(|host| acceptor.covers(host))
        };
        !self.came_securely(settings) && settings.tls.as_deref().is_some_and(has_certificate)
    }

    /// Sends the visitor to the same over https.
    async fn redirect(&mut self, client: &mut impl ClientStream, port: u16) -> Served {
        let Some(location) = redirect::to_https(&self.request, port) else {
            let answer = Answer { status: 400, why: Some("the request names no host that https could be spoken with") };
            return self.answer(client, answer, End::Refused).await;
        };
        let more = MoreFields { location: Some(&location), ..MoreFields::default() };
        self.answer_with(client, Answer::new(308), more, End::Local).await
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
