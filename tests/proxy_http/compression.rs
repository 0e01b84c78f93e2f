//! Compression to visitors: who gets what, what of it reaches him when, and what is left alone.

use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use http::Request;
use polder::config::proxy::{self, Algorithm};
use polder::proxy::edge::Edge;

use crate::h2_client::H2;
use crate::harness::{Client, Proxy, Response, Script, Setup, eventually, read_line};
use crate::logged::{lines, with_log};
use crate::tls::www;

const PAGE: &str = "text/html; charset=utf-8";

/// The rules of a service whose `compression` is this.
fn edge(compression: &str) -> Option<Arc<Edge>> {
    let text = format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "127.0.0.1:80" }}], "state_dir": "/s",
            "admin": {{ "socket": "/a" }}, "services": {{ "www": {{ "hosts": ["www.test"], "mode": "stateless",
            "backends": [{{ "name": "web", "address": "192.0.2.1:80" }}], "compression": {compression} }} }} }}"#
    );
    let config = proxy::parse(std::path::Path::new("proxy.json"), &text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    Edge::of(&config.services["www"])
}

fn compressing() -> Setup {
    Setup { edge: edge("{}"), ..Setup::default() }
}

fn content() -> String {
    (0..2000).map(|number| format!("<li>This is line {number} of the page.</li>\n")).collect()
}

/// A backend that answers with these fields and that content, its length known.
fn answering(status: &'static str, fields: &'static str, content: impl Into<String>) -> Script {
    let content = content.into();
    Script::start(move |served, _| {
        while let Some(head) = served.head() {
            served.send(&format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", content.len()));
            if !head.starts_with("HEAD ") {
                served.send(&content);
            }
        }
    })
}

fn get(accepts: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: www.test\r\nAccept-Encoding: {accepts}\r\n\r\n")
}

fn decoded(encoding: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    match encoding {
        None => content.extend_from_slice(body),
        Some("gzip") => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut content).unwrap()),
        Some("br") => drop(brotli::Decompressor::new(body, 4096).read_to_end(&mut content).unwrap()),
        Some("zstd") => drop(zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut content).unwrap()),
        Some(other) => panic!("{other}"),
    }
    content
}

fn assert_untouched(response: &Response, body: &str) {
    assert_eq!(response.field("Content-Encoding"), None, "{}", response.head);
    assert_eq!(response.body, body.as_bytes(), "{}", response.head);
}

#[test]
fn a_visitor_gets_what_he_accepts_and_a_head_that_says_so() {
    let fields = "Content-Type: text/html\r\nETag: \"one\"\r\nAccept-Ranges: bytes\r\nContent-MD5: x\r\nX-Other: y\r\n";
    let backend = answering("200 OK", fields, content());
    let proxy = Proxy::start(compressing(), &[backend.address]);
    let mut client = proxy.connect();
    for (accepts, encoding) in [("gzip", "gzip"), ("gzip, br", "br"), ("gzip, deflate, br, zstd", "zstd")] {
        client.send(&get(accepts));
        let response = client.response();
        assert_eq!(response.field("Content-Encoding"), Some(encoding));
        assert_eq!(response.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(response.field("ETag"), Some("W/\"one\""));
        assert_eq!(response.field("X-Other"), Some("y"));
        for gone in ["Content-Length", "Accept-Ranges", "Content-MD5"] {
            assert_eq!(response.field(gone), None, "{}", response.head);
        }
        assert_eq!(decoded(Some(encoding), &response.body), content().as_bytes());
        assert!(response.body.len() * 4 < content().len(), "{encoding}: {}", response.body.len());
    }
    client.send(&get("identity"));
    let response = client.response();
    assert_untouched(&response, &content());
    assert_eq!(response.field("Vary"), Some("Accept-Encoding"), "a cache has to know");
    assert_eq!((response.field("ETag"), response.field("Accept-Ranges")), (Some("\"one\""), Some("bytes")));
    let counters = &proxy.worker.as_ref().unwrap().counters;
    for algorithm in Algorithm::ALL {
        let of = &counters.compressions[algorithm as usize];
        let counted = [&of.responses, &of.bytes_in].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counted, [1, content().len() as u64]);
        assert!((1..content().len() as u64 / 4).contains(&of.bytes_out.load(Ordering::Relaxed)));
    }
}

