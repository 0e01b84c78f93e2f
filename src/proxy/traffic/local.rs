//! What the tasks of one worker share. Nothing here is seen by another thread but the counters.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::access_log::{Lines, Record};
use super::counters::{WorkerCounters, add};
use super::disk::Disk;
use super::handshakes::Handshakes;
use super::http2_upstream::Connections;
use super::inflight::{Entry, Registry};
use super::message::Request;
use super::open_files::OpenFiles;
use super::shared::{Report, Shared};
use super::splice;
use super::termination::End;
use super::throttle::Throttle;
use super::trace::Trace;
use super::transport::ReadHalf;
use super::upstream::Pool;
use super::view::View;
use super::workspace::Workspace;
use crate::proxy::path_prefix::READY_PATH;
use crate::proxy::service_counters::Visit;
use crate::proxy::snapshot::{Backend, BackendCounters, Service};
use crate::tls::client::HandshakeError;
use crate::tls::session::LastAlert;

/// Workspaces kept for the next request of any connection.
const SPARE_WORKSPACES: usize = 512;

/// The shortest time between two reports of errors on one target.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// One worker, as its tasks see it.
pub struct Local {
    /// What it shares with control and the other workers.
    pub shared: Arc<Shared>,
    /// Its slot in every backend's counters.
    pub index: usize,
    /// Its own counts.
    pub counters: Arc<WorkerCounters>,
    /// Idle connections to backends.
    pub pool: Pool,
    /// Connections of HTTP/2 to backends.
    pub http2: Connections,
    /// Its clients' connections.
    pub registry: Registry,
    /// Those of its clients that are in their handshake.
    pub handshakes: Rc<Handshakes>,
    /// Responses that are being compressed.
    pub compressions: Rc<Cell<usize>>,
    /// Lines for the access log.
    pub lines: Lines,
    /// The warning that `limits.connections` is reached.
    pub connections_reached: Throttle,
    /// The warning that `limits.tls_handshakes` is reached.
    pub handshakes_reached: Throttle,
    /// The warning that an address has reached `limits.connections_per_address`.
    pub address_reached: Throttle,
    /// The warning that backends cannot be reached over TLS.
    pub handshake_failed: Throttle,
    /// The warning that files cannot be had.
    pub file_failed: Throttle,
    /// What waits for a disk.
    pub disk: Disk,
    /// The files that visitors are sent.
    pub open_files: OpenFiles,
    /// The warning that a connection is closed for want of a good header of the PROXY protocol.
    pub proxy_refused: Throttle,
    /// Notified when the last connection is over.
    pub emptied: Notify,
    /// Notified when listeners are to close.
    pub closing: Notify,
    /// Notified when connections may have to take their leave: at a drain, and when listeners are others.
    pub leaving: Notify,
    /// The listeners at which HTTP/2 is spoken now.
    http2_listeners: RefCell<Vec<Arc<str>>>,
    draining: Cell<bool>,
    view: RefCell<Rc<View>>,
    #[expect(clippy::vec_box, reason = "they go to and fro between here and connections, without being copied")]
    workspaces: RefCell<Vec<Box<Workspace>>>,
    reported: RefCell<HashMap<SocketAddr, Instant>>,
}

impl Local {
    /// A worker before its first connection.
    pub fn new(index: usize, shared: Arc<Shared>, counters: Arc<WorkerCounters>) -> Local {
        let view = Rc::new(View::new(shared.snapshot.load_full()));
        splice::allow(view.snapshot.settings.capacity.pipes);
        Local {
            shared,
            index,
            registry: Registry::new(Arc::clone(&counters)),
            counters,
            pool: Pool::default(),
            http2: Connections::default(),
            handshakes: Rc::default(),
            compressions: Rc::default(),
            lines: Lines::default(),
            connections_reached: Throttle::default(),
            handshakes_reached: Throttle::default(),
            address_reached: Throttle::default(),
            handshake_failed: Throttle::default(),
            file_failed: Throttle::default(),
            disk: Disk::default(),
            open_files: OpenFiles::default(),
            proxy_refused: Throttle::default(),
            emptied: Notify::new(),
            closing: Notify::new(),
            leaving: Notify::new(),
            http2_listeners: RefCell::default(),
            draining: Cell::new(false),
            view: RefCell::new(view),
            workspaces: RefCell::default(),
            reported: RefCell::default(),
        }
    }

    /// The present snapshot. Only the first caller after a swap pays for it.
    pub fn view(&self) -> Rc<View> {
        let snapshot = self.shared.snapshot.load();
        let mut view = self.view.borrow_mut();
        if !Arc::ptr_eq(&snapshot, &view.snapshot) {
            *view = Rc::new(view.next(Arc::clone(&snapshot)));
        }
        Rc::clone(&view)
    }

    /// Whether every response says `Connection: close`.
    pub fn is_draining(&self) -> bool {
        self.draining.get() || self.shared.stopping.load(Ordering::Relaxed) || self.view.borrow().snapshot.draining
    }

    /// From now on every response says `Connection: close`.
    pub fn begin_drain(&self) {
        self.draining.set(true);
        self.leaving.notify_waiters();
    }

