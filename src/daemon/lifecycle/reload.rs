//! A reload: in place (read, check, probe what is new, bind, put in force), or by a successor.
//!
//! Must never: change anything before everything that can fail has succeeded. A bad document, a missing key or an address in
//! use leave the daemon as it was, and the reload fails visibly.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::super::admin::AdminReply;
use super::super::reload::{self as how, Reload};
use super::super::{fd_store, notify};
use super::control_sockets::ControlSockets;
use super::daemon::{Daemon, Document, Event};
use super::error::{DocumentError, ReloadError, RunError};
use super::input::Input;
use super::phase::{Phase, Turn};
use super::policy::{self, Decision};
use super::shell::{Callers, Pending, Probing, Shell};
use crate::api::client::Client;
use crate::counted::counted;
use crate::health::{HealthView, Target, Verdict};
use crate::log_line::{Kind, LogLine};

/// On top of the slowest check's time-out: the first probes of many new targets are spread in time.
pub const PROBE_SLACK: Duration = Duration::from_secs(2);

impl<D: Daemon> Shell<D> {
    /// A reload is asked for: it begins now, or once what is under way has ended. Whoever asked is told the result of one that
    /// began afterwards.
    pub(super) fn want_reload(&mut self, caller: Option<oneshot::Sender<AdminReply>>) {
        self.reload_wanted.get_or_insert_default().extend(caller);
        self.reload_if_wanted();
    }

    /// Begins the reload that was asked for, if it is its turn; several that waited are one.
    pub(super) fn reload_if_wanted(&mut self) {
        let turn = if self.successor.is_some() && self.phase.is_daemon() { Turn::Later } else { self.phase.turn() };
        let Some(callers) = self.reload_wanted.take_if(|_| turn != Turn::Later) else { return };
        match turn {
            Turn::Now => self.begin_reload(callers),
            Turn::Later => self.reload_wanted = Some(callers),
            Turn::Successor => self.pass_on(callers),
            Turn::Never => answer(callers, AdminReply::refuse(503, "this process is stopping")),
        }
    }

    fn begin_reload(&mut self, callers: Callers) {
        match how::choose(self.args.successor.as_deref()) {
            Reload::InPlace => self.read(callers),
            Reload::Successor(program) => {
                LogLine::info(
                    Kind::Reload,
                    format!("{} is another build: starting it to take over", program.display()),
                )
                .write();
                self.start_successor(program, callers);
            }
        }
    }

    /// Has the process that took over reload: it may have read an older document.
    fn pass_on(&self, callers: Callers) {
        let daemon = Client { timeout: how::LONGEST, ..Client::new(&self.admin_socket) };
        let passed_on = self.passed_on.clone();
        tokio::task::spawn_local(async move {
            let with = match daemon.exchange_raw(hyper::Method::POST, "/reload", "{}".into()).await {
                Ok((status, body)) => AdminReply { status, content_type: "application/json", body: body.into() },
                Err(error) => AdminReply::refuse(503, format!("the process that has taken over: {error}")),
            };
            answer(callers, with);
            drop(passed_on);
        });
    }

    /// Reads the document in the background.
    fn read(&mut self, callers: Callers) {
        notify::reloading();
        self.phase = Phase::Reloading;
        self.reload = Some(Pending { callers, probing: None });
        let (file, inputs) = (self.args.config.clone(), self.inputs.clone());
        let in_force = Arc::clone(self.daemon.document());
        let note_read = self.document_file.reader();
        tokio::task::spawn_local(async move {
            let read = tokio::task::spawn_blocking(move || {
                let read = super::start::read_again(&file, &*in_force);
                note_read();
                read
            });
            let read = read.await;
            inputs.send(Input::Read(read.unwrap_or(Err(DocumentError::Unread))));
        });
    }

    /// The document has been read, or cannot be. Ignored if the daemon has been told to stop meanwhile.
    pub(super) fn on_read(&mut self, read: Result<D::Document, DocumentError>) {
        let Some(mut pending) = self.reload.take() else { return };
        let document = match read {
            Ok(document) => document,
            Err(error) => return self.refuse(pending.callers, error.into()),
        };
        match policy::decide(&self.daemon.document().settings(), &document.settings()) {
            Decision::InPlace => {
                pending.probing = Some(self.probe(Arc::new(document)));
                self.reload = Some(pending);
            }
            Decision::Refused(key) => {
                let file = self.args.config.clone();
                self.refuse(pending.callers, ReloadError::NeedsRestart { file, key });
            }
            Decision::Takeover(keys) => match self.own_program() {
                Ok(program) => {
                    LogLine::info(
                        Kind::Reload,
                        format!("{} changed: a successor takes over with the new document", keys.join(", ")),
                    )
                    .write();
                    self.end_reload();
                    self.start_successor(program, pending.callers);
                }
                Err(error) => self.refuse(pending.callers, error.into()),
            },
        }
    }

