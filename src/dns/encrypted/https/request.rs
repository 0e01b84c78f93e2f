//! What a request of DNS over HTTPS asks for (RFC 8484, 4.1; pure).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::dns::encrypted::quic_settings::LONGEST;

/// The media type of queries and answers (RFC 8484, 6).
pub const DNS_MESSAGE: &str = "application/dns-message";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// This query.
    Query(Vec<u8>),
    /// The query in the body.
    Body,
}

/// Reads a head. The error is the status that says what is wrong with it.
pub fn read(path: &str, head: &Parts) -> Result<Asked, StatusCode> {
    if head.uri.path() != path {
        return Err(StatusCode::NOT_FOUND);
    }
    match head.method {
        Method::GET => {
            let query = head.uri.query().unwrap_or_default();
            let (_, encoded) = form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "dns")
                .ok_or(StatusCode::BAD_REQUEST)?;
            if encoded.len() > LONGEST.div_ceil(3) * 4 {
                return Err(StatusCode::URI_TOO_LONG);
            }
            let decoded = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('='));
            decoded.map(Asked::Query).map_err(|_| StatusCode::BAD_REQUEST)
        }
        Method::POST => {
            let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            match kind.eq_ignore_ascii_case(DNS_MESSAGE) {
                true => Ok(Asked::Body),
                false => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            }
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

#[cfg(test)]
mod tests;
