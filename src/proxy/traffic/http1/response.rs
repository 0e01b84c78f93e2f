//! The head of a response: whether it means one thing, and how the visitor gets it (pure).

use std::mem::MaybeUninit;

use super::body::Framing;
use super::head::{as_http11, line, with_room};
use super::vet::{Coding, parse_length};
use crate::config::proxy::MOST_FIELDS;
use crate::proxy::edge::headers::Applied;
use crate::proxy::traffic::message::fields::{Field, FieldKind, Options, Span, authenticate_connection, elements};
use crate::proxy::traffic::message::{Length, Response, ResponseEdit, ResponseHead, TransportSecurity, Version};

/// The head cannot be believed: 502.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads a whole head. `to_head`: it answers a HEAD request.
pub fn vet(head: &[u8], to_head: bool, fields: &mut Vec<Field>) -> Result<ResponseHead, Malformed> {
    fields.clear();
    let line = match with_room(MOST_FIELDS, |room| parse(head, room, fields)) {
        Ok(line) => line?,
        Err(httparse::Error::Version) => return vet(&as_http11(head, 0).ok_or(Malformed)?, to_head, fields),
        Err(_) => return Err(Malformed),
    };
    let StatusLine { version, status, reason } = line;
    let mut semantics = Semantics::default();
    for field in fields.iter() {
        semantics.add(field.kind, field.value.of_head(head))?;
    }
    if semantics.coding.is_some() && (semantics.length.is_some() || version == Version::Http10) {
        return Err(Malformed);
    }
    let contradicts =
        (status < 200 || status == 204) && (semantics.coding.is_some() || semantics.length.is_some_and(|it| it > 0));
    if contradicts && status < 200 {
        return Err(Malformed);
    }
    let body = match (semantics.coding, semantics.length) {
        _ if to_head || status < 200 || status == 204 || status == 304 => Length::None,
        (Some(coding), _) if coding.is_chunked() => Length::Chunked,
        (Some(_), _) => return Err(Malformed),
        (None, Some(bytes)) => Length::Exactly(bytes),
        (None, None) => Length::UntilClose,
    };
    let Semantics { length: declared, options, upgrade, authenticates_connection, .. } = semantics;
    Ok(ResponseHead {
        status,
        reason,
        version,
        body,
        declared,
        contradicts,
        options,
        upgrade,
        authenticates_connection,
    })
}

/// A status line.
struct StatusLine {
    version: Version,
    status: u16,
    reason: Span,
}

/// Splits a head into its lines. The outer error is the parser's, the inner one ours.
fn parse<'h>(
    head: &'h [u8],
    room: &mut [MaybeUninit<httparse::Header<'h>>],
    fields: &mut Vec<Field>,
) -> Result<Result<StatusLine, Malformed>, httparse::Error> {
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let read = config.parse_response_with_uninit_headers(&mut parsed, head, room)?;
    let (Some(version), Some(status), reason) = (parsed.version, parsed.code, parsed.reason.unwrap_or_default()) else {
        return Ok(Err(Malformed));
    };
    let is_whole = read == httparse::Status::Complete(head.len());
    if !is_whole || !(100..=599).contains(&status) || !is_clean(reason.as_bytes()) {
        return Ok(Err(Malformed));
    }
    for header in parsed.headers.iter() {
        if !is_clean(header.value) {
            return Ok(Err(Malformed));
        }
        fields.push(Field::of(head, header));
    }
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    Ok(Ok(StatusLine { version, status, reason: Span::of(head, reason.as_bytes()) }))
}

/// What the fields that matter say together.
#[derive(Default)]
struct Semantics {
    length: Option<u64>,
    coding: Option<Coding>,
    options: Options,
    upgrade: bool,
    authenticates_connection: bool,
}

