//! The control loop: one thing happens after the other, from ready to the end.
//!
//! Must never: decide what the state decides, or wait for a disk, a peer or a new process.

use std::rc::Rc;
use std::time::Duration;

use super::super::signals::{Signal, Signals};
use super::super::sockets::Sockets;
use super::super::{fd_store, notify};
use super::daemon::{Daemon, Document, Event};
use super::error::RunError;
use super::input::Input;
use super::phase::Phase;
use super::shell::Shell;
use crate::log_line::{Kind, LogLine};

/// Between two savings of health.
const HEALTH_SAVE: Duration = Duration::from_secs(5);

/// The loop comes round at least this often: ticks, and what no event announces.
const ROUND: Duration = Duration::from_millis(250);

/// On top of the drain limit, for the threads that serve to end.
const DRAIN_SLACK: Duration = Duration::from_secs(1);

/// While draining, whether the threads have ended is looked at this often.
const DRAIN_ROUND: Duration = Duration::from_millis(20);

impl<D: Daemon> Shell<D> {
    /// Begins to answer the operator, if nothing does yet.
    ///
    /// # Errors
    ///
    /// The runtime takes no more sockets.
    pub fn serve_admin(&mut self) -> Result<(), RunError> {
        let handler = self.handler();
        self.admin.serve(&mut self.control_sockets, &self.daemon.document().settings(), handler)
    }

    /// Goes on with the loop until `other` has ended: for a start.
    pub async fn during<T>(&mut self, other: impl Future<Output = T>) -> T {
        tokio::pin!(other);
        loop {
            tokio::select! {
                ended = &mut other => return ended,
                () = self.next() => {}
            }
        }
    }

    /// Serves these sockets (none: those that it serves since [`Shell::succeed`]); this process is the daemon.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn begin(&mut self, bound: Option<D::Bound>) -> Result<(), RunError> {
        let document = self.daemon.document().clone();
        if let Some(bound) = bound {
            self.daemon.serve(bound, &document)?;
        }
        self.daemon.accept(true);
        self.phase = Phase::Serving;
        self.serve_admin()?;
        fd_store::keep(&self.sockets.as_fds());
        if let Some(words) = self.sockets.news() {
            LogLine::info(Kind::Daemon, words).write();
        }
        self.summary = self.daemon.summary();
        notify::ready(&self.summary);
        LogLine::info(Kind::Daemon, format!("started: {}", self.summary)).write();
        Ok(())
    }

    /// Goes on until the daemon is told to stop or has handed over, and drained.
    pub async fn run(mut self, mut signals: Signals) {
        let tick = self.ticks.worker("control");
        tokio::task::spawn_local(self.ticks.clone().feed());
        while !self.has_ended() {
            tick.tick();
            tokio::select! {
                signal = signals.next() => self.on_signal(signal),
                () = self.next() => {}
            }
            self.refresh();
        }
        self.answer_what_is_left("this process ended before the change was on disk: look at `polder status`");
        self.admin.close().await;
        self.files.quiet().await;
        LogLine::info(Kind::Daemon, "ended").write();
    }

    /// Waits for the next thing to happen, and does it. Nothing is lost if this is dropped.
    pub async fn next(&mut self) {
        let now = self.now();
        let wait = match self.phase {
            Phase::HandedOver { .. } | Phase::Stopping { .. } => DRAIN_ROUND,
            Phase::HandingOver => ROUND,
            _ => self.daemon.wakes(now).map_or(ROUND, |at| at.saturating_sub(now.running).min(ROUND)),
        };
        tokio::select! {
            Some(input) = self.incoming.recv() => self.on_input(input),
            Ok(()) = self.health.changed() => self.take_health(),
            message = self.exchange.message() => self.take(Event::Peer(message).into()),
            () = tokio::time::sleep(wait) => {
                if self.phase.is_daemon() {
                    self.take(Event::Time.into());
                }
            }
        }
        self.note_peers_asked();
        self.go_on_reloading();
        self.reload_if_wanted();
        self.answer_what_is_on_disk();
        self.hand_over_when_answered();
    }

    fn on_input(&mut self, input: Input<D::Document, D::Event>) {
        match input {
            Input::Event(event) => self.take(event),
            Input::Followed(event) => {
                if matches!(self.phase, Phase::HandedOver { .. }) {
                    self.take_at_once(event);
                }
            }
            Input::Admin(request, reply) => self.answer(request, reply),
            Input::LiveError(target) => self.checker.iter().for_each(|checker| checker.hasten(&target)),
            Input::Read(read) => self.on_read(read),
            Input::Takeover(stream) => self.offer(stream),
            Input::Offered(offered) => self.on_offered(offered),
            Input::Quiet(offered) => self.on_quiet(offered),
            Input::Finished(finished) => self.on_finished(finished),
            Input::Succeeded(ended) => self.on_succeeded(ended),
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::Reload => self.want_reload(None),
            Signal::Stop if self.phase.drains_until().is_some() => {
                LogLine::warn(Kind::Daemon, "told to stop again: closing all connections").write();
                self.phase = self.phase.cut(self.now().running);
            }
            // Decided within moments: either the new process is the daemon, or this one stops after all.
            Signal::Stop if self.phase == Phase::HandingOver => self.stop_if_not_handed_over = true,
            Signal::Stop => self.stop(),
        }
    }

    /// Not ready, accept no more, drain to the limit.
    pub(super) fn stop(&mut self) {
        self.reload = None;
        self.successor = None;
        self.accepted = None;
        notify::stopping("draining");
        LogLine::info(Kind::Daemon, "told to stop: draining").write();
        self.phase = Phase::Stopping { until: self.drain() };
        self.files.write_health(self.daemon.health_to_save(self.now()));
    }

    /// Accepts no more for good. Gives when the drain ends.
    pub(super) fn drain(&mut self) -> Duration {
        let limit = self.daemon.document().settings().drain;
        self.take_at_once(Event::Draining.into());
        self.daemon.drain(limit);
        self.sockets = Sockets::default();
        self.control_sockets = None;
        self.now().running + limit + DRAIN_SLACK
    }

    fn has_ended(&self) -> bool {
        // The reload that ends this process is answered before it exits, even if there is nothing to drain; so are commands
        // whose state is still being written.
        let reload = self.successor.as_ref().is_some_and(|successor| !successor.callers.is_empty());
        let passed_on = self.reload_wanted.is_some() || Rc::strong_count(&self.passed_on) > 1;
        let drained = !reload && !passed_on && self.unanswered.is_empty() && self.daemon.has_drained();
        self.phase.drains_until().is_some_and(|until| drained || self.now().running >= until)
    }

    /// Done after each event: reads what the page shows of the last hour, saves health and updates the status line.
    fn refresh(&mut self) {
        let now = self.now();
        self.daemon.poll(now);
        self.document_file.look(now.running);
        if self.figures.trends.is_due(now.running) {
            let readings = self.daemon.readings();
            Rc::make_mut(&mut self.figures.trends).take(now.running, readings);
        }
        if !matches!(self.phase, Phase::Serving | Phase::Reloading | Phase::Offering) {
            return;
        }
        let is_due = self.health_saved.is_none_or(|saved| now.running.saturating_sub(saved) >= HEALTH_SAVE);
        if is_due && !self.files.is_writing_health() {
            self.health_saved = Some(now.running);
            self.files.write_health(self.daemon.health_to_save(now));
        }
        let summary = self.daemon.summary();
        if summary != self.summary {
            notify::status(&summary);
            self.summary = summary;
        }
    }
}
