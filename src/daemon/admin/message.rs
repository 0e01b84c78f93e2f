//! A request of the operator, its answer, and who answers it.

use std::future::Future;

use bytes::Bytes;
use tokio::net::UnixStream;

/// What the raw stream of a takeover is called in the Upgrade field.
pub(in crate::daemon) const TAKEOVER_UPGRADE: &str = "polder-takeover";

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The Unix socket; the user id of the other side.
    Unix {
        /// From SO_PEERCRED.
        uid: u32,
    },
    /// TCP: only GET of `/metrics`, `/status`, `/` reach the handler; all else is 403 before it.
    Tcp,
}

/// A request of the operator.
#[derive(Debug)]
pub struct AdminRequest {
    /// Others are refused before the handler.
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// Decoded query parameters.
    pub query: Vec<(String, String)>,
    /// At most 1 MiB.
    pub body: Bytes,
    /// Where from.
    pub origin: Origin,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads (GET and HEAD).
    Get,
    /// Changes.
    Post,
}

/// The answer.
#[derive(Debug)]
pub struct AdminReply {
    /// The HTTP status.
    pub status: u16,
    /// `application/json`, `text/plain; version=0.0.4`, `text/html; charset=utf-8`.
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

/// What a daemon does with its operator's requests.
pub trait AdminHandler: Clone + 'static {
    /// Answers one request. Unknown paths are the handler's 404.
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static;

    /// A new process asks to take over (`POST /takeover`, Unix only, from our own user): the stream is raw from
    /// here on, for [`crate::daemon::takeover::offer`] or [`crate::daemon::takeover::refuse`].
    fn takeover(&self, stream: UnixStream) -> impl Future<Output = ()> + 'static;
}
