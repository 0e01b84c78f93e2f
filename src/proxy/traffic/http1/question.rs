//! The head of a question about a request, as the server of `forward_auth` gets it (pure).

use super::forwarded::Client;
use super::head::line;
use super::request::{write_stripped, write_target};
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::forward_auth::ForwardAuth;
use crate::proxy::traffic::message::Request;
use crate::proxy::traffic::message::fields::{FieldKind, is_authorization};

/// What is known of the request besides.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The client.
    pub client: &'a Client,
    /// The client's own forwarded fields are believed.
    pub trusted: bool,
    /// The cookie that is the proxy's own.
    pub cookie: Option<&'a Cookie>,
    /// The user whose password was verified.
    pub user: Option<&'a str>,
    /// The password goes no further.
    pub keeps_password: bool,
}

/// Writes the head of a GET without a body: the request is told in `X-Forwarded-*`, beside those of its own fields that are asked for.
pub fn write(out: &mut Vec<u8>, auth: &ForwardAuth, request: Request<'_>, about: About<'_>) {
    let Request { head, bytes, fields } = request;
    for part in ["GET ", &auth.path, " HTTP/1.1\r\nHost: ", &auth.host, "\r\nX-Forwarded-Method: "] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(request.method());
    out.extend_from_slice(b"\r\nX-Forwarded-Uri: ");
    write_target(out, bytes, head);
    out.extend_from_slice(b"\r\n");
    about.client.write(out, bytes, head, fields, about.trusted);
    if let Some(user) = about.user {
        line(out, b"X-Remote-User", user.as_bytes());
    }
    for field in fields {
        let (name, value) = (field.name.of_head(bytes), field.value.of_head(bytes));
        if !auth.sent.have(name) || head.options.name(name, bytes, fields) {
            continue;
        }
        match field.kind {
            FieldKind::Cookie => write_stripped(out, name, value, about.cookie),
            FieldKind::Authentication if about.keeps_password && is_authorization(name) => {}
            FieldKind::Authentication | FieldKind::CacheControl | FieldKind::Other => line(out, name, value),
            _ => {}
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
