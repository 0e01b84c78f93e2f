//! A request of the operator, its answer, and the trait that a daemon answers with.

use std::future::Future;

use bytes::Bytes;
use tokio::net::UnixStream;

/// The protocol name of a takeover in the Upgrade field.
pub(in crate::daemon) const TAKEOVER_UPGRADE: &str = "polder-takeover";

/// Which socket a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The Unix socket; the user id of the other side.
    Unix {
        /// From SO_PEERCRED.
        uid: u32,
    },
    /// TCP: only GET of `/metrics`, `/status` and the page reaches the handler; everything else is answered 403 before it.
    Tcp,
}

/// A request of the operator.
#[derive(Debug, Clone)]
pub struct AdminRequest {
    /// Requests with other methods do not reach the handler.
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// Decoded query parameters.
    pub query: Vec<(String, String)>,
    /// The types that the other side takes (Accept); empty: any.
    pub accept: String,
    /// At most 1 MiB.
    pub body: Bytes,
    /// Which socket it came over.
    pub origin: Origin,
}

/// What a request does, by its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads (GET and HEAD).
    Get,
    /// Changes.
    Post,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct AdminReply {
    /// The HTTP status.
    pub status: u16,
    /// `application/json`, `text/html; charset=utf-8`, or one of metrics.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl AdminReply {
    /// 200 with JSON.
    pub fn json(value: &impl serde::Serialize) -> AdminReply {
        AdminReply::json_with(200, value)
    }

    /// JSON with another status, for a refusal with more than a message (`{"error": …, "findings": […]}`).
    pub fn json_with(status: u16, value: &impl serde::Serialize) -> AdminReply {
        match serde_json::to_vec(value) {
            Ok(body) => AdminReply { status, content_type: "application/json", body: body.into() },
            Err(error) => AdminReply::refuse(500, format!("the answer has no JSON form: {error}")),
        }
    }

    /// A refusal: `{"error": MESSAGE}` with a 4xx or 5xx status.
    pub fn refuse(status: u16, message: impl Into<String>) -> AdminReply {
        let body = serde_json::json!({ "error": message.into() }).to_string();
        AdminReply { status, content_type: "application/json", body: body.into() }
    }
}

/// How a daemon answers its operator's requests.
pub trait AdminHandler: Clone + 'static {
    /// Answers one request. Unknown paths are the handler's 404.
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static;

    /// Takes the stream of a new process that asks to take over (`POST /takeover`, over the Unix socket, from our own user). It
    /// is raw from here on, for [`crate::daemon::takeover::offer`] or [`crate::daemon::takeover::refuse`].
    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static;
}
