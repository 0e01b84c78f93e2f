//! The head of a question about a request, as the server of `forward_auth` gets it (pure).

use super::forwarded::Client;
use super::head::line;
use super::request::{write_stripped, write_target, write_via};
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::drops::Drops;
use crate::proxy::edge::forward_auth::ForwardAuth;
use crate::proxy::traffic::message::Request;
use crate::proxy::traffic::message::fields::{FieldKind, authenticate_connection, is_authorization};

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
    /// By what name the proxy adds itself to `Via`: who asks himself, over however many hops, is told apart as a loop.
    pub via: Option<&'a str>,
}

/// A question, to be asked of whomever.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What is asked, and in which words.
    pub auth: &'a ForwardAuth,
    /// The request.
    pub request: Request<'a>,
    /// What is known of it besides.
    pub about: About<'a>,
}

impl Question<'_> {
    /// As it is sent to one whom the proxy tells by these fields who visitors are.
    pub fn written(&self, own_fields: Option<&Drops>) -> Written {
        let mut written = Written::default();
        write(&mut written, self, own_fields);
        written
    }
}

/// A question as it is sent.
#[derive(Default)]
pub struct Written {
    /// Its head.
    pub bytes: Vec<u8>,
    /// The visitor's credentials in it are of a scheme that authenticates the connection.
    pub authenticates_connection: bool,
}

/// Writes the head of a GET without a body: the request is told in `X-Forwarded-*`, beside those of its own fields that are asked for.
fn write(written: &mut Written, question: &Question<'_>, own_fields: Option<&Drops>) {
    let Question { auth, request, about } = *question;
    let Written { bytes: out, authenticates_connection } = written;
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
        let is_of_this_hop = || head.options.name(name, bytes, fields);
        match field.kind {
            FieldKind::Via if !is_of_this_hop() => line(out, name, value),
            _ if !auth.sent.have(name) || is_of_this_hop() => {}
            _ if own_fields.is_some_and(|own| own.have(name)) => {}
            FieldKind::Cookie => write_stripped(out, name, value, about.cookie),
            FieldKind::Authentication if about.keeps_password && is_authorization(name) => {}
            FieldKind::Authentication => {
                *authenticates_connection |= authenticate_connection(value);
                line(out, name, value);
            }
            FieldKind::CacheControl | FieldKind::Other => line(out, name, value),
            _ => {}
        }
    }
    if let Some(name) = about.via {
        write_via(out, head.version, name);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
