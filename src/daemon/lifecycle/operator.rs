//! The operator's requests: handed to the control loop, and answered between two events.
//!
//! A command is answered once what it changed is on disk, or with an error that says that it is not.

use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::super::admin::{AdminHandler, AdminReply, AdminRequest, Method};
use super::daemon::Daemon;
use super::input::{Input, Inputs};
use super::persistence::Obeyed;
use super::phase::Phase;
use super::shell::{Shell, Unanswered, unknown};

/// Hands the operator's requests to the loop.
pub struct Handler<P, E>(pub Inputs<P, E>);

impl<P, E> Clone for Handler<P, E> {
    fn clone(&self) -> Self {
        Handler(self.0.clone())
    }
}

impl<P: 'static, E: 'static> AdminHandler for Handler<P, E> {
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        let (reply, answer) = oneshot::channel();
        self.0.send(Input::Admin(request, reply));
        async move { answer.await.unwrap_or_else(|_| AdminReply::refuse(503, "this process is ending")) }
    }

    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static {
        // Dropped with the loop, the stream ends, which tells the new process.
        self.0.send(Input::Takeover(stream));
        async {}
    }
}

impl<D: Daemon> Shell<D> {
    /// What serves the admin API.
    pub(super) fn handler(&self) -> Handler<D::Document, D::Event> {
        Handler(self.inputs.clone())
    }

    /// Answers now, when a reload has ended, or when what a command changed is on disk. The client may have gone by then.
    pub(super) fn answer(&mut self, request: AdminRequest, to: oneshot::Sender<AdminReply>) {
        match (request.method, request.path.as_str()) {
            (Method::Post, "/reload") => self.want_reload(Some(to)),
            (Method::Get, _) => drop(to.send(self.show(&request))),
            (Method::Post, _) => self.obey(&request, to),
        }
    }

    fn obey(&mut self, request: &AdminRequest, to: oneshot::Sender<AdminReply>) {
        if let Some(why) = self.phase.refuses_commands() {
            return drop(to.send(AdminReply::refuse(503, why)));
        }
        match self.daemon.command(request, self.now()) {
            None => drop(to.send(unknown(request))),
            Some(Err(refusal)) => drop(to.send(refusal)),
            Some(Ok(Obeyed { answer, effects, change })) => {
                self.perform(effects);
                self.unanswered.push(Unanswered { answer, change, to });
            }
        }
    }

    /// Answers the commands of which it is known by now whether they are on disk.
    pub(super) fn answer_what_is_on_disk(&mut self) {
        if self.unanswered.is_empty() || self.phase == Phase::HandingOver {
            return;
        }
        let now = self.now();
        for Unanswered { answer, change, to } in std::mem::take(&mut self.unanswered) {
            match self.daemon.persistence(&change, now).reply(answer) {
                Ok(reply) => drop(to.send(reply)),
                Err(answer) => self.unanswered.push(Unanswered { answer, change, to }),
            }
        }
    }

    /// Answers what it will never know: another process writes it, or nobody does.
    pub(super) fn answer_what_is_left(&mut self, why: &str) {
        for Unanswered { to, .. } in self.unanswered.drain(..) {
            let _ = to.send(AdminReply::refuse(503, why));
        }
    }
}
