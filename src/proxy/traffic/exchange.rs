//! One request: route, choose, wait or attempt, until it is answered.
//!
//! Owns which backends a request has tried and how often. Called by the connection for each request that was vetted.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{self, Attempted, Failure};
use super::connection::{After, Connection};
use super::eviction;
use super::http1::answer::Answer;
use super::http1::fields::Kind;
use super::http1::vet::Request;
use super::inflight::{Order, Phase};
use super::local::{Workspace, add};
use super::termination::End;
use super::trace::{CookieSeen, Trace};
use super::transfer::fill;
use super::view::View;
use crate::proxy::choose::{Ask, Choice, choose};
use crate::proxy::snapshot::Service;

/// Where `/.polder/` begins, no service is asked.
const RESERVED: &[u8] = b"/.polder";

/// What a request has been through.
#[derive(Default)]
struct Hunt {
    /// The snapshot `tried` is about.
    view: Option<Rc<View>>,
    /// Backends that failed.
    tried: u128,
    /// Attempts since the last wait.
    attempts: u32,
    /// Why the last one failed.
    failure: Option<Failure>,
    /// A pooled connection was stale: open a new one.
    afresh: bool,
    /// Since it first waited.
    wait: Option<Wait>,
}

/// A place among those who wait for a verdict.
struct Wait {
    began: Instant,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one request.
pub async fn serve(
    connection: &mut Connection,
    workspace: &mut Workspace,
    request: &Request,
    trace: &mut Trace,
) -> After {
    if is_reserved(request.path(workspace.head.filled())) {
        return answer_reserved(connection, workspace, request, trace).await;
    }
    if let Err(end) = eviction::ensure_regular_slot(connection).await {
        connection.local.count_refusal(end);
        let answer = Answer { status: 503, why: Some("too many connections") };
        return connection.answer(workspace, request, trace, answer, end).await;
    }
    match hunt(connection, workspace, request, trace).await {
        Ok(after) => after,
        Err(Failure { status: None, end }) => {
            trace.end = end;
            After::Close
        }
        Err(Failure { status: Some(status), end }) => {
            if status == 503 {
                add(&connection.local.counters.unavailable, 1);
            }
            connection.answer(workspace, request, trace, Answer::new(status), end).await
        }
    }
}

fn is_reserved(path: &[u8]) -> bool {
    path.strip_prefix(RESERVED).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

async fn answer_reserved(
    connection: &mut Connection,
    workspace: &mut Workspace,
    request: &Request,
    trace: &mut Trace,
) -> After {
    let ready = connection.local.view().snapshot.ready && !connection.local.is_draining();
    let answer = match request.path(workspace.head.filled()) {
        b"/.polder/ready" if ready => Answer { status: 200, why: Some("ready") },
        b"/.polder/ready" => Answer { status: 503, why: Some("not ready") },
        _ => Answer::new(404),
    };
    connection.answer(workspace, request, trace, answer, End::Local).await
}

async fn hunt(
    connection: &mut Connection,
    workspace: &mut Workspace,
    request: &Request,
    trace: &mut Trace,
) -> Result<After, Failure> {
    let mut hunt = Hunt::default();
    loop {
        let view = connection.local.view();
        hunt.look_at(&view);
        let head = workspace.head.filled();
        let host = request.host.map(|host| host.of_head(head)).unwrap_or_default();
        let Some(index) = view.snapshot.router.route(host, request.path(head)) else {
            add(&connection.local.counters.unrouted, 1);
            return Err(Failure { status: Some(404), end: End::Local });
        };
        let service = &view.snapshot.services[index];
        trace.service = Some((Rc::clone(&view), index));
        let cookie = read_cookie(service, workspace, trace);
        let ask = Ask { cookie, tried: hunt.tried };
        // Chosen before the match: what a match looks at lives until its end, over every await in it.
        let choice = choose(service, ask, &mut view.spreads[index].borrow_mut(), fastrand::u64(..));
        match choice {
            Choice::Nobody => return Err(hunt.failure.unwrap_or(Failure { status: Some(503), end: End::NoBackend })),
            Choice::Wait => {
                let began = Instant::now();
                let waited = hunt.wait(connection, workspace, &view, service).await;
                trace.waited = Some(trace.waited.unwrap_or_default() + began.elapsed());
                waited?;
            }
            Choice::Use { backend, set_cookie } => {
                let limits = &view.snapshot.settings.limits;
                if let Some(failure) = hunt.failure.filter(|_| hunt.attempts >= limits.tries) {
                    return Err(failure);
                }
                if trace.cookie == CookieSeen::Valid && cookie != Some(backend) {
                    trace.cookie = CookieSeen::Down;
                }
                if trace.tries > 0 {
                    add(&connection.local.counters.retries, 1);
                }
                hunt.attempts += 1;
                trace.tries += 1;
                trace.backend = Some(backend);
                let plan =
                    attempt::Plan { view: &view, service: index, backend, set_cookie, afresh: hunt.afresh, request };
                let attempted = attempt::run(connection, workspace, trace, plan).await;
                connection.entry.leave();
                match attempted {
                    Attempted::Finished(after) => return Ok(after),
                    Attempted::Failed(failure) => return Err(failure),
                    Attempted::Moved => hunt.tried |= bit(backend),
                    Attempted::Stale => hunt.afresh = true,
                    Attempted::Elsewhere(failure) => {
                        hunt.failure = Some(failure);
                        hunt.tried |= bit(backend);
                        hunt.afresh = false;
                    }
                }
            }
        }
    }
}

/// The bit of a backend among those that were tried.
fn bit(backend: usize) -> u128 {
    u32::try_from(backend).ok().and_then(|backend| 1_u128.checked_shl(backend)).unwrap_or(0)
}

/// The backend that the request's cookie names.
fn read_cookie(service: &Service, workspace: &Workspace, trace: &mut Trace) -> Option<usize> {
    let cookie = service.cookie()?;
    let head = workspace.head.filled();
    trace.cookie = CookieSeen::None;
    for field in workspace.fields.iter().filter(|field| field.kind == Kind::Cookie) {
        if let Some(value) = cookie.find(field.value.of_head(head)) {
            if let Some(backend) = cookie.open(value, service.addresses()) {
                trace.cookie = CookieSeen::Valid;
                return Some(backend);
            }
            trace.cookie = CookieSeen::Invalid;
        }
    }
    None
}

impl Hunt {
    /// Forgets what was tried when the snapshot is another one: its backends may be others, or well again.
    fn look_at(&mut self, view: &Rc<View>) {
        if !self.view.as_ref().is_some_and(|last| Rc::ptr_eq(last, view)) {
            self.tried = 0;
            self.view = Some(Rc::clone(view));
        }
    }

    /// Waits for another snapshot, or for the moment to try the same backend once more.
    async fn wait(
        &mut self,
        connection: &mut Connection,
        workspace: &mut Workspace,
        view: &View,
        service: &Service,
    ) -> Result<(), Failure> {
        let began = match &self.wait {
            Some(wait) => wait.began,
            None => {
                let wait = begin_wait(service, view.snapshot.settings.limits.waiting)?;
                add(&connection.local.counters.waited, 1);
                self.wait.insert(wait).began
            }
        };
        let until = began + service.longest_wait();
        if Instant::now() >= until {
            return Err(Failure { status: Some(503), end: End::VerdictTimeout });
        }
        let again =
            service.backends.first().map_or(Duration::from_secs(1), |backend| backend.target.check.fast_interval);
        connection.entry.enter(Phase::Waiting);
        let Connection { stream, entry, backend_alarm, client_alarm, .. } = connection;
        let woken = tokio::select! { biased;
            order = entry.order() => match order {
                Order::Kill => Err(Failure { status: Some(503), end: End::DrainTimeout }),
                _ => Ok(()),
            },
            () = gone(stream, workspace, client_alarm) => Err(Failure { status: None, end: End::ClientInQueue }),
            () = backend_alarm.wait(until.min(Instant::now() + again)) => Ok(()),
        };
        connection.entry.leave();
        self.tried = 0;
        self.attempts = 0;
        self.afresh = false;
        woken
    }
}

fn begin_wait(service: &Service, most: usize) -> Result<Wait, Failure> {
    let waiting = Arc::clone(&service.waiting);
    let before = waiting.fetch_add(1, Ordering::Relaxed);
    let wait = Wait { began: Instant::now(), waiting };
    if before >= most { Err(Failure { status: Some(503), end: End::QueueFull }) } else { Ok(wait) }
}

/// Ready when the client has closed; what it sends meanwhile is kept, as long as there is room.
async fn gone(
    stream: &mut tokio::net::TcpStream,
    workspace: &mut Workspace,
    alarm: &mut crate::proxy::traffic::alarm::Alarm,
) {
    loop {
        if workspace.input.space().is_empty() {
            std::future::pending::<()>().await;
        }
        if !matches!(fill(stream, &mut workspace.input, alarm, || None).await, Ok(1..)) {
            return;
        }
    }
}
