//! Whether a request's head means one thing only (pure). What two readers could understand differently is refused here,
//! before anything of it reaches a backend: that is what request smuggling lives on (RFC 9112, 11.2).

use std::mem::MaybeUninit;

use super::head::{Scan, Scanned, as_http11, with_room};
use crate::proxy::traffic::message::fields::{Field, FieldKind, Options, Span, authenticate_connection, elements};
use crate::proxy::traffic::message::{Length, Method, RequestHead, Scheme, Target, Version};

/// Why a request is not served; the connection closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestError {
    /// Of the answer.
    pub status: u16,
    /// For a person who looks at the answer.
    pub why: &'static str,
}

/// A request that could be understood in different ways.
pub const fn bad(why: &'static str) -> RequestError {
    RequestError { status: 400, why }
}

/// Reads a whole head (its last byte ends the empty line) and finds its one meaning. `most` fields at most; they are left
/// in `fields`.
pub fn vet(head: &[u8], scheme: Scheme, most: usize, fields: &mut Vec<Field>) -> Result<RequestHead, RequestError> {
    fields.clear();
    if Scan::default().next(head) != Scanned::Complete(head.len()) {
        return Err(bad("a line does not end in CR LF"));
    }
    let line = match with_room(most, |room| parse(head, room, fields)) {
        Ok(line) => line?,
        Err(httparse::Error::Version) => {
            let copy = as_http11(head, version_at(head)).ok_or_else(|| refuse_version(head))?;
            return vet(&copy, scheme, most, fields);
        }
        Err(httparse::Error::TooManyHeaders) => {
            return Err(RequestError { status: 431, why: "too many header fields" });
        }
        Err(_) => return Err(bad("the head is malformed")),
    };
    understand(head, line, scheme, fields, Length::None)
}

/// Finds the one meaning of a request whose lines stand in `head`. `unsaid`: how long the body is where no field says it.
pub fn understand(
    head: &[u8],
    line: RequestLine,
    scheme: Scheme,
    fields: &[Field],
    unsaid: Length,
) -> Result<RequestHead, RequestError> {
    let (method, target, version) = (line.method.of_head(head), line.target.of_head(head), line.version);
    let semantics = Semantics::read(head, fields)?;
    let body = body_length(version, &semantics, unsaid)?;
    let class = classify(method, body)?;
    let (target, authority) = find_target(head, method, target, scheme, version, &semantics)?;
    let expects_continue = match semantics.expect {
        Some(_) if version == Version::Http10 => false,
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => {
            body != Length::None && body != Length::Exactly(0)
        }
        Some(_) => return Err(RequestError { status: 417, why: "only 100-continue can be expected" }),
        None => false,
    };
    let upgrade = version != Version::Http10
        && semantics.options.upgrade
        && semantics.upgrade == Upgrade::Other
        && matches!(body, Length::None | Length::Exactly(0));
    let max_forwards = match method {
        b"OPTIONS" | b"TRACE" => {
            semantics.max_forwards.map(|hops| parse_length(hops).ok_or(bad("Max-Forwards is not one number")))
        }
        _ => None,
    };
    let max_forwards = max_forwards.transpose()?;
    let takes_trailers = match version {
        Version::Http10 => false,
        Version::Http11 => semantics.options.te,
        Version::Http2 => true,
    };
    let te_trailers = takes_trailers && semantics.te_trailers;
    Ok(RequestHead {
        method: line.method,
        class,
        scheme,
        authority,
        target,
        version,
        body,
        options: semantics.options,
        expects_continue,
        upgrade,
        te_trailers,
        has_via: semantics.has_via,
        max_forwards,
        authenticates_connection: semantics.authenticates_connection,
    })
}

/// A request line.
pub struct RequestLine {
    /// The method.
    pub method: Span,
    /// What is asked for.
    pub target: Span,
    /// The version that the client speaks.
    pub version: Version,
}

/// Splits a head into its lines. The outer error is the parser's, the inner one ours.
fn parse<'h>(
    head: &'h [u8],
    room: &mut [MaybeUninit<httparse::Header<'h>>],
    fields: &mut Vec<Field>,
) -> Result<Result<RequestLine, RequestError>, httparse::Error> {
    let mut parsed = httparse::Request::new(&mut []);
    let status = parsed.parse_with_uninit_headers(head, room)?;
    if status != httparse::Status::Complete(head.len()) {
        return Ok(Err(bad("the head ends early")));
    }
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
        return Ok(Err(bad("the request line is malformed")));
    };
    for header in parsed.headers.iter() {
        if let Err(error) = check_value(header.value) {
            return Ok(Err(error));
        }
        fields.push(Field::of(head, header));
    }
    Ok(Ok(RequestLine {
        method: Span::of(head, method.as_bytes()),
        target: Span::of(head, target.as_bytes()),
        version: if version == 0 { Version::Http10 } else { Version::Http11 },
    }))
}