    fn own_program(&self) -> Result<PathBuf, RunError> {
        let cannot = RunError::io("this program cannot be found to start it again");
        self.args.successor.clone().map_or_else(std::env::current_exe, Ok).map_err(cannot)
    }

    /// Probes what the new document adds before anything depends on it, and before any socket is bound: whoever reaches a
    /// socket that is bound waits until it is served. The present document's probes go on.
    fn probe(&self, document: Arc<D::Document>) -> Probing<D::Document> {
        let mut targets = document.targets();
        let health = self.daemon.health();
        let new_targets: Vec<Target> = targets.keys().filter(|target| !is_checked(health, target)).cloned().collect();
        targets.extend(self.daemon.document().targets());
        self.checker.iter().for_each(|checker| checker.set_targets(targets.clone()));
        let slowest = new_targets.iter().map(|target| target.check.timeout + PROBE_SLACK).max().unwrap_or_default();
        Probing { document, new_targets, until: self.now().running + slowest }
    }

    /// Puts the new document in force once every new target has been probed, or has had its time.
    pub(super) fn go_on_reloading(&mut self) {
        let (now, health) = (self.now().running, self.daemon.health());
        let left = |probing: &Probing<D::Document>| {
            probing.new_targets.iter().filter(|target| !is_checked(health, target)).count()
        };
        let probing = self.reload.as_ref().and_then(|pending| pending.probing.as_ref());
        let Some((probing, left)) = probing.map(|probing| (probing, left(probing))) else { return };
        if left > 0 && now < probing.until {
            return;
        }
        if left > 0 {
            tracing::warn!("not checked yet, and down until checked: {}", counted(left, "target"));
        }
        let document = probing.document.clone();
        let Some(Pending { callers, .. }) = self.reload.take() else { return };
        match self.put_in_force(document) {
            Ok(notes) => self.reloaded(callers, &notes),
            Err(error) => {
                self.sockets.revert();
                let targets = self.daemon.document().targets();
                self.checker.iter().for_each(|checker| checker.set_targets(targets.clone()));
                self.refuse(callers, error);
            }
        }
    }

    /// Everything that can fail comes first. Gives what the operator should know besides.
    fn put_in_force(&mut self, document: Arc<D::Document>) -> Result<Vec<String>, ReloadError> {
        let before = self.daemon.document().clone();
        let mut control = ControlSockets::bind(&document.settings(), &mut self.sockets)?;
        let bound = self.daemon.bind(&document, &mut self.sockets)?;
        let mut notes = self.daemon.serve(bound, &document)?;
        self.checker.iter().for_each(|checker| checker.set_targets(document.targets()));
        self.take_at_once(Event::Reloaded(document.clone()).into());
        self.daemon.accept(true);
        let (old, new) = (before.settings(), document.settings());
        self.exchange.start(&new, document.identity(), control.peers.take());
        let handler = self.handler();
        if let Err(error) = self.admin.reload(control, (&old, &new), handler) {
            notes.push(format!("admin.address is not served: {error}"));
        }
        self.sockets.settle();
        if let Some(words) = self.sockets.news() {
            LogLine::info(Kind::Daemon, words).write();
        }
        fd_store::keep(&self.sockets.as_fds());
        Ok(notes)
    }

    fn reloaded(&mut self, callers: Callers, notes: &[String]) {
        let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
        let words = format!("reloaded {}{notes}", self.args.config.display());
        LogLine::info(Kind::Reload, &*words).write();
        self.note_reload(words.clone(), false);
        self.document_file.put_in_force();
        self.end_reload();
        answer(callers, self.done(&words));
    }

    /// The reload did not come about; nothing was changed.
    pub(super) fn refuse(&mut self, callers: Callers, error: ReloadError) {
        let words = format!("the last reload was refused: {error}");
        LogLine::error(Kind::Reload, &*words).write();
        self.note_reload(words, true);
        self.end_reload();
        let (summary, findings) = (format!("{}; nothing was changed", error.summary()), error.findings());
        answer(callers, AdminReply::json_with(422, &json!({ "error": summary, "findings": findings })));
    }

    fn end_reload(&mut self) {
        if self.phase == Phase::Reloading {
            self.phase = Phase::Serving;
            notify::ready(&self.daemon.summary());
        }
    }

    pub(super) fn done(&self, words: &str) -> AdminReply {
        AdminReply::json(&json!({ "done": words, "generation": self.daemon.generation() }))
    }
}

/// Tells the result of a reload to those who wait for it. It is in the log and in `status` too.
pub(super) fn answer(callers: Callers, with: AdminReply) {
    for caller in callers {
        let _ = caller.send(with.clone());
    }
}

/// Whether a probe of this target has ended.
pub fn is_checked(view: &HealthView, target: &Target) -> bool {
    view.get(target).is_some_and(|health| health.verdict != Verdict::Unchecked)
}