impl Semantics {
    fn add(&mut self, kind: FieldKind, value: &[u8]) -> Result<(), Malformed> {
        match kind {
            FieldKind::ContentLength => {
                let length = parse_length(value).ok_or(Malformed)?;
                if self.length.replace(length).is_some() { Err(Malformed) } else { Ok(()) }
            }
            FieldKind::TransferEncoding => {
                self.coding.get_or_insert_default().add(value);
                Ok(())
            }
            FieldKind::Connection if !self.options.add(value) => Err(Malformed),
            FieldKind::Upgrade => {
                self.upgrade = !value.is_empty();
                Ok(())
            }
            FieldKind::Authentication => {
                self.authenticates_connection |= authenticate_connection(value);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn is_clean(text: &[u8]) -> bool {
    // Without a way out in the middle it is done for many bytes at once.
    !text.iter().fold(false, |found, byte| found | (*byte < 0x20 && *byte != b'\t') | (*byte == 0x7f))
}

/// What the proxy decides about a response's head.
#[derive(Debug, Clone, Copy)]
pub struct Edits<'a> {
    /// The version that the client speaks.
    pub version: Version,
    /// The client's connection stays open.
    pub keep: bool,
    /// What else is changed.
    pub edit: ResponseEdit<'a>,
}

/// How the body goes to a client of this version.
pub fn framing(response: &ResponseHead, version: Version) -> Framing {
    match (response.body, version) {
        (Length::Chunked | Length::UntilClose, Version::Http11 | Version::Http2) => Framing::Chunked,
        _ => Framing::Plain,
    }
}

/// Only the end of the client's connection can tell it where the body ends.
pub fn ends_with_connection(response: &ResponseHead, version: Version) -> bool {
    version == Version::Http10 && matches!(response.body, Length::Chunked | Length::UntilClose)
}

/// What a visitor's version of HTTP has a place for.
#[derive(Debug, Clone, Copy)]
pub struct Passing {
    /// Trailers may follow.
    pub has_trailers: bool,
    /// It is said which protocol is spoken from now on, or should be.
    pub names_protocol: bool,
}

/// The fields that go on to the visitor, ours behind them; not those by which the connection is kept and the body framed.
pub fn passed<'r>(
    response: Response<'r>,
    edit: ResponseEdit<'r>,
    passing: Passing,
) -> impl Iterator<Item = (&'r [u8], &'r [u8])> {
    let Response { head, bytes, fields } = response;
    let headers = edit.headers.filter(|_| !head.is_interim());
    let drops = move |name: &[u8]| headers.is_some_and(|headers| headers.drop(name));
    let of_backend = fields.iter().filter_map(move |field| {
        let (name, value) = (field.name.of_head(bytes), field.value.of_head(bytes));
        let passes = match field.kind {
            FieldKind::ContentLength
            | FieldKind::TransferEncoding
            | FieldKind::Connection
            | FieldKind::Te
            | FieldKind::Never => false,
            FieldKind::SetCookie if edit.cookie.is_some_and(|own| own.is_set_by(value)) => false,
            FieldKind::TransportSecurity if !matches!(edit.transport, TransportSecurity::Backends) => false,
            FieldKind::Upgrade => passing.names_protocol,
            FieldKind::Trailer if !passing.has_trailers => false,
            FieldKind::Trailer => !head.options.name(name, bytes, fields),
            _ => !head.options.name(name, bytes, fields) && !drops(name),
        };
        passes.then_some((name, value))
    });
    let set = edit.set_cookie.map(|cookie| (b"Set-Cookie".as_slice(), cookie.as_bytes()));
    let is_cached = || set.is_some() && head.status != 101 && !is_private(bytes, fields, drops);
    let private = is_cached().then_some((b"Cache-Control".as_slice(), b"private".as_slice()));
    let security = match edit.transport {
        TransportSecurity::Own(value) if !head.is_interim() => {
            Some((b"Strict-Transport-Security".as_slice(), value.as_bytes()))
        }
        _ => None,
    };
    of_backend.chain(set).chain(private).chain(security).chain(headers.into_iter().flat_map(Applied::fields))
}

/// Writes the head as the visitor gets it.
pub fn write(out: &mut Vec<u8>, head: &[u8], response: &ResponseHead, fields: &[Field], edits: Edits<'_>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(response.status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(response.reason.of_head(head));
    out.extend_from_slice(b"\r\n");
    let chunked = framing(response, edits.version) == Framing::Chunked;
    // 426 must say to which one (RFC 9110, 15.5.22).
    let names_protocol = response.upgrade && matches!(response.status, 101 | 426);
    let whole = Response { head: response, bytes: head, fields };
    let has_trailers = chunked;
    for (name, value) in passed(whole, edits.edit, Passing { has_trailers, names_protocol }) {
        line(out, name, value);
    }
    if response.status == 101 {
        out.extend_from_slice(b"Connection: upgrade\r\n\r\n");
        return;
    }
    if response.is_interim() {
        out.extend_from_slice(b"\r\n");
        return;
    }
    match response.declared {
        _ if chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Some(bytes) if response.status != 204 => {
            line(out, b"Content-Length", itoa::Buffer::new().format(bytes).as_bytes());
        }
        _ => {}
    }
    match (edits.keep, edits.version) {
        (keep, _) if names_protocol => {
            out.extend_from_slice(if keep { b"Connection: upgrade\r\n" } else { b"Connection: upgrade, close\r\n" });
        }
        (false, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (true, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (true, Version::Http11 | Version::Http2) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// No shared cache may keep it already (RFC 9111, 5.2.2). A directive with arguments (`private="Set-Cookie"`) is about
/// single fields; `no-cache` lets it be kept. Where ours stands beside another, the stricter one counts (4.2.1).
fn is_private(head: &[u8], fields: &[Field], drops: impl Fn(&[u8]) -> bool) -> bool {
    let says =
        |directive: &[u8]| directive.eq_ignore_ascii_case(b"private") || directive.eq_ignore_ascii_case(b"no-store");
    fields
        .iter()
        .filter(|field| field.kind == FieldKind::CacheControl && !drops(field.name.of_head(head)))
        .any(|field| elements(field.value.of_head(head)).any(says))
}

#[cfg(test)]
mod tests;
