//! The head of a request: what is taken means one thing, and what a backend gets for it means the same (RFC 9112, 11.2).

use std::net::{Ipv4Addr, SocketAddr};

use polder::config::proxy::PassedFields;
use polder::proxy::choose::cookie::Cookie;
use polder::proxy::traffic::http1::forwarded::Client;
use polder::proxy::traffic::http1::head::{Scan, Scanned};
use polder::proxy::traffic::http1::request::{Edits, write};
use polder::proxy::traffic::http1::vet::vet;
use polder::proxy::traffic::message::fields::Field;
use polder::proxy::traffic::message::{Length, RequestHead, Scheme, Version};

use crate::cut::Cuts;
use crate::head::Lines;

/// As many fields as documents allow by default.
const MOST_FIELDS: usize = 100;

/// The first byte says how the input is cut into reads, and whether the client's word is believed; the rest is the head, and
/// what comes behind it.
pub fn check(input: &[u8]) {
    let Some((seed, input)) = input.split_first() else { return };
    let scanned = scan(input, Cuts::new(*seed));
    assert_eq!(scanned, scan(input, Cuts::whole()), "where the head ends depends on how the reads are cut");
    let Scanned::Complete(length) = scanned else { return };
    let head = &input[..length];
    let mut fields = Vec::new();
    let Ok(request) = vet(head, Scheme::Http, MOST_FIELDS, &mut fields) else { return };

    let theirs = Lines::read(head).expect("a head that was taken can be read by others");
    let (length, chunked) = theirs.framing();
    assert_eq!(request.body, body(length, chunked), "how long the body is");
    let host = theirs.one("host");
    assert!(host.is_some() || request.version == Version::Http10, "HTTP/1.1 without Host");
    passes_on(head, &request, &fields, seed & 1 == 1);
}

fn scan(input: &[u8], mut cuts: Cuts) -> Scanned {
    let (mut scan, mut end) = (Scan::default(), 0);
    loop {
        end = (end + cuts.next()).min(input.len());
        match scan.next(&input[..end]) {
            Scanned::Incomplete if end < input.len() => {}
            scanned => return scanned,
        }
    }
}

fn body(length: Option<u64>, chunked: bool) -> Length {
    match (length, chunked) {
        (_, true) => Length::Chunked,
        (Some(bytes), false) => Length::Exactly(bytes),
        (None, false) => Length::None,
    }
}

fn passes_on(head: &[u8], request: &RequestHead, fields: &[Field], trusted: bool) {
    let client = Client::new(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 40_000)));
    let cookie = Cookie::address("polder-shop");
    let mut sent = Vec::new();
    let edits = Edits {
        client: &client,
        trusted,
        passed: PassedFields::default(),
        own_fields: None,
        cookie: Some(&cookie),
        via: Some("px-1"),
        vouched: Default::default(),
        headers: None,
    };
    write(&mut sent, head, request, fields, edits);

    let ours = Lines::read(&sent).expect("what a backend gets can be read");
    let (length, chunked) = ours.framing();
    assert_eq!(body(length, chunked), request.body, "the backend reads another body");
    assert!(ours.one("host").is_some(), "no Host for the backend");
    for name in ["x-forwarded-proto", "x-forwarded-for", "x-forwarded-host", "forwarded"] {
        assert!(ours.one(name).is_some(), "no {name} for the backend");
    }
    for name in
        ["keep-alive", "proxy-connection", "proxy", "http2-settings", "x-original-url", "client-ip", "x-real-ip"]
    {
        assert!(ours.one(name).is_none(), "{name} reached the backend");
    }
    one_spelling(&ours);
    assert!(ours.all("cookie").all(|cookies| cookie.find(cookies).is_none()), "our cookie reached the backend");
    if !trusted {
        let address: &[u8] = b"192.0.2.7";
        assert_eq!(ours.one("x-forwarded-for"), Some(address), "a client's word was believed");
    }
    read_again(&sent, request, head);
}

/// A program behind CGI or WSGI sees one spelling of all these names: what polder has vetted or set comes once and in that spelling.
fn one_spelling(ours: &Lines<'_>) {
    let known = [
        "content-length",
        "transfer-encoding",
        "host",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
    ];
    for (name, _) in &ours.fields {
        let folded: String = name
            .iter()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_lowercase()) } else { '-' })
            .collect();
        let exact = name.eq_ignore_ascii_case(folded.as_bytes());
        assert!(exact || !known.contains(&folded.as_str()), "{} reached the backend", name.escape_ascii());
    }
}

/// Whoever reads it as strictly as polder does comes to the same.
fn read_again(sent: &[u8], request: &RequestHead, head: &[u8]) {
    let mut fields = Vec::new();
    let again = vet(sent, Scheme::Http, 2 * MOST_FIELDS, &mut fields).expect("polder takes what polder sends");
    assert_eq!((again.body, again.class), (request.body, request.class), "another request");
    assert_eq!(again.path(sent), request.path(head), "another path");
    assert_eq!(again.method.of_head(sent), request.method.of_head(head), "another method");
    let host = |request: &RequestHead, head: &[u8]| request.authority.map(|host| host.of_head(head).to_owned());
    assert_eq!(host(&again, sent).unwrap_or_default(), host(request, head).unwrap_or_default(), "another host");
}
