//! The head of a request as the backend gets it.

use super::forwarded::Client;
use super::head::line;
use crate::config::proxy::PassedFields;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::drops::Drops;
use crate::proxy::edge::forward_auth::Names;
use crate::proxy::edge::headers::RequestEdit;
use crate::proxy::traffic::message::fields::{Field, FieldKind, is_authorization};
use crate::proxy::traffic::message::{Length, RequestHead, Target, Version};

/// What the proxy adds and takes away.
#[derive(Clone, Copy)]
pub struct Edits<'a> {
    /// The client.
    pub client: &'a Client,
    /// The client's own forwarded fields are believed.
    pub trusted: bool,
    /// The withheld fields that the backend gets.
    pub passed: PassedFields,
    /// The fields by which the backend is told who visitors are: their own ones it does not get.
    pub own_fields: Option<&'a Drops>,
    /// The cookie that the backend must not see.
    pub cookie: Option<&'a Cookie>,
    /// What the service does to header fields.
    pub headers: Option<RequestEdit<'a>>,
    /// By what name the proxy adds itself to `Via`.
    pub via: Option<&'a str>,
    /// What was found out about the visitor.
    pub vouched: Vouched<'a>,
}

/// What the proxy has found out about a visitor, and tells backends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vouched<'a> {
    /// The user whose password was verified.
    pub user: Option<&'a str>,
    /// The password goes no further.
    pub keeps_password: bool,
    /// The fields that the server of `forward_auth` sets, and the visitor never.
    pub copied: Option<&'a Names>,
    /// The lines that it has set.
    pub granted: &'a [u8],
}

/// Writes the head. Lines are copied from the client's head; what belongs to the client's hop is left out first and what is
/// ours (Host, framing, forwarded, Connection) is set by us, so that a Connection field cannot take it away.
pub fn write(out: &mut Vec<u8>, head: &[u8], request: &RequestHead, fields: &[Field], edits: Edits<'_>) {
    out.extend_from_slice(request.method.of_head(head));
    out.push(b' ');
    write_target(out, head, request);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let other_host = edits.headers.and_then(|headers| headers.edits.host());
    let host = || request.authority.map(|authority| authority.of_head(head)).unwrap_or_default();
    line(out, b"Host", other_host.unwrap_or_else(host));
    for field in fields {
        write_field(out, head, request, fields, field, edits);
    }
    if let Some(RequestEdit { edits, facts }) = &edits.headers {
        edits.write(out, facts);
    }
    edits.client.write(out, head, request, fields, edits.trusted);
    if let Some(user) = edits.vouched.user {
        line(out, b"X-Remote-User", user.as_bytes());
    }
    out.extend_from_slice(edits.vouched.granted);
    if let Some(name) = edits.via {
        write_via(out, request.version, name);
    }
    if let Some(left) = request.max_forwards {
        line(out, b"Max-Forwards", itoa::Buffer::new().format(left.saturating_sub(1)).as_bytes());
    }
    match request.body {
        Length::Exactly(bytes) => line(out, b"Content-Length", itoa::Buffer::new().format(bytes).as_bytes()),
        Length::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Length::None | Length::UntilClose => {}
    }
    match (request.upgrade, request.te_trailers) {
        (true, true) => out.extend_from_slice(b"TE: trailers\r\nConnection: upgrade, TE\r\n"),
        (true, false) => out.extend_from_slice(b"Connection: upgrade\r\n"),
        (false, true) => out.extend_from_slice(b"TE: trailers\r\nConnection: TE\r\n"),
        (false, false) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes that a request, which came by this version, has passed the proxy of this name (RFC 9110, 7.6.3).
pub fn write_via(out: &mut Vec<u8>, version: Version, name: &str) {
    out.extend_from_slice(match version {
        Version::Http10 => b"Via: 1.0 ",
        Version::Http11 => b"Via: 1.1 ",
        Version::Http2 => b"Via: 2.0 ",
    });
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes the target as it is forwarded.
pub fn write_target(out: &mut Vec<u8>, head: &[u8], request: &RequestHead) {
    match request.target {
        Target::Path(target) => out.extend_from_slice(target.of_head(head)),
        Target::Rootless(rest) => {
            out.push(b'/');
            out.extend_from_slice(rest.of_head(head));
        }
        Target::Asterisk => out.push(b'*'),
    }
}

fn write_field(
    out: &mut Vec<u8>,
    head: &[u8],
    request: &RequestHead,
    fields: &[Field],
    field: &Field,
    edits: Edits<'_>,
) {
    let (name, value) = (field.name.of_head(head), field.value.of_head(head));
    let of_this_hop = || request.options.name(name, head, fields);
    match field.kind {
        FieldKind::Host
        | FieldKind::ContentLength
        | FieldKind::TransferEncoding
        | FieldKind::Connection
        | FieldKind::Te
        | FieldKind::Never => {}
        FieldKind::ForwardedFor | FieldKind::ForwardedProto | FieldKind::ForwardedHost | FieldKind::Forwarded => {}
        FieldKind::MaxForwards if request.max_forwards.is_some() => {}
        FieldKind::ForwardedOther if !edits.trusted => {}
        FieldKind::Withheld(field) if !edits.passed.pass(field, edits.trusted) => {}
        FieldKind::Upgrade if !request.upgrade => {}
        FieldKind::Upgrade => line(out, name, value),
        FieldKind::Trailer if request.body != Length::Chunked => {}
        FieldKind::Expect if !request.expects_continue => {}
        FieldKind::Expect => line(out, name, value),
        _ if of_this_hop() => {}
        FieldKind::Trailer | FieldKind::Via | FieldKind::MaxForwards => line(out, name, value),
        _ if edits.headers.is_some_and(|headers| headers.edits.drop(name)) => {}
        _ if edits.vouched.copied.is_some_and(|copied| copied.look_like(name)) => {}
        _ if edits.own_fields.is_some_and(|own| own.have(name)) => {}
        FieldKind::Authentication if edits.vouched.keeps_password && is_authorization(name) => {}
        FieldKind::Cookie => write_stripped(out, name, value, edits.cookie),
        FieldKind::ForwardedOther
        | FieldKind::Withheld(_)
        | FieldKind::CacheControl
        | FieldKind::Authentication
        | FieldKind::SetCookie
        | FieldKind::TransportSecurity
        | FieldKind::Other => line(out, name, value),
    }
}

/// A Cookie field without our cookie; no line if nothing else is in it.
pub fn write_stripped(out: &mut Vec<u8>, name: &[u8], value: &[u8], cookie: Option<&Cookie>) {
    let Some(cookie) = cookie else { return line(out, name, value) };
    let before = out.len();
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let start = out.len();
    if cookie.strip(value, out) && out.len() == start {
        out.truncate(before);
    } else {
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
