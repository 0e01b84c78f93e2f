//! The proxy's own answers. They reveal nothing about the backends.

use std::time::SystemTime;

use super::head::line;
use crate::proxy::edge::headers::Applied;
use crate::proxy::request_id::RequestId;
use crate::proxy::traffic::message::Version;

/// Seconds after which a client that no backend could serve may try again (Retry-After).
const RETRY_AFTER: &str = "5";

/// An answer without a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'t> {
    /// The status code.
    pub status: u16,
    /// The text for people, or with 200 what was asked for; `None`: the reason phrase.
    pub why: Option<&'t str>,
}

/// Fields that some answers have, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct MoreFields<'a> {
    /// `Location`, of a redirect.
    pub location: Option<&'a [u8]>,
    /// `WWW-Authenticate`, of a 401.
    pub challenge: Option<&'a str>,
    /// `Strict-Transport-Security`, over TLS alone (RFC 6797, 7.2).
    pub transport_security: Option<&'a str>,
    /// `Retry-After`, where it is not the one of every 503.
    pub retry_after: Option<&'a str>,
    /// The field that has the request's id, and that.
    pub request_id: Option<(&'a str, &'a RequestId)>,
    /// What the service writes into all of its responses.
    pub headers: Option<Applied<'a>>,
}

impl<'a> MoreFields<'a> {
    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let location = self.location.map(|value| (&b"Location"[..], value));
        let security = self.transport_security.map(|value| (&b"Strict-Transport-Security"[..], value.as_bytes()));
        let challenge = self.challenge.map(|value| (&b"WWW-Authenticate"[..], value.as_bytes()));
        let retry_after = self.retry_after.map(|value| (&b"Retry-After"[..], value.as_bytes()));
        let headers = self.headers.into_iter().flat_map(Applied::fields);
        let id = self.request_id.map(|(name, id)| (name.as_bytes(), id.as_bytes()));
        location.into_iter().chain(challenge).chain(id).chain(security).chain(retry_after).chain(headers)
    }
}

impl<'t> Answer<'t> {
    /// An answer with the reason phrase as its text.
    pub const fn new(status: u16) -> Answer<'static> {
        Answer { status, why: None }
    }

    /// Its words, without more.
    pub fn words(self) -> &'t str {
        self.why.unwrap_or(reason(self.status))
    }

    /// The text for people, which a line feed ends; what was asked for is sent as it is, for a CA compares it.
    pub fn body(self) -> [&'t str; 2] {
        [self.words(), if self.status == 200 { "" } else { "\n" }]
    }

    /// Gives the fields of its head one after the other, name and value.
    pub fn fields(self, more: MoreFields<'_>, mut each: impl FnMut(&[u8], &[u8])) {
        each(b"Date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        each(b"Content-Type", b"text/plain; charset=utf-8");
        each(b"Cache-Control", b"no-store");
        each(b"Content-Length", itoa::Buffer::new().format(self.body().map(str::len).iter().sum::<usize>()).as_bytes());
        if self.status == 503 {
            each(b"Retry-After", RETRY_AFTER.as_bytes());
        }
        for (name, value) in more.iter() {
            each(name, value);
        }
    }

    /// Writes head and text. `body`: whether the text is sent, false for HEAD.
    pub fn write(self, more: MoreFields<'_>, out: &mut Vec<u8>, version: Version, keep: bool, body: bool) {
        for part in ["HTTP/1.1 ", itoa::Buffer::new().format(self.status), " ", reason(self.status), "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        self.fields(more, |name, value| line(out, name, value));
        match (keep, version) {
            (false, _) => out.extend_from_slice(b"Connection: close\r\n"),
            (true, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
            (true, Version::Http11 | Version::Http2) => {}
        }
        out.extend_from_slice(b"\r\n");
        if body {
            self.body().iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Error",
    }
}
