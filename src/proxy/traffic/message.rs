//! Requests and responses, whichever version of HTTP carried them.
//!
//! A head is its bytes and what they were found to mean: spans into them, in memory that is used again from request to
//! request. HTTP/1.1 finds spans in the text it read ([`super::http1::vet`], [`super::http1::response`]); HTTP/2 writes the
//! fields it decoded one after another and points at them ([`super::http2::request`]). Bodies are no part of a message: they
//! pass through [`super::stream`].

pub mod fields;

use fields::{Field, FieldKind, Options, Span};

use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::headers::Applied;

/// A whole request's head, borrowed for as long as the request is served.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// What it means.
    pub head: &'r RequestHead,
    /// The bytes that its spans are of.
    pub bytes: &'r [u8],
    /// Its fields.
    pub fields: &'r [Field],
}

impl<'r> Request<'r> {
    /// The request line as HTTP/1.1 writes it: method, target, version.
    pub fn line(&self) -> &'r [u8] {
        self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default()
    }

    /// The method as it was written.
    pub fn method(&self) -> &'r [u8] {
        self.head.method.of_head(self.bytes)
    }

    /// The authority; empty if the request names none.
    pub fn authority(&self) -> &'r [u8] {
        self.head.authority.map(|authority| authority.of_head(self.bytes)).unwrap_or_default()
    }

    /// The path to route by, undecoded, without its query.
    pub fn path(&self) -> &'r [u8] {
        self.head.path(self.bytes)
    }

    /// The values of all fields of a name.
    pub fn named(&self, name: &'static str) -> impl Iterator<Item = &'r [u8]> + Clone {
        let Request { bytes, fields, .. } = *self;
        let is_its = move |field: &&Field| field.name.of_head(bytes).eq_ignore_ascii_case(name.as_bytes());
        fields.iter().filter(is_its).map(|field| field.value.of_head(bytes))
    }

    /// The value of the first field of this name, in any case.
    pub fn value_of(&self, name: &str) -> Option<&'r [u8]> {
        let Request { bytes, fields, .. } = *self;
        let field = fields.iter().find(|field| field.name.of_head(bytes).eq_ignore_ascii_case(name.as_bytes()))?;
        Some(field.value.of_head(bytes))
    }

    /// The values of all fields of a kind.
    pub fn values(&self, kind: FieldKind) -> impl DoubleEndedIterator<Item = &'r [u8]> {
        let Request { bytes, fields, .. } = *self;
        fields.iter().filter(move |field| field.kind == kind).map(|field| field.value.of_head(bytes))
    }
}

/// A whole response's head.
#[derive(Debug, Clone, Copy)]
pub struct Response<'r> {
    /// What it means.
    pub head: &'r ResponseHead,
    /// The bytes that its spans are of.
    pub bytes: &'r [u8],
    /// Its fields.
    pub fields: &'r [Field],
}

impl<'r> Response<'r> {
    /// The values of all fields of a kind.
    pub fn values(&self, kind: FieldKind) -> impl Iterator<Item = &'r [u8]> {
        let Response { bytes, fields, .. } = *self;
        fields.iter().filter(move |field| field.kind == kind).map(|field| field.value.of_head(bytes))
    }
}

/// What a request's head means.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead {
    /// The method as it was written.
    pub method: Span,
    /// What of the method matters to a proxy.
    pub class: Method,
    /// The scheme by which the client reached us.
    pub scheme: Scheme,
    /// The authority it is asked from, of the target or of Host; `None`: an HTTP/1.0 request without one.
    pub authority: Option<Span>,
    /// What is asked for.
    pub target: Target,
    /// The version that the client speaks.
    pub version: Version,
    /// How long the body is.
    pub body: Length,
    /// What its Connection fields say.
    pub options: Options,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// It asks for another protocol that we can pass on (never `h2c`).
    pub upgrade: bool,
    /// It takes trailers.
    pub te_trailers: bool,
    /// It has been through a proxy that says so.
    pub has_via: bool,
    /// How many more proxies it may pass; only OPTIONS and TRACE count them (RFC 9110, 7.6.2).
    pub max_forwards: Option<u64>,
    /// Its credentials are those of the connection, and so of every request on it.
    pub authenticates_connection: bool,
}

/// How the client reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// Whether a cookie set over it may be marked `Secure`.
    pub fn is_secure(self) -> bool {
        self == Scheme::Https
    }
}

/// What of a method matters to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Its response never has a body.
    Head,
    /// GET, OPTIONS, TRACE: safe (RFC 9110, 9.2.1), may be sent twice.
    Safe,
    /// Sent once.
    Other,
}

