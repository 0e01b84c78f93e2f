//! A response's head, and trailers, as the visitor gets them over HTTP/2 (pure).

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Response as Head, StatusCode};

use crate::proxy::traffic::http1::answer::{Answer, MoreFields};
use crate::proxy::traffic::http1::response::{Passing, passed};
use crate::proxy::traffic::http1::trailers;
use crate::proxy::traffic::message::{Length, Response, ResponseEdit, ResponseHead};

/// A trailer section that cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The head of a backend's response, of an interim one too. 101 becomes the 200 that it is in HTTP/2 (RFC 8441, 5.1).
pub fn head(response: Response<'_>, edit: ResponseEdit<'_>) -> Head<()> {
    let status = if response.head.status == 101 { 200 } else { response.head.status };
    let mut head = begin(status);
    let fields = head.headers_mut();
    fields.reserve(response.fields.len() + 1);
    let has_trailers = ends_with_trailers(response.head);
    // One piece of memory for the values of all fields, and for the length.
    let mut digits = itoa::Buffer::new();
    let length = response.head.declared.filter(|_| says_length(response.head)).map(|length| digits.format(length));
    let bytes = [response.bytes, length.unwrap_or_default().as_bytes()].concat();
    let bytes = Bytes::from(bytes);
    for (name, value) in passed(response, edit, Passing { has_trailers, names_protocol: false }) {
        // The answer to a key that the client does not know of.
        if response.head.status == 101 && name.eq_ignore_ascii_case(b"sec-websocket-accept") {
            continue;
        }
        let is_of_head = response.bytes.as_ptr_range().contains(&value.as_ptr()) && !value.is_empty();
        let value = if is_of_head {
            HeaderValue::from_maybe_shared(bytes.slice_ref_of(response.bytes, value))
        } else {
            HeaderValue::from_bytes(value)
        };
        append(fields, name, value.ok());
    }
    if length.is_some()
        && let Ok(length) = HeaderValue::from_maybe_shared(bytes.slice(response.bytes.len()..))
    {
        fields.insert(CONTENT_LENGTH, length);
    }
    head
}

/// A body of a length that is not known before, so that trailers may follow it.
fn ends_with_trailers(head: &ResponseHead) -> bool {
    matches!(head.body, Length::Chunked | Length::UntilClose)
}

fn says_length(head: &ResponseHead) -> bool {
    !ends_with_trailers(head) && head.status >= 200 && head.status != 204
}

/// The head of an answer of the proxy's own.
pub fn answer(answer: Answer<'_>, more: MoreFields<'_>) -> Head<()> {
    let mut head = begin(answer.status);
    answer.fields(more, |name, value| append(head.headers_mut(), name, HeaderValue::from_bytes(value).ok()));
    head
}

/// Trailers that go on, of a section as HTTP/1.1 writes it.
///
/// # Errors
///
/// The section is malformed.
pub fn trailers_of(section: &[u8]) -> Result<HeaderMap, Malformed> {
    let mut map = HeaderMap::new();
    let add = |name: &[u8], value: &[u8]| append(&mut map, name, HeaderValue::from_bytes(value).ok());
    trailers::pass(section, add).map_err(|_| Malformed)?;
    Ok(map)
}

/// Writes trailers as a section of HTTP/1.1, for a backend.
///
/// # Errors
///
/// There is more than such a section may have.
pub fn write_trailers(map: &HeaderMap, section: &mut Vec<u8>) -> Result<(), Malformed> {
    section.clear();
    for (name, value) in map {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            section.extend_from_slice(part);
        }
    }
    if !section.is_empty() {
        section.extend_from_slice(b"\r\n");
    }
    if section.len() > trailers::MOST_BYTES { Err(Malformed) } else { Ok(()) }
}

fn begin(status: u16) -> Head<()> {
    let mut head = Head::new(());
    // Every status that comes here is within 100 to 599.
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    head
}

/// A field that was found in a head of HTTP/1.1 is one here too; capitals become small letters.
fn append(fields: &mut HeaderMap, name: &[u8], value: Option<HeaderValue>) {
    if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name), value) {
        let _ = fields.try_append(name, value);
    }
}

/// A part of shared bytes by its place in what they are a copy of.
trait SliceOf {
    fn slice_ref_of(&self, original: &[u8], part: &[u8]) -> Bytes;
}

impl SliceOf for Bytes {
    fn slice_ref_of(&self, original: &[u8], part: &[u8]) -> Bytes {
        let start = part.as_ptr() as usize - original.as_ptr() as usize;
        self.slice(start..start + part.len())
    }
}

#[cfg(test)]
mod tests;
