//! The admin API of the proxy, exactly as [`api`](crate::api::proxy) documents it.
//!
//! Owns the paths and their answers. Must never: decide or keep anything; requests go to the control thread's loop, which
//! answers them between two events.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::event_loop::{EventLoop, Input, Phase};
use crate::api::proxy::Done;
use crate::daemon::admin::{AdminHandler, AdminReply, AdminRequest, Method};
use crate::proxy::control::Effect;
use crate::proxy::latch::CommandError;
use crate::proxy::report::{explain, metrics, page, status};

/// Hands the operator's requests to the loop.
#[derive(Clone)]
pub(super) struct Handler {
    inputs: mpsc::UnboundedSender<Input>,
}

impl Handler {
    pub(super) fn new(inputs: mpsc::UnboundedSender<Input>) -> Handler {
        Handler { inputs }
    }
}

impl AdminHandler for Handler {
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        let (reply, answer) = oneshot::channel();
        let sent = self.inputs.send(Input::Admin(request, reply)).is_ok();
        async move {
            match sent {
                true => answer.await.unwrap_or_else(|_| AdminReply::refuse(503, "this process is ending")),
                false => AdminReply::refuse(503, "this process is ending"),
            }
        }
    }

    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static {
        // Dropped with the loop, the stream ends, which tells the new process.
        let _ = self.inputs.send(Input::Takeover(stream));
        async {}
    }
}

impl EventLoop {
    pub(super) fn handler(&self) -> Handler {
        Handler::new(self.channels.inputs.clone())
    }

    /// Answers now, or (a reload) when it has ended.
    pub(super) fn answer(&mut self, request: AdminRequest, reply: oneshot::Sender<AdminReply>) {
        if (request.method, request.path.as_str()) == (Method::Post, "/reload") {
            return self.reload(Some(reply));
        }
        // Whoever asked may have gone.
        let _ = reply.send(match request.method {
            Method::Get => self.show(&request),
            Method::Post => self.command(&request),
        });
    }

    fn show(&self, request: &AdminRequest) -> AdminReply {
        let (state, now) = (&self.state, self.clock.now());
        match request.path.as_str() {
            "/status" => AdminReply::json(&status::status(state, &self.live(), now)),
            "/sockets" => AdminReply::json(&self.sockets.listing()),
            "/" => text("text/html; charset=utf-8", page::page(&status::status(state, &self.live(), now))),
            "/metrics" => text("text/plain; version=0.0.4", metrics::page(state, &self.live(), self.counts, now)),
            "/explain" => {
                let given =
                    |name: &str| request.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                let Some(host) = given("host") else {
                    return AdminReply::refuse(400, "host is missing: /explain?host=HOST&path=PATH&cookie=COOKIE");
                };
                let (path, cookie) = (given("path").unwrap_or("/"), given("cookie").unwrap_or_default());
                AdminReply::json(&explain::explain(state, host, path, cookie))
            }
            _ => unknown(request),
        }
    }

    fn command(&mut self, request: &AdminRequest) -> AdminReply {
        if !matches!(request.path.as_str(), "/operator" | "/failover" | "/failback" | "/forget") {
            return unknown(request);
        }
        if matches!(self.phase, Phase::Handover | Phase::HandedOver { .. }) {
            return AdminReply::refuse(503, "another process has taken over: ask again, it listens on the same socket");
        }
        let now = self.clock.now();
        let told = match request.path.as_str() {
            "/operator" => read(request).map(|command| self.state.operator(&command, now)),
            "/failover" => read(request).map(|command| self.state.failover(&command, now)),
            "/forget" => read(request).map(|command| self.state.forget(&command, now)),
            _ => read(request).map(|command| self.state.failback(&command, now)),
        };
        match told {
            Ok(told) => self.done(told),
            Err(refused) => refused,
        }
    }

    fn done(&mut self, told: Result<(String, Vec<Effect>), CommandError>) -> AdminReply {
        match told {
            Ok((done, effects)) => {
                self.carry_out(effects);
                AdminReply::json(&Done { done, generation: self.state.snapshot().generation })
            }
            Err(CommandError::OutOfBounds(words)) => AdminReply::refuse(400, words),
            Err(CommandError::NotFound(words)) => AdminReply::refuse(404, words),
            Err(CommandError::Conflict(words)) => AdminReply::refuse(409, words),
        }
    }
}

fn read<T: DeserializeOwned>(request: &AdminRequest) -> Result<T, AdminReply> {
    serde_json::from_slice(&request.body).map_err(|error| {
        AdminReply::refuse(400, format!("the body of {} is not what it should be: {error}", request.path))
    })
}

fn unknown(request: &AdminRequest) -> AdminReply {
    AdminReply::refuse(404, format!("{:?} {} is not part of this API", request.method, request.path))
}

fn text(content_type: &'static str, body: String) -> AdminReply {
    AdminReply { status: 200, content_type, body: Bytes::from(body) }
}