/// What is asked for, in the form in which it is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Begins with a slash.
    Path(Span),
    /// An absolute target without a path: a slash goes before it. Empty, or begins with `?`.
    Rootless(Span),
    /// `OPTIONS *`.
    Asterisk,
}

/// The version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, of clients only.
    Http2,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// There is none, and nothing says so.
    None,
    /// This many bytes, may be 0.
    Exactly(u64),
    /// As the chunks say.
    Chunked,
    /// Until the connection ends (responses only).
    UntilClose,
}

impl RequestHead {
    /// The path to route by, undecoded, without its query. `bytes`: those that its spans are of.
    pub fn path<'h>(&self, bytes: &'h [u8]) -> &'h [u8] {
        match self.target {
            Target::Path(span) => {
                let target = span.of_head(bytes);
                &target[..memchr::memchr(b'?', target).unwrap_or(target.len())]
            }
            Target::Rootless(_) | Target::Asterisk => b"/",
        }
    }

    /// The query with its question mark; empty if there is none.
    pub fn query<'h>(&self, bytes: &'h [u8]) -> &'h [u8] {
        match self.target {
            Target::Path(span) | Target::Rootless(span) => {
                let target = span.of_head(bytes);
                &target[memchr::memchr(b'?', target).unwrap_or(target.len())..]
            }
            Target::Asterisk => b"",
        }
    }

    /// Nothing follows the head.
    pub fn has_no_body(&self) -> bool {
        matches!(self.body, Length::None | Length::Exactly(0))
    }

    /// It does no harm if a backend sees it twice, and we still have all of it.
    pub fn is_replayable(&self) -> bool {
        self.class != Method::Other && self.has_no_body()
    }

    /// The client wants its connection kept (RFC 9112, 9.3).
    pub fn keeps_alive(&self) -> bool {
        keeps_alive(self.version, self.options)
    }

    /// It came over HTTP/2 and asks for another protocol on its stream (RFC 8441): the backend gets the upgrade of HTTP/1.1.
    pub fn is_extended_connect(&self) -> bool {
        self.version == Version::Http2 && self.upgrade
    }
}

/// What the proxy changes about a backend's response.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResponseEdit<'e> {
    /// The cookie by which the service knows its visitors again; none in a stateless one. A backend's own of that name is left out:
    /// it would name what we do not know.
    pub cookie: Option<&'e Cookie>,
    /// The whole value of the Set-Cookie field that is added.
    pub set_cookie: Option<&'e str>,
    /// What the response says of https.
    pub transport: TransportSecurity<'e>,
    /// What the service does to its header fields.
    pub headers: Option<Applied<'e>>,
    /// What it says of its content, where that is encoded on the way.
    pub content: ContentEdit<'e>,
}

/// What a response says of its content, if it is not what the backend says.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContentEdit<'e> {
    /// It is encoded so (Content-Encoding).
    pub encoding: Option<&'static str>,
    /// It is added that the encoding depends on what the visitor accepts (Vary).
    pub adds_vary: bool,
    /// The entity tag in place of the backend's (ETag).
    pub etag: Option<&'e [u8]>,
}

/// What a response says of https for the next visits (Strict-Transport-Security, RFC 6797).
#[derive(Debug, Clone, Copy, Default)]
pub enum TransportSecurity<'c> {
    /// What the backend says.
    #[default]
    Backends,
    /// Nothing.
    None,
    /// This.
    Own(&'c str),
}

/// What a response's head means.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead {
    /// 100..=599.
    pub status: u16,
    /// May be empty.
    pub reason: Span,
    /// The version that the backend speaks.
    pub version: Version,
    /// How long the body is, by RFC 9112, 6.3.
    pub body: Length,
    /// What Content-Length says, also where there is no body.
    pub declared: Option<u64>,
    /// It speaks of a body that its status cannot have (RFC 9112, 6.1; RFC 9110, 8.6). If the backend sends one, it looks
    /// like the next response.
    pub contradicts: bool,
    /// What its Connection fields say.
    pub options: Options,
    /// It has an Upgrade field.
    pub upgrade: bool,
    /// It asks for credentials of the connection, or accepts them.
    pub authenticates_connection: bool,
}

impl ResponseHead {
    /// Another response to the same request follows (101 is the last one).
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    /// The backend keeps the connection, and we can tell where the body ends.
    pub fn keeps_alive(&self) -> bool {
        keeps_alive(self.version, self.options) && self.body != Length::UntilClose && !self.contradicts
    }
}

/// Persistence by version and Connection options (RFC 9112, 9.3).
fn keeps_alive(version: Version, options: Options) -> bool {
    match version {
        Version::Http2 => true,
        Version::Http11 => !options.close,
        Version::Http10 => options.keep_alive && !options.close,
    }
}
