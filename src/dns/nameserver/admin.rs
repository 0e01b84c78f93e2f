//! The admin API, as [`crate::api::dns`] documents it.

use std::future::Future;
use std::rc::Rc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::UnixStream;

use super::reload::NotReloaded;
use super::{Busy, Nameserver};
use crate::api::dns::Done;
use crate::daemon::admin::{AdminHandler, AdminReply, AdminRequest, Method};
use crate::daemon::metrics;
use crate::dns::control::{Control, Refused};
use crate::dns::report::page;

impl AdminHandler for Rc<Nameserver> {
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        let nameserver = Rc::clone(self);
        async move {
            match (request.method, request.path.as_str()) {
                (Method::Get, "/status") => {
                    AdminReply::json(&nameserver.control.borrow().status(&nameserver.runtime_figures()))
                }
                (Method::Get, "/sockets") => AdminReply::json(&nameserver.sockets.borrow().listing()),
                (Method::Get, "/metrics") => nameserver.metrics_reply(),
                (Method::Get, "/") => nameserver.page_reply(),
                (Method::Get, "/explain") if nameserver.busy.get() == Busy::Starting => AdminReply::refuse(
                    503,
                    "nothing is answered yet: the members are being checked; /status tells how far",
                ),
                (Method::Get, "/explain") => nameserver.explain_reply(&request),
                (Method::Post, "/operator") => nameserver.operator_reply(&request.body, Control::say).await,
                (Method::Post, "/forget") => nameserver.operator_reply(&request.body, Control::forget).await,
                (Method::Post, "/reload") => nameserver.reload_reply().await,
                (_, path) => AdminReply::refuse(404, format!("there is no {path} here")),
            }
        }
    }

    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static {
        let nameserver = Rc::clone(self);
        async move { nameserver.give_over(stream).await }
    }
}

impl Nameserver {
    fn metrics_reply(&self) -> AdminReply {
        let around = self.runtime_figures();
        let text = self.control.borrow().metrics(self.listening.borrow().counters(), &around.peers);
        AdminReply { status: 200, content_type: metrics::CONTENT_TYPE, body: Bytes::from(text) }
    }

    fn page_reply(&self) -> AdminReply {
        let status = self.control.borrow().status(&self.runtime_figures());
        let body = Bytes::from(page::render(&status));
        AdminReply { status: 200, content_type: "text/html; charset=utf-8", body }
    }

    fn explain_reply(&self, request: &AdminRequest) -> AdminReply {
        let Some((_, name)) = request.query.iter().find(|(key, _)| key == "name") else {
            return AdminReply::refuse(400, "say which name: /explain?name=www.example.net");
        };
        match self.control.borrow().explain(name) {
            Ok(explanation) => AdminReply::json(&explanation),
            Err(message) => AdminReply::refuse(400, message),
        }
    }

    async fn operator_reply<C: DeserializeOwned>(
        self: &Rc<Self>,
        body: &[u8],
        obey: impl FnOnce(&mut Control, &C) -> Result<Done, Refused>,
    ) -> AdminReply {
        if !self.is_daemon() {
            return AdminReply::refuse(503, "another process is taking over: ask again, it listens on the same socket");
        }
        let command: C = match serde_json::from_slice(body) {
            Ok(command) => command,
            Err(error) => return AdminReply::refuse(400, format!("this is not an operator's command: {error}")),
        };
        let said = obey(&mut self.control.borrow_mut(), &command);
        match said {
            Ok(done) => {
                self.operator_changed().await;
                AdminReply::json(&done)
            }
            Err(refused) => AdminReply::refuse(refused.status, refused.message),
        }
    }

    async fn reload_reply(self: &Rc<Self>) -> AdminReply {
        // A task of its own: a client that goes away must not leave a reload half done.
        let nameserver = Rc::clone(self);
        match tokio::task::spawn_local(async move { nameserver.reload().await }).await {
            Ok(Ok(done)) => AdminReply::json(&done),
            Ok(Err(NotReloaded { status, error, findings })) => {
                let body = json!({ "error": error, "findings": findings });
                AdminReply { status, content_type: "application/json", body: Bytes::from(body.to_string()) }
            }
            Err(_) => AdminReply::refuse(500, "the reload did not end; see the log"),
        }
    }
}
