//! A request of HTTP/2 in the form in which the path serves every request (pure).
//!
//! Its head is written out as HTTP/1.1 would write it, with spans that point into it, and is then understood by the same rules
//! ([`vet`](crate::proxy::traffic::http1::vet)). What the `h2` crate has refused does not come here: names with capitals, fields of
//! the connection, other values of TE, pseudo-header fields that are missing, repeated or out of place, CR, LF or NUL in a value,
//! a Content-Length that is none.

use h2::ext::Protocol;
use http::header::{COOKIE, HOST, HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY};
use http::{Method, Request};

use crate::proxy::traffic::http1::vet::{RequestError, RequestLine, bad, same_authority, understand};
use crate::proxy::traffic::message::fields::{Field, FieldKind, Span};
use crate::proxy::traffic::message::{Length, RequestHead, Scheme, Version};

/// What of a request is more than its fields.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// How the client reached us.
    pub scheme: Scheme,
    /// Nothing follows the head.
    pub is_over: bool,
    /// Fields it may have.
    pub most: usize,
    /// The key of an opening handshake of WebSockets (RFC 6455, 4.1), which HTTP/2 has none of and HTTP/1.1 wants.
    pub websocket_key: fn() -> [u8; 24],
}

/// Writes a request's head to `head`, which is empty, its fields to `fields`, and finds its one meaning.
///
/// # Errors
///
/// It is refused.
pub fn read<B>(
    request: &Request<B>,
    surroundings: Surroundings,
    head: &mut Vec<u8>,
    fields: &mut Vec<Field>,
) -> Result<RequestHead, RequestError> {
    fields.clear();
    let Surroundings { scheme, is_over, most, websocket_key } = surroundings;
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    if protocol.is_some_and(|protocol| !protocol.eq_ignore_ascii_case("websocket")) {
        return Err(RequestError { status: 501, why: "websocket is the only protocol that a stream can be asked for" });
    }
    if request.headers().len() > most {
        return Err(RequestError { status: 431, why: "too many header fields" });
    }
    if request.uri().scheme_str().is_some_and(|asked| !asked.eq_ignore_ascii_case(scheme.as_str())) {
        return Err(bad("the scheme is not that of the connection"));
    }
    let mut lines = Lines { head, fields };
    // The upgrade of HTTP/1.1 begins with GET (RFC 8441, 5).
    let method = if protocol.is_some() { &Method::GET } else { request.method() };
    let line = lines.begin(method, request.uri())?;
    lines.add_host(request, scheme)?;
    if protocol.is_some() {
        lines.add(FieldKind::Connection, b"connection", b"upgrade");
        lines.add(FieldKind::Upgrade, b"upgrade", b"websocket");
        lines.add(FieldKind::Other, b"sec-websocket-key", &websocket_key());
    }
    lines.add_fields(request.headers(), protocol.is_some())?;
    lines.end();
    let unsaid = match *method {
        _ if !is_over && protocol.is_none() => Length::Chunked,
        // Their content means something, so it is said that there is none (RFC 9110, 8.6).
        Method::POST | Method::PUT | Method::PATCH => Length::Exactly(0),
        _ => Length::None,
    };
    let head = understand(head, line, scheme, fields, unsaid)?;
    if protocol.is_some() && !head.is_extended_connect() {
        // As a plain GET its success would tell the client that its stream is open.
        return Err(bad("a stream that is to become a WebSocket has a Content-Length"));
    }
    Ok(head)
}

/// The lines of a head as they are written.
struct Lines<'l> {
    head: &'l mut Vec<u8>,
    fields: &'l mut Vec<Field>,
}

impl Lines<'_> {
    fn put(&mut self, bytes: &[u8]) -> Span {
        let start = self.head.len();
        self.head.extend_from_slice(bytes);
        Span::between(start, self.head.len())
    }

    fn begin(&mut self, method: &Method, uri: &http::Uri) -> Result<RequestLine, RequestError> {
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        if !target.starts_with('/') && target != "*" && *method != Method::CONNECT {
            return Err(bad("the path does not begin with a slash"));
        }
        let method = self.put(method.as_str().as_bytes());
        self.put(b" ");
        let target = self.put(target.as_bytes());
        self.put(b" HTTP/2.0\r\n");
        Ok(RequestLine { method, target, version: Version::Http2 })
    }

    fn add(&mut self, kind: FieldKind, name: &[u8], value: &[u8]) {
        let name = self.put(name);
        self.put(b": ");
        let value = self.put(value);
        self.put(b"\r\n");
        self.fields.push(Field { kind, name, value });
    }

    /// The authority as Host, be it said in `:authority`, in Host, or alike in both (RFC 9113, 8.3.1).
    fn add_host<B>(&mut self, request: &Request<B>, scheme: Scheme) -> Result<(), RequestError> {
        let mut hosts = request.headers().get_all(HOST).iter();
        match (request.uri().authority(), hosts.next()) {
            _ if hosts.next().is_some() => return Err(bad("several Host fields")),
            (Some(authority), Some(host))
                if !same_authority(authority.as_str().as_bytes(), host.as_bytes(), scheme) =>
            {
                return Err(bad(":authority and Host disagree"));
            }
            (Some(authority), _) => self.add(FieldKind::Host, b"host", authority.as_str().as_bytes()),
            (None, Some(host)) => self.add(FieldKind::Host, b"host", host.as_bytes()),
            (None, None) => {}
        }
        Ok(())
    }

    /// All others. `keyed`: without a key of WebSockets, for ours is there.
    fn add_fields(&mut self, map: &HeaderMap, keyed: bool) -> Result<(), RequestError> {
        for (name, value) in map {
            if is_padded(value) {
                return Err(bad("white space around the value of a field"));
            }
            if *name != COOKIE && *name != HOST && !(keyed && *name == SEC_WEBSOCKET_KEY) {
                self.add(FieldKind::of(name.as_str().as_bytes()), name.as_str().as_bytes(), value.as_bytes());
            }
        }
        self.add_cookies(map);
        Ok(())
    }

    /// Joins the crumbs into which a client may break its cookies (RFC 9113, 8.2.3).
    fn add_cookies(&mut self, map: &HeaderMap) {
        let mut crumbs = map.get_all(COOKIE).iter();
        let Some(first) = crumbs.next() else { return };
        let name = self.put(b"cookie");
        self.put(b": ");
        let start = self.head.len();
        self.put(first.as_bytes());
        for crumb in crumbs {
            self.put(b"; ");
            self.put(crumb.as_bytes());
        }
        let value = Span::between(start, self.head.len());
        self.put(b"\r\n");
        self.fields.push(Field { kind: FieldKind::Cookie, name, value });
    }

    fn end(&mut self) {
        self.put(b"\r\n");
    }
}

/// White space at an end, which HTTP/1.1 would take away and HTTP/2 forbids (RFC 9113, 8.2.1).
fn is_padded(value: &HeaderValue) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last())
}

#[cfg(test)]
mod tests;