/// Where the version stands in a request's head: at the end of its first line.
fn version_at(head: &[u8]) -> usize {
    memchr::memchr(b'\r', head).unwrap_or_default().saturating_sub("HTTP/1.1".len())
}

/// What `Upgrade` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upgrade {
    None,
    Http2,
    Other,
}

/// What the fields that decide how the request is read say, each of them once.
struct Semantics<'h> {
    host: Option<&'h [u8]>,
    length: Option<u64>,
    coding: Option<Coding>,
    expect: Option<&'h [u8]>,
    upgrade: Upgrade,
    options: Options,
    te_trailers: bool,
    has_via: bool,
    max_forwards: Option<&'h [u8]>,
    authenticates_connection: bool,
}

/// What all the Transfer-Encoding fields of a head say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Coding {
    /// How often `chunked` stands in it.
    chunked: usize,
    /// `chunked` is the last so far.
    last: bool,
    /// A coding that is not `chunked`.
    unknown: bool,
    /// Something that is no coding.
    malformed: bool,
}

impl Coding {
    /// Adds what one field says.
    pub(super) fn add(&mut self, value: &[u8]) {
        for coding in elements(value) {
            self.last = coding.eq_ignore_ascii_case(b"chunked");
            match () {
                () if self.last => self.chunked += 1,
                () if coding.is_empty() || !coding.iter().all(|byte| is_token(*byte)) => self.malformed = true,
                () => self.unknown = true,
            }
        }
    }

    /// `chunked`, once, and nothing else.
    pub(super) fn is_chunked(self) -> bool {
        self.chunked == 1 && !self.unknown && !self.malformed
    }
}

