//! A request as a backend gets it over HTTP/2, and its response as the path reads every response (pure).
//!
//! What goes to a backend and what comes from it is decided once, for HTTP/1.1: so a request's head is taken from the lines that
//! [`request::write`](crate::proxy::traffic::http1::request::write) has written, and a response's head is written out as such lines
//! and read by [`response::vet`]. Fields of the connection stay behind (RFC 9113, 8.2.2).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri};

use crate::proxy::traffic::http1::response::{self, Malformed};
use crate::proxy::traffic::message::ResponseHead;
use crate::proxy::traffic::message::fields::{Field, FieldKind};

/// The head of a request, from its lines. `authority`: where it is sent, for a request that names none. None: HTTP/2 has no form
/// for it.
pub fn request(lines: &[u8], scheme: Scheme, authority: &str) -> Option<Request<()>> {
    let mut lines = Lines(lines);
    let mut words = lines.next()?.split(|byte| *byte == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let mut fields = HeaderMap::new();
    let mut host = None;
    for line in lines {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        match FieldKind::of(name) {
            FieldKind::Host => host = Some(value).filter(|value| !value.is_empty()),
            FieldKind::Connection | FieldKind::TransferEncoding | FieldKind::Upgrade => {}
            _ => {
                let (name, value) = (HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
                fields.try_append(name, value).ok()?;
            }
        }
    }
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(Authority::try_from(host.unwrap_or(authority.as_bytes())).ok()?);
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.headers_mut() = fields;
    Some(request)
}

/// The lines of a head, without their ends and the empty one.
struct Lines<'l>(&'l [u8]);

impl<'l> Iterator for Lines<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let end = memchr::memchr(b'\r', self.0).filter(|end| *end > 0)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(2..).unwrap_or_default();
        Some(line)
    }
}

/// Writes a response's head as lines to `lines`, and finds its one meaning. `to_head`: it answers a HEAD request; `most`: the bytes
/// that it may have.
///
/// # Errors
///
/// It cannot be believed, or is too long.
pub fn response<B>(
    response: &Response<B>,
    to_head: bool,
    most: usize,
    lines: &mut Vec<u8>,
    fields: &mut Vec<Field>,
) -> Result<ResponseHead, Malformed> {
    lines.clear();
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| lines.extend_from_slice(part));
    put(&[b"HTTP/1.1 ", response.status().as_str().as_bytes(), b" \r\n"]);
    for (name, value) in response.headers() {
        put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    put(&[b"\r\n"]);
    // There is no switch to another protocol (RFC 9113, 8.6).
    if lines.len() > most || response.status() == 101 {
        return Err(Malformed);
    }
    response::vet(lines, to_head, fields)
}

#[cfg(test)]
mod tests;
