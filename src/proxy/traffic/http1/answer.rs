//! The proxy's own answers. They reveal nothing about the backends.

use std::time::SystemTime;

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
    /// `Strict-Transport-Security`, over TLS alone (RFC 6797, 7.2).
    pub transport_security: Option<&'a str>,
}

impl<'a> MoreFields<'a> {
    /// Names and values.
    pub fn iter(self) -> impl Iterator<Item = (&'static str, &'a [u8])> {
        let location = self.location.map(|value| ("Location", value));
        let security = self.transport_security.map(|value| ("Strict-Transport-Security", value.as_bytes()));
        location.into_iter().chain(security)
    }
}

impl Answer<'_> {
    /// An answer with the reason phrase as its text.
    pub const fn new(status: u16) -> Answer<'static> {
        Answer { status, why: None }
    }

    /// Writes head and text. `body`: whether the text is sent, false for HEAD.
    pub fn write(self, more: MoreFields<'_>, out: &mut Vec<u8>, version: Version, keep: bool, body: bool) {
        let reason = reason(self.status);
        let text = self.why.unwrap_or(reason);
        // What was asked for is sent as it is: a CA compares it.
        let line_end = if self.status == 200 { "" } else { "\n" };
        let mut number = itoa::Buffer::new();
        for part in ["HTTP/1.1 ", number.format(self.status), " ", reason, "\r\nDate: "] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        out.extend_from_slice(
            b"\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: ",
        );
        out.extend_from_slice(number.format(text.len() + line_end.len()).as_bytes());
        if self.status == 503 {
            out.extend_from_slice(b"\r\nRetry-After: ");
            out.extend_from_slice(RETRY_AFTER.as_bytes());
        }
        for (name, value) in more.iter() {
            for part in [b"\r\n", name.as_bytes(), b": ", value] {
                out.extend_from_slice(part);
            }
        }
        match (keep, version) {
            (false, _) => out.extend_from_slice(b"\r\nConnection: close"),
            (true, Version::Http10) => out.extend_from_slice(b"\r\nConnection: keep-alive"),
            (true, Version::Http11) => {}
        }
        out.extend_from_slice(b"\r\n\r\n");
        if body {
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(line_end.as_bytes());
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        408 => "Request Timeout",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
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