impl<'h> Semantics<'h> {
    fn read(head: &'h [u8], fields: &[Field]) -> Result<Semantics<'h>, RequestError> {
        let mut semantics = Semantics {
            host: None,
            length: None,
            coding: None,
            expect: None,
            upgrade: Upgrade::None,
            options: Options::default(),
            te_trailers: false,
            has_via: false,
            max_forwards: None,
            authenticates_connection: false,
        };
        for field in fields {
            let value = field.value.of_head(head);
            match field.kind {
                FieldKind::Host if semantics.host.replace(value).is_some() => return Err(bad("several Host fields")),
                FieldKind::ContentLength => {
                    let length = parse_length(value).ok_or(bad("Content-Length is not one number"))?;
                    if semantics.length.replace(length).is_some() {
                        return Err(bad("several Content-Length fields"));
                    }
                }
                FieldKind::TransferEncoding => semantics.coding.get_or_insert_default().add(value),
                FieldKind::Connection if !semantics.options.add(value) => {
                    return Err(bad("Connection names too many fields"));
                }
                FieldKind::Expect if semantics.expect.replace(value).is_some() => {
                    return Err(bad("several Expect fields"));
                }
                FieldKind::Upgrade => semantics.add_upgrade(value),
                FieldKind::Via => semantics.has_via = true,
                FieldKind::MaxForwards => semantics.max_forwards = Some(value),
                FieldKind::Authentication => {
                    semantics.authenticates_connection |= authenticate_connection(value);
                }
                FieldKind::Te => {
                    semantics.te_trailers |= elements(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
                }
                _ => {}
            }
        }
        Ok(semantics)
    }

    fn add_upgrade(&mut self, value: &[u8]) {
        for protocol in elements(value) {
            let h2c = protocol.len() >= 3 && protocol[..3].eq_ignore_ascii_case(b"h2c");
            if h2c || protocol.eq_ignore_ascii_case(b"h2") || self.upgrade == Upgrade::Http2 {
                self.upgrade = Upgrade::Http2;
            } else if !protocol.is_empty() {
                self.upgrade = Upgrade::Other;
            }
        }
    }
}

/// A number of bytes in decimal digits, at most 2^63 - 1: no sign, no space, no list (RFC 9112, 6.3, 5).
pub(super) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = value.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (number <= i64::MAX as u64).then_some(number)
}

/// httparse refuses control characters; this holds whatever a later version of it does.
fn check_value(value: &[u8]) -> Result<(), RequestError> {
    let forbidden = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
    if value.iter().any(forbidden) { Err(bad("a control character in a header field")) } else { Ok(()) }
}

fn refuse_version(head: &[u8]) -> RequestError {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let version = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let spoken = match version {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    };
    let known: [&[u8]; 3] = [b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.1"];
    if spoken && !known.contains(&version) {
        RequestError { status: 505, why: "HTTP/1.0 and HTTP/1.1 are spoken here" }
    } else {
        bad("the request line is malformed")
    }
}

fn body_length(version: Version, semantics: &Semantics<'_>, unsaid: Length) -> Result<Length, RequestError> {
    let Some(coding) = semantics.coding else {
        return Ok(semantics.length.map_or(unsaid, Length::Exactly));
    };
    if semantics.length.is_some() {
        return Err(bad("both Content-Length and Transfer-Encoding"));
    }
    if version == Version::Http10 {
        return Err(bad("Transfer-Encoding in HTTP/1.0"));
    }
    if coding.is_chunked() {
        return Ok(Length::Chunked);
    }
    if coding.malformed || coding.chunked > 1 || (coding.chunked == 1 && !coding.last) {
        return Err(bad("Transfer-Encoding is malformed"));
    }
    Err(RequestError { status: 501, why: "chunked is the only transfer coding known here" })
}

fn classify(method: &[u8], body: Length) -> Result<Method, RequestError> {
    match method {
        b"CONNECT" => Err(RequestError { status: 501, why: "CONNECT is not served here" }),
        b"TRACE" if !matches!(body, Length::None | Length::Exactly(0)) => Err(bad("TRACE has no body")),
        b"HEAD" => Ok(Method::Head),
        b"GET" | b"OPTIONS" | b"TRACE" => Ok(Method::Safe),
        _ => Ok(Method::Other),
    }
}

/// What is asked for, and from which authority (RFC 9112, 3.2 and 3.3).
fn find_target(
    head: &[u8],
    method: &[u8],
    target: &[u8],
    scheme: Scheme,
    version: Version,
    semantics: &Semantics<'_>,
) -> Result<(Target, Option<Span>), RequestError> {
    if !target.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#') {
        return Err(bad("the target has a fragment, a control or a non-ASCII character"));
    }
    match semantics.host {
        None if version != Version::Http10 => return Err(bad("no Host field")),
        Some(host) if !is_authority(host) => return Err(bad("Host is not a host")),
        _ => {}
    }
    let host = semantics.host.map(|host| Span::of(head, host));
    if target.starts_with(b"/") {
        return Ok((Target::Path(Span::of(head, target)), host));
    }
    if target == b"*" {
        return if method == b"OPTIONS" {
            Ok((Target::Asterisk, host))
        } else {
            Err(bad("only OPTIONS can ask for *"))
        };
    }
    let (authority, rest) = split_absolute(target, scheme)
        .ok_or(bad("the target is neither a path nor a URL of the scheme that the connection has"))?;
    if authority.is_empty() || !is_authority(authority) {
        return Err(bad("the target's authority is not a host"));
    }
    if semantics.host.is_some_and(|host| !same_authority(host, authority, scheme)) {
        return Err(bad("the target and Host disagree"));
    }
    let span = Span::of(head, rest);
    let target = match rest.first() {
        Some(b'/') => Target::Path(span),
        None if method == b"OPTIONS" => Target::Asterisk,
        _ => Target::Rootless(span),
    };
    Ok((target, Some(Span::of(head, authority))))
}

/// The authority of `http://authority…`, or `https://…` over TLS, and the rest.
fn split_absolute(target: &[u8], scheme: Scheme) -> Option<(&[u8], &[u8])> {
    let (written, rest) = target.split_at_checked(scheme.as_str().len())?;
    let rest = rest.strip_prefix(b"://").filter(|_| written.eq_ignore_ascii_case(scheme.as_str().as_bytes()))?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// A host and maybe a port. Narrower than RFC 3986: no user, no escapes, no sub-delimiters; empty is allowed.
fn is_authority(authority: &[u8]) -> bool {
    let (host_ok, port) = match authority {
        [b'[', rest @ ..] => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => (std::str::from_utf8(&rest[..end]).is_ok_and(is_ipv6), &rest[end + 1..]),
            None => (false, &rest[..0]),
        },
        _ => {
            let end = memchr::memchr(b':', authority).unwrap_or(authority.len());
            let name = &authority[..end];
            let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            (name.len() <= 255 && name.iter().all(known) && (end == authority.len() || end > 0), &authority[end..])
        }
    };
    host_ok
        && match port {
            [] => true,
            [b':', digits @ ..] => {
                digits.len() <= 5 && parse_length(digits).map_or(digits.is_empty(), |port| port <= 65535)
            }
            _ => false,
        }
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Two authorities are the same one: in any case, whether the port that the scheme has anyway is written or not.
pub fn same_authority(one: &[u8], other: &[u8], scheme: Scheme) -> bool {
    let port = match scheme {
        Scheme::Http => b":80".as_slice(),
        Scheme::Https => b":443",
    };
    fn bare<'a>(authority: &'a [u8], port: &[u8]) -> &'a [u8] {
        authority.strip_suffix(port).or(authority.strip_suffix(b":")).unwrap_or(authority)
    }
    bare(one, port).eq_ignore_ascii_case(bare(other, port))
}

/// A character of a token (RFC 9110, 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests;
