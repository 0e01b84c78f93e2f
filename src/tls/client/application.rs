//! What is spoken over a connection that we open: what the handshake negotiates, and how words for the operator name the other side.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::config::HttpVersion;
use crate::tls::HTTP2;

/// Of what backends speak.
static COMMON: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Zones go over nothing older (RFC 9103, 7.1).
static TRANSFERS: [&SupportedProtocolVersion; 1] = [&TLS13];

/// What is spoken over TLS, and with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Application {
    /// HTTP/1.1, with a backend.
    Http1,
    /// HTTP/2, with a backend, which has to say that it speaks it.
    Http2,
    /// DNS, with the primary of a zone (RFC 9103).
    Dns,
}

impl From<HttpVersion> for Application {
    fn from(version: HttpVersion) -> Application {
        match version {
            HttpVersion::Http1 => Application::Http1,
            HttpVersion::Http2 => Application::Http2,
        }
    }
}

impl Application {
    /// Its name in the handshake (RFC 7301; `dot`: RFC 9103, 7.1).
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Application::Http1 => b"http/1.1",
            Application::Http2 => HTTP2,
            Application::Dns => b"dot",
        }
    }

    /// The versions of TLS that it goes over.
    pub(super) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Application::Http1 | Application::Http2 => &COMMON,
            Application::Dns => &TRANSFERS,
        }
    }

    /// The same in words.
    pub(super) fn version_in_words(self) -> &'static str {
        match self {
            Application::Http1 | Application::Http2 => "TLS 1.2 or 1.3",
            Application::Dns => "TLS 1.3, over which alone zones are transferred",
        }
    }

    /// Why nothing can be said to a server that has chosen this protocol, or none; none: it can. Primaries that know no ALPN give zones too.
    pub(super) fn why_not(self, chosen: Option<&[u8]>) -> Option<&'static str> {
        let is_needed = self == Application::Http2;
        (is_needed && chosen != Some(HTTP2))
            .then_some("the backend does not speak HTTP/2 (ALPN), which is the service's \"protocol\"")
    }

    /// Whom it is spoken with.
    pub(super) fn server(self) -> &'static str {
        match self {
            Application::Http1 | Application::Http2 => "backend",
            Application::Dns => "primary",
        }
    }

    /// All of them.
    pub(super) fn servers(self) -> &'static str {
        match self {
            Application::Http1 | Application::Http2 => "backends",
            Application::Dns => "primaries",
        }
    }

    /// The key of the document with the settings.
    pub(super) fn settings(self) -> &'static str {
        match self {
            Application::Http1 | Application::Http2 => "backend_tls",
            Application::Dns => "primaries[].tls",
        }
    }

    /// What a server refuses that speaks nothing of what we do.
    pub(super) fn is_not_spoken(self) -> &'static str {
        match self {
            Application::Http1 | Application::Http2 => "does not speak the service's \"protocol\"",
            Application::Dns => "does not speak DNS over TLS",
        }
    }
}