    /// From now on HTTP/2 is spoken at these listeners alone.
    pub fn speak_http2_at(&self, listeners: impl Iterator<Item = Arc<str>>) {
        *self.http2_listeners.borrow_mut() = listeners.collect();
        self.leaving.notify_waiters();
    }

    /// Whether HTTP/2 is spoken at the listener of this name.
    pub fn speaks_http2_at(&self, listener: &str) -> bool {
        self.http2_listeners.borrow().iter().any(|name| **name == *listener)
    }

    /// A connection is over, or a stream of one.
    pub fn unregister(&self, entry: &Entry) {
        self.registry.remove(entry);
        if self.registry.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Memory for a request.
    pub fn take_workspace(&self) -> Box<Workspace> {
        self.workspaces.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives it back.
    pub fn give_workspace(&self, mut workspace: Box<Workspace>) {
        let mut spare = self.workspaces.borrow_mut();
        if workspace.reset() && spare.len() < SPARE_WORKSPACES {
            spare.push(workspace);
        }
    }

    /// Waits for bytes without holding memory for them; `None`: the source has ended.
    pub fn poll_first_bytes(
        &self,
        source: &mut ReadHalf<'_>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Box<Workspace>>>> {
        std::task::ready!(source.poll_readable(context))?;
        let mut workspace = self.take_workspace();
        let mut room = ReadBuf::new(workspace.client.input.space());
        let read = Pin::new(source).poll_read(context, &mut room).map_ok(|()| room.filled().len());
        if let Poll::Ready(Ok(count @ 1..)) = read {
            workspace.client.input.advance(count);
            return Poll::Ready(Ok(Some(workspace)));
        }
        self.give_workspace(workspace);
        read.map_ok(|_| None)
    }

    /// Writes what became of a request to the access log, if there is one, and keeps it if something went wrong.
    pub fn log(&self, record: &Record<'_>) {
        self.lines.write(&self.shared.access_log, record);
    }

    /// Counts a request that was vetted. Whether it is a visitor's: nameservers and machines in front of this one ask for readiness.
    pub fn count_request(&self, request: &Request<'_>) -> bool {
        let is_probe = request.path() == READY_PATH;
        add(if is_probe { &self.counters.probes } else { &self.counters.requests }, 1);
        !is_probe
    }

    /// Counts a request that is over for the service that it was for.
    pub fn count_visit(&self, trace: &Trace) {
        let Some((view, front)) = &trace.front else { return };
        let Some(counters) = view.snapshot.counted[*front].get(self.index) else { return };
        counters.count(Visit {
            status: trace.status,
            end: trace.end,
            waited: trace.waited,
            responded: trace.responded.filter(|_| trace.backend.is_some()),
            took: trace.began.elapsed(),
        });
    }

    /// Counts a connection that was refused, or whose request was, by the code of its end.
    pub fn count_refusal(&self, end: End) {
        let by_address = end == End::AddressFull;
        add(if by_address { &self.counters.refused_by_address } else { &self.counters.refused }, 1);
    }

    /// Live traffic had an error with this backend, or would act on what was known long ago: it is reported to control, not too often.
    pub fn hasten_probe(&self, backend: &Backend) {
        let now = Instant::now();
        let mut reported = self.reported.borrow_mut();
        let last = reported.entry(backend.address).or_insert_with(|| now - REPORT_EVERY);
        if now.duration_since(*last) >= REPORT_EVERY {
            *last = now;
            // Control is gone only when the process ends.
            let _ = self.shared.reports.send(Report::LiveError(Arc::clone(&backend.target)));
        }
    }

    /// Says why a backend is not reached over TLS, not too often: its check says the same.
    pub fn warn_of_handshake(&self, service: &Service, backend: &Backend, error: &HandshakeError) {
        if self.handshake_failed.permits() {
            let (service, name, address) = (&service.name, &backend.name, backend.address);
            tracing::warn!("{service}/{name} ({address}) cannot be reached: {error}");
        }
    }

    /// The same of one that has ended a connection with an alert, behind the handshake.
    pub fn warn_of_alert(&self, service: &Service, backend: &Backend, last: Option<&LastAlert>) {
        if let Some((alert, connector)) = last.and_then(LastAlert::get).zip(service.backend_tls.as_ref()) {
            self.warn_of_handshake(service, backend, &connector.refused_by(alert, backend.address));
        }
    }

    /// Closes connections to backends that are of no use any more.
    pub fn sweep_connections(&self) {
        let view = self.view();
        self.pool.sweep(|peer| view.wants(peer));
        self.http2.sweep(view.snapshot.settings.timeouts.backend_keep_alive, |peer| view.wants(peer));
    }

    /// Forgets errors that were reported long ago.
    pub fn sweep_reports(&self) {
        let now = Instant::now();
        self.reported.borrow_mut().retain(|_, last| now.duration_since(*last) < REPORT_EVERY);
    }

    /// This worker's counts of a backend.
    pub fn counters_of<'b>(&self, backend: &'b Backend) -> Option<&'b BackendCounters> {
        backend.counters.get(self.index)
    }
}
