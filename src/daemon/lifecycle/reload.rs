//! A reload: in place (read, check, probe what is new, bind, put in force), or by a successor.
//!
//! Must never: change anything before everything that can fail has succeeded. A bad document, a missing key or an address in
//! use leave the daemon as it was, and the reload fails visibly.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::admin::AdminReply;
use super::super::reload::{self as how, Reload};
use super::super::{fd_store, notify};
use super::control_sockets::ControlSockets;
use super::daemon::{Daemon, Document, Event};
use super::error::{DocumentError, ReloadError, RunError};
use super::input::Input;
use super::phase::Phase;
use super::policy::{self, Decision};
use super::shell::{Pending, Probing, Reply, Shell};
use crate::health::{HealthView, Target, Verdict};

/// On top of the slowest check's time-out: the first probes of many new targets are spread in time.
pub const PROBE_SLACK: Duration = Duration::from_secs(2);

impl<D: Daemon> Shell<D> {
    /// Begins a reload; the answer follows when it has ended.
    pub(super) fn begin_reload(&mut self, reply: Reply) {
        let busy = self.successor.as_ref().and(Phase::Offering.refuses_reload());
        match self.phase.refuses_reload().or(busy) {
            None => {}
            Some(_) if reply.is_none() => {
                // A signal has no answer that could ask for a retry, and the document may have changed again by now.
                self.reload_again = true;
                return;
            }
            Some(why) => return answer(reply, AdminReply::refuse(409, why)),
        }
        match how::choose(self.args.successor.as_deref()) {
            Reload::InPlace => self.read(reply),
            Reload::Successor(program) => {
                tracing::info!("{} is another build: starting it to take over", program.display());
                self.start_successor(program, reply);
            }
        }
    }

    /// Begins the reload that a signal asked for meanwhile.
    pub(super) fn reload_again_if_idle(&mut self) {
        if self.reload_again && self.phase == Phase::Serving && self.successor.is_none() {
            self.reload_again = false;
            self.begin_reload(None);
        }
    }

    /// Reads the document in the background.
    fn read(&mut self, reply: Reply) {
        notify::reloading();
        self.phase = Phase::Reloading;
        self.reload = Some(Pending { reply, probing: None });
        let (file, inputs) = (self.args.config.clone(), self.inputs.clone());
        tokio::task::spawn_local(async move {
            let read = tokio::task::spawn_blocking(move || super::start::read::<D::Document>(&file)).await;
            inputs.send(Input::Read(read.unwrap_or(Err(DocumentError::Unread))));
        });
    }

    /// The document has been read, or cannot be. Ignored if the daemon has been told to stop meanwhile.
    pub(super) fn on_read(&mut self, read: Result<D::Document, DocumentError>) {
        let Some(mut pending) = self.reload.take() else { return };
        let document = match read {
            Ok(document) => document,
            Err(error) => return self.refuse(pending.reply, error.into()),
        };
        match policy::decide(&self.daemon.document().settings(), &document.settings()) {
            Decision::InPlace => {
                pending.probing = Some(self.probe(Arc::new(document)));
                self.reload = Some(pending);
            }
            Decision::Refused(key) => {
                let file = self.args.config.clone();
                self.refuse(pending.reply, ReloadError::NeedsRestart { file, key });
            }
            Decision::Takeover(keys) => match self.own_program() {
                Ok(program) => {
                    tracing::info!("{} changed: a successor takes over with the new document", keys.join(", "));
                    self.end_reload();
                    self.start_successor(program, pending.reply);
                }
                Err(error) => self.refuse(pending.reply, error.into()),
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
            tracing::warn!("{left} targets could not be checked yet; they count as down until they are");
        }
        let document = probing.document.clone();
        let Some(Pending { reply, .. }) = self.reload.take() else { return };
        match self.put_in_force(document) {
            Ok(notes) => self.reloaded(reply, &notes),
            Err(error) => {
                self.sockets.revert();
                let targets = self.daemon.document().targets();
                self.checker.iter().for_each(|checker| checker.set_targets(targets.clone()));
                self.refuse(reply, error);
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
        self.daemon.accept();
        let (old, new) = (before.settings(), document.settings());
        self.exchange.start(&new, document.identity(), control.peers.take());
        let handler = self.handler();
        if let Err(error) = self.admin.reload(control, (&old, &new), handler) {
            notes.push(format!("admin.address is not served: {error}"));
        }
        self.sockets.settle();
        fd_store::keep(&self.sockets.as_fds());
        Ok(notes)
    }

    fn reloaded(&mut self, reply: Reply, notes: &[String]) {
        let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
        let words = format!("reloaded {}{notes}", self.args.config.display());
        tracing::info!("{words}");
        self.note_reload(words.clone(), false);
        self.end_reload();
        answer(reply, self.done(&words));
    }

    /// The reload did not come about; nothing was changed.
    pub(super) fn refuse(&mut self, reply: Reply, error: ReloadError) {
        let words = format!("the last reload was refused: {error}");
        tracing::error!("{words}");
        self.note_reload(words, true);
        self.end_reload();
        let (summary, findings) = (format!("{}; nothing was changed", error.summary()), error.findings());
        answer(reply, AdminReply::json_with(422, &json!({ "error": summary, "findings": findings })));
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

/// Answers the request for the reload, if there is one. The result is in the log and in `status` too.
pub(super) fn answer(reply: Reply, with: AdminReply) {
    if let Some(reply) = reply {
        let _ = reply.send(with);
    }
}

/// Whether a probe of this target has ended.
pub fn is_checked(view: &HealthView, target: &Target) -> bool {
    view.get(target).is_some_and(|health| health.verdict != Verdict::Unchecked)
}