#[tokio::test]
async fn over_http_2_it_is_the_same() {
    let (authority, setup) = www();
    let backend = answering("200 OK", "Content-Type: text/html\r\nETag: \"one\"\r\n", content());
    let proxy = Proxy::start(Setup { edge: edge("{}"), ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = Request::get("https://www.test/").header("accept-encoding", "br").body(()).unwrap();
    let response = client.ask(request).await;
    assert_eq!((response.field("content-encoding"), response.field("content-length")), (Some("br"), None));
    assert_eq!((response.field("vary"), response.field("etag")), (Some("Accept-Encoding"), Some("W/\"one\"")));
    assert_eq!(decoded(Some("br"), &response.body), content().as_bytes());
}

#[test]
fn what_is_not_fit_is_left_alone_and_does_not_vary() {
    let secret = "Content-Type: text/html\r\nSet-Cookie: id=1\r\n";
    for (status, fields) in [
        ("200 OK", "Content-Type: image/png\r\n"),
        ("200 OK", ""),
        ("200 OK", "Content-Type: text/event-stream\r\n"),
        ("200 OK", "Content-Type: text/html\r\nContent-Encoding: br\r\n"),
        ("200 OK", "Content-Type: text/html\r\nCache-Control: public, no-transform\r\n"),
        ("200 OK", secret),
        ("206 Partial Content", "Content-Type: text/html\r\nContent-Range: bytes 0-99/200\r\n"),
        ("404 Not Found", "Content-Type: text/html\r\n"),
    ] {
        let backend = answering(status, fields, content());
        let proxy = Proxy::start(compressing(), &[backend.address]);
        let response = proxy.ask(&get("gzip"));
        assert_ne!(response.field("Content-Encoding"), Some("gzip"), "{fields}");
        assert_eq!((response.field("Vary"), &response.body[..]), (None, content().as_bytes()), "{status} {fields}");
    }
    let short = answering("200 OK", "Content-Type: text/html\r\n", "short");
    let proxy = Proxy::start(compressing(), &[short.address]);
    assert_untouched(&proxy.ask(&get("gzip")), "short");
    let asked = answering("200 OK", secret, content());
    let proxy =
        Proxy::start(Setup { edge: edge(r#"{ "with_set_cookie": true }"#), ..Setup::default() }, &[asked.address]);
    assert_eq!(proxy.ask(&get("gzip")).field("Content-Encoding"), Some("gzip"));
}

#[test]
fn visitors_who_want_no_change_or_speak_http_1_0_get_what_the_backend_sends() {
    let backend = answering("200 OK", "Content-Type: text/html\r\n", content());
    let proxy = Proxy::start(compressing(), &[backend.address]);
    let forbids = "GET / HTTP/1.1\r\nHost: www.test\r\nAccept-Encoding: gzip\r\nCache-Control: no-transform\r\n\r\n";
    assert_untouched(&proxy.ask(forbids), &content());
    let old = proxy.ask("GET / HTTP/1.0\r\nHost: www.test\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_untouched(&old, &content());
    assert_eq!(old.field("Vary"), Some("Accept-Encoding"));
    assert_untouched(&proxy.ask("GET / HTTP/1.1\r\nHost: www.test\r\n\r\n"), &content());
}

#[test]
fn a_service_that_does_not_ask_for_it_compresses_nothing() {
    let backend = answering("200 OK", "Content-Type: text/html\r\n", content());
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let response = proxy.ask(&get("gzip"));
    assert_untouched(&response, &content());
    assert_eq!(response.field("Vary"), None);
}

#[test]
fn head_has_the_fields_of_get_and_a_304_the_tag_that_the_visitor_knows() {
    let backend = answering("200 OK", "Content-Type: text/html\r\nETag: \"one\"\r\n", content());
    let proxy = Proxy::start(compressing(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(&get("gzip").replace("GET ", "HEAD "));
    let head = client.head();
    for field in ["Content-Encoding: gzip", "Vary: Accept-Encoding", "ETag: W/\"one\""] {
        assert!(head.contains(field), "{head}");
    }
    assert!(!head.contains("Content-Length"), "{head}");
    client.send(&get("gzip"));
    assert_eq!(client.response().field("Content-Encoding"), Some("gzip"), "the connection goes on");

    let unchanged = Script::answering("HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n");
    let proxy = Proxy::start(compressing(), &[unchanged.address]);
    let asks = |tag: &str| {
        let conditional = format!("Accept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n\r\n");
        proxy.ask(&get("gzip").replace("Accept-Encoding: gzip\r\n\r\n", &conditional))
    };
    let known = asks("\"other\", W/\"one\"");
    assert_eq!((known.field("ETag"), known.field("Vary")), (Some("W/\"one\""), Some("Accept-Encoding")));
    let plain = asks("\"one\"");
    assert_eq!((plain.field("ETag"), plain.field("Vary")), (Some("\"one\""), Some("Accept-Encoding")));
    let image = Script::answering("HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\nContent-Type: image/png\r\n\r\n");
    let proxy = Proxy::start(compressing(), &[image.address]);
    assert_eq!(proxy.ask(&get("gzip")).field("Vary"), None, "it is never compressed");
}

/// The content of a response that goes on, as far as it has come.
struct Stream<'c>(&'c mut Client);

impl Read for Stream<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        // Chunk by chunk, as the proxy flushes them.
        let size = usize::from_str_radix(read_line(&mut self.0.stream).trim_end(), 16).unwrap();
        assert!(size <= room.len(), "a chunk of {size}");
        self.0.stream.read_exact(&mut room[..size]).unwrap();
        assert_eq!(read_line(&mut self.0.stream), "\r\n");
        Ok(size)
    }
}

#[test]
fn what_the_backend_has_sent_reaches_the_visitor_while_it_says_no_more() {
    for encoding in ["gzip", "br", "zstd"] {
        let (go, told) = channel::<()>();
        let told = std::sync::Mutex::new(told);
        let backend = Script::start(move |served, _| {
            served.head();
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Type: {PAGE}\r\nTransfer-Encoding: chunked\r\n\r\n"));
            for number in 0..3 {
                served.send(&format!("8\r\nnumber {number}\r\n"));
                let _ = told.lock().unwrap().recv();
            }
            served.send("0\r\nX-Sum: 3\r\n\r\n");
        });
        let proxy = Proxy::start(compressing(), &[backend.address]);
        let mut client = proxy.connect();
        client.send(&get(encoding).replace("Host", "TE: trailers\r\nConnection: te\r\nHost"));
        assert!(client.head().contains(&format!("Content-Encoding: {encoding}\r\n")));
        let stream = BufReader::new(Stream(&mut client));
        let mut decoder: Box<dyn Read> = match encoding {
            "gzip" => Box::new(flate2::bufread::GzDecoder::new(stream)),
            "br" => Box::new(brotli::Decompressor::new(stream, 4096)),
            _ => Box::new(zstd::stream::read::Decoder::with_buffer(stream).unwrap()),
        };
        for number in 0..3 {
            let mut part = [0; 8];
            decoder.read_exact(&mut part).unwrap();
            assert_eq!(part, *format!("number {number}").as_bytes());
            go.send(()).unwrap();
        }
        drop(decoder);
        let mut rest = Vec::new();
        let mut byte = [0];
        while !rest.ends_with(b"0\r\nX-Sum: 3\r\n\r\n") {
            client.stream.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
    }
}

#[test]
fn a_response_that_breaks_off_is_not_made_whole() {
    let backend = Script::start(|served, _| {
        served.head();
        served.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n");
        served.send(&content()[..50_000]);
    });
    let proxy = Proxy::start(compressing(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(&get("gzip"));
    assert!(client.head().contains("Content-Encoding: gzip\r\n"));
    assert!(!client.rest().ends_with(b"0\r\n\r\n"));
}

#[test]
fn beyond_the_limit_responses_go_as_they_are_until_one_has_ended_or_its_visitor_has_gone() {
    let backend = Script::start(|served, number| {
        while served.head().is_some() {
            served.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
            if number == 0 {
                served.rest();
            }
            served.send("0\r\n\r\n");
        }
    });
    let mut setup = compressing();
    setup.limits.compressions = 1;
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut holds = proxy.connect();
    holds.send(&get("gzip"));
    assert!(holds.head().contains("Content-Encoding: gzip\r\n"));
    let second = proxy.ask(&get("gzip"));
    assert_untouched(&second, "ok");
    assert_eq!(second.field("Vary"), Some("Accept-Encoding"));
    let left_out = || proxy.worker.as_ref().unwrap().counters.compressions_left_out.load(Ordering::Relaxed);
    assert_eq!(left_out(), 1);
    holds.reset();
    eventually("the place is free again", || proxy.ask(&get("gzip")).field("Content-Encoding") == Some("gzip"));
}

#[test]
fn the_log_says_which_encoding_was_chosen_and_what_was_sent() {
    let backend = answering("200 OK", "Content-Type: text/html\r\n", content());
    let (folder, setup) = with_log(compressing());
    let proxy = Proxy::start(setup, &[backend.address]);
    let sent = proxy.ask(&get("zstd")).body.len();
    proxy.ask(&get("identity"));
    let lines = lines(&folder, proxy);
    assert_eq!((&lines[0]["encoding"], &lines[0]["bytes"]), (&"zstd".into(), &sent.into()));
    assert_eq!((lines[1].get("encoding"), &lines[1]["bytes"]), (None, &content().len().into()));
}
