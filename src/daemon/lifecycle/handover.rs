//! The old side of a takeover: offer, hand the final state over, serve until the new process does, drain. And the start of a
//! successor.
//!
//! Must never: change or write once the final state is on its way: the new process may be the daemon at any moment. If it
//! exits, or does not answer, this one goes on unchanged.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::super::reload::{self as how, HandOverError};
use super::super::state_lock::StateLock;
use super::super::takeover::{self, Handover, Offered, TakeoverError};
use super::daemon::Daemon;
use super::error::ReloadError;
use super::input::Input;
use super::phase::Phase;
use super::reload::answer;
use super::shell::{Callers, Shell, Successor};
use crate::log_line::{Kind, LogLine};

/// How long a new process that is ready waits for commands to be answered.
const UNANSWERED_LIMIT: Duration = Duration::from_secs(2);

impl<D: Daemon> Shell<D> {
    /// Starts a program that is to take over; how it went is the answer.
    pub(super) fn start_successor(&mut self, program: PathBuf, callers: Callers) {
        let (taken, wait) = oneshot::channel();
        self.successor = Some(Successor { taken: Some(taken), callers });
        let (args, inputs) = (self.args.clone(), self.inputs.clone());
        tokio::task::spawn_local(async move {
            let ended = how::hand_over(&program, &args, wait).await;
            inputs.send(Input::Succeeded(ended));
        });
    }

    /// Answers the reload: the successor has taken over (its process id), or not.
    pub(super) fn on_succeeded(&mut self, ended: Result<u32, HandOverError>) {
        let callers = self.successor.take().map(|successor| successor.callers).unwrap_or_default();
        match ended {
            Ok(process) => answer(callers, self.done(&format!("handed over to process {process}"))),
            Err(error) => self.refuse(callers, ReloadError::Successor(error)),
        }
    }

    /// A new process asks for sockets and state.
    pub(super) fn offer(&mut self, stream: UnixStream) {
        let sockets = match self.phase.refuses_takeover() {
            Some(why) => Err(why.to_owned()),
            None => self.descriptors().map_err(|error| format!("the sockets cannot be copied: {error}")),
        };
        match sockets {
            Ok(sockets) => {
                LogLine::info(Kind::Daemon, "a new process asks to take over").write();
                self.phase = Phase::Offering;
                let handover = Handover { sockets, state: self.daemon.to_hand_over(self.now()) };
                let inputs = self.inputs.clone();
                tokio::task::spawn_local(async move {
                    inputs.send(Input::Offered(takeover::offer(stream, D::PROGRAM, handover).await));
                });
            }
            Err(why) => drop(tokio::task::spawn_local(async move { takeover::refuse(stream, &why).await })),
        }
    }

    /// Copies of the sockets, and of the lock on the state directory.
    fn descriptors(&self) -> io::Result<Vec<OwnedFd>> {
        let mut descriptors = self.sockets.handover()?;
        descriptors.extend(self.lock.as_ref().map(StateLock::copy).transpose()?.flatten());
        Ok(descriptors)
    }

    /// The new process is ready, or gone. If it is ready nothing changes here any more; what is being written is waited for,
    /// so that no file of the new daemon is replaced by an older one.
    pub(super) fn on_offered(&mut self, offered: Result<Offered, TakeoverError>) {
        if self.phase != Phase::Offering {
            // Told to stop meanwhile. Dropped, the offer is withdrawn.
            return;
        }
        match offered {
            Ok(offered) => self.accepted = Some((offered, self.now().running + UNANSWERED_LIMIT)),
            Err(error) => {
                LogLine::warn(Kind::Daemon, format!("the takeover did not happen: {error}")).write();
                self.phase = Phase::Serving;
            }
        }
    }

    /// Hands over once every command has been answered, or has had its time: what was answered is on disk, whichever process
    /// is the daemon.
    pub(super) fn hand_over_when_answered(&mut self) {
        let now = self.now().running;
        let is_time = |until: Duration| self.unanswered.is_empty() || now >= until;
        let Some((offered, _)) = self.accepted.take_if(|(_, until)| is_time(*until)) else { return };
        self.phase = Phase::HandingOver;
        let (quiet, inputs) = (self.files.quiet(), self.inputs.clone());
        tokio::task::spawn_local(async move {
            quiet.await;
            inputs.send(Input::Quiet(offered));
        });
    }

    /// Nothing is being written: sends the final state. Visitors are served here until the new process is.
    pub(super) fn on_quiet(&mut self, offered: Offered) {
        // Both processes could accept from the admin socket, and this one would answer with an outdated state.
        self.admin.pause();
        let (state, inputs) = (self.daemon.to_hand_over(self.now()), self.inputs.clone());
        tokio::task::spawn_local(async move {
            inputs.send(Input::Finished(offered.finish(state).await));
        });
    }

    /// The new process is the daemon, or it is gone.
    pub(super) fn on_finished(&mut self, finished: Result<(), TakeoverError>) {
        match finished {
            Ok(()) => self.leave(),
            Err(error) => {
                LogLine::warn(Kind::Daemon, format!("the takeover did not happen: {error}")).write();
                self.go_on();
            }
        }
    }

    fn leave(&mut self) {
        LogLine::info(Kind::Daemon, "the new process has taken over: draining").write();
        self.held_back.clear();
        // The phase first: draining writes nothing and tells nobody.
        self.phase = Phase::HandedOver { until: self.now().running };
        self.phase = Phase::HandedOver { until: self.drain() };
        self.lock = None;
        self.exchange.stop();
        self.checker = None;
        self.answer_what_is_left(
            "another process has taken over before the change was on disk: look at `polder status`",
        );
        self.admin.leave();
        self.daemon.follow(&self.admin_socket, &self.inputs);
        if let Some(taken) = self.successor.as_mut().and_then(|successor| successor.taken.take()) {
            let _ = taken.send(());
        }
    }

    fn go_on(&mut self) {
        self.phase = Phase::Serving;
        std::mem::take(&mut self.held_back).into_iter().for_each(|event| self.take(event));
        self.admin.resume();
        if self.stop_if_not_handed_over {
            self.stop();
        }
    }
}
