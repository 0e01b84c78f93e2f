//! The head of a response: what is taken means one thing, and what the visitor gets for it means the same (RFC 9112, 6.3).

use polder::proxy::traffic::http1::body::Framing;
use polder::proxy::traffic::http1::head::{Scan, Scanned};
use polder::proxy::traffic::http1::response::{Edits, ends_with_connection, framing, vet, write};
use polder::proxy::traffic::message::fields::Field;
use polder::proxy::traffic::message::{Length, ResponseEdit, ResponseHead, Version};

use crate::head::Lines;

/// What the proxy would set.
const COOKIE: &str = "polder-shop=192.0.2.21:80; path=/; HttpOnly";

/// The first byte says who asked, and how; the rest is the head.
pub fn check(input: &[u8]) {
    let Some((how, head)) = input.split_first() else { return };
    let bit = |n: u8| how >> n & 1 == 1;
    let to_head = bit(0);
    let mut fields = Vec::new();
    // A backend's bytes are looked through for the end of the head first, which finds bare line feeds.
    let Scanned::Complete(length) = Scan::default().next(head) else { return };
    let head = &head[..length];
    let Ok(response) = vet(head, to_head, &mut fields) else { return };

    let theirs = Lines::read(head).expect("a head that was taken can be read by others");
    let bodiless = to_head || matches!(response.status, 100..=199 | 204 | 304);
    let body = if bodiless { Length::None } else { body(theirs.framing()) };
    assert_eq!(response.body, body, "how long the body is");
    if matches!(response.status, 100..=199 | 204) && theirs.all("transfer-encoding").next().is_some() {
        assert!(response.status == 204 && !response.keeps_alive(), "what follows may be its body or the next response");
    }
    let version = if bit(1) { Version::Http10 } else { Version::Http11 };
    let keep = bit(2) && !ends_with_connection(&response, version);
    let edit = ResponseEdit { cookie: None, set_cookie: bit(3).then_some(COOKIE), ..ResponseEdit::default() };
    passes_on(head, &response, &fields, to_head, Edits { version, keep, edit });
}

/// RFC 9112, 6.3, for a response that may have a body.
fn body((length, chunked): (Option<u64>, bool)) -> Length {
    match (length, chunked) {
        (_, true) => Length::Chunked,
        (Some(bytes), false) => Length::Exactly(bytes),
        (None, false) => Length::UntilClose,
    }
}

fn passes_on(head: &[u8], response: &ResponseHead, fields: &[Field], to_head: bool, edits: Edits<'_>) {
    let mut sent = Vec::new();
    write(&mut sent, head, response, fields, edits);
    let lines = Lines::read(&sent).expect("what a visitor gets can be read");
    let (length, chunked) = lines.framing();
    assert_eq!(chunked, framing(response, edits.version) == Framing::Chunked, "what is said of the framing");
    assert!(!(chunked && edits.version == Version::Http10), "chunks for HTTP/1.0");
    assert!(!(matches!(response.status, 100..=199 | 204) && (length.is_some() || chunked)), "a body where none can be");
    match response.body {
        Length::Exactly(bytes) => assert_eq!(length, Some(bytes), "another length"),
        Length::Chunked | Length::UntilClose => assert_eq!(length, None, "a length out of nothing"),
        Length::None => {}
    }
    if !edits.keep && !response.is_interim() && response.status != 101 {
        let told = lines.one("connection").is_some_and(|options| options.ends_with(b"close"));
        assert!(told, "the visitor is not told that the connection ends");
    }
    if edits.edit.set_cookie.is_some() {
        assert!(lines.all("set-cookie").any(|cookie| cookie == COOKIE.as_bytes()), "our cookie is missing");
        let private = |value: &[u8]| {
            let text = value.to_ascii_lowercase();
            [&b"private"[..], b"no-store"].iter().any(|word| memchr::memmem::find(&text, word).is_some())
        };
        assert!(response.status == 101 || lines.all("cache-control").any(private), "a cookie for a shared cache");
    }
    let mut again = Vec::new();
    let again = vet(&sent, to_head, &mut again).expect("polder takes what polder sends");
    assert_eq!(again.status, response.status, "another status");
    if edits.version == Version::Http11 {
        let read = if chunked { Length::Chunked } else { response.body };
        assert_eq!(again.body, read, "the visitor reads another body");
    }
}
