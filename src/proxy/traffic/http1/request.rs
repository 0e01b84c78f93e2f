//! The head of a request as the backend gets it.

use super::fields::{Field, Kind, line};
use super::forwarded::Client;
use super::vet::{Length, Request, Target};
use crate::config::proxy::PassedFields;
use crate::proxy::choose::cookie::Cookie;

/// What is the proxy's to say.
#[derive(Clone, Copy)]
pub struct Ours<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// What it says of others is believed.
    pub trusted: bool,
    /// The withheld fields the backend gets.
    pub passed: PassedFields,
    /// The cookie the backend must not see.
    pub cookie: Option<&'a Cookie>,
}

/// Writes it. Lines are copied from the client's head; what belongs to the client's hop is left out first and what is
/// ours (Host, framing, forwarded, Connection) is set by us, so that a Connection field cannot take it away.
pub fn write(out: &mut Vec<u8>, head: &[u8], request: &Request, fields: &[Field], ours: Ours<'_>) {
    out.extend_from_slice(request.method.of_head(head));
    match request.target {
        Target::Path(target) => {
            out.push(b' ');
            out.extend_from_slice(target.of_head(head));
        }
        Target::Rootless(rest) => {
            out.extend_from_slice(b" /");
            out.extend_from_slice(rest.of_head(head));
        }
        Target::Asterisk => out.extend_from_slice(b" *"),
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    line(out, b"Host", request.host.map(|host| host.of_head(head)).unwrap_or_default());
    for field in fields {
        write_field(out, head, request, fields, field, ours);
    }
    ours.client.write(out, head, request, fields, ours.trusted);
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

fn write_field(out: &mut Vec<u8>, head: &[u8], request: &Request, fields: &[Field], field: &Field, ours: Ours<'_>) {
    let (name, value) = (field.name.of_head(head), field.value.of_head(head));
    let of_this_hop = || request.options.name(name, head, fields);
    match field.kind {
        Kind::Host | Kind::ContentLength | Kind::TransferEncoding | Kind::Connection | Kind::Te | Kind::Never => {}
        Kind::ForwardedFor | Kind::ForwardedProto | Kind::ForwardedHost | Kind::Forwarded => {}
        Kind::ForwardedOther if !ours.trusted => {}
        Kind::Withheld(field) if !ours.passed.pass(field, ours.trusted) => {}
        Kind::Upgrade if !request.upgrade => {}
        Kind::Upgrade => line(out, name, value),
        Kind::Trailer if request.body != Length::Chunked => {}
        Kind::Expect if !request.expects_continue => {}
        Kind::Expect => line(out, name, value),
        _ if of_this_hop() => {}
        Kind::Cookie => match ours.cookie {
            Some(cookie) => write_stripped(out, name, value, cookie),
            None => line(out, name, value),
        },
        Kind::Trailer | Kind::ForwardedOther | Kind::Withheld(_) | Kind::CacheControl | Kind::Other => {
            line(out, name, value)
        }
    }
}

/// A Cookie field without our cookie; no line if nothing else is in it.
fn write_stripped(out: &mut Vec<u8>, name: &[u8], value: &[u8], cookie: &Cookie) {
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
