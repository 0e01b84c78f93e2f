//! What RFC 9113 says that an endpoint MUST do, as frames: the section, what is sent after the preface, and what comes of it.
//!
//! Where the RFC wants COMPRESSION_ERROR, or FRAME_SIZE_ERROR for a frame of a wrong length, the `h2` crate says PROTOCOL_ERROR; some
//! errors of a stream it takes for errors of the connection, as every endpoint may (5.4.1).

use crate::authority::Authority;
use crate::h2_frames::*;
use crate::harness::{OK, Proxy, Script};
use crate::tls::www;

/// Error codes (RFC 9113, 7).
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const REFUSED_STREAM: u32 = 7;

/// What comes of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// A response with this status on stream 1 or, where that is said, on another one.
    Served(u16),
    /// RST_STREAM with this code.
    Stream(u32),
    /// GOAWAY with this code, and the end of the connection.
    Connection(u32),
    /// The end of the connection without a word.
    Closed,
}

use Reaction::{Closed, Connection, Served, Stream};

struct Rule {
    section: &'static str,
    what: &'static str,
    frames: Vec<Vec<u8>>,
    expected: Reaction,
}

fn rule(section: &'static str, what: &'static str, expected: Reaction, frames: &[Vec<u8>]) -> Rule {
    Rule { section, what, frames: frames.to_vec(), expected }
}

fn get() -> Vec<u8> {
    get_with(1, &[])
}

/// A GET without some of its fields, or with others.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    request(1, fields)
}

fn frames() -> Vec<Rule> {
    let head = block(&GET);
    vec![
        rule("4.1", "a frame of an unknown type is ignored", Served(200), &[frame(0x42, 0xff, 1, b"x"), get()]),
        rule("4.1", "flags that mean nothing are ignored", Served(200), &[frame(PING, 0xfe, 0, &[0; 8]), get()]),
        rule("4.1", "the reserved bit is ignored", Served(200), &[frame(HEADERS, 5, 1 << 31 | 1, &head)]),
        rule(
            "4.2",
            "a frame longer than allowed",
            Connection(FRAME_SIZE_ERROR),
            &[post(1, &[]), frame(DATA, 0, 1, &[0; 16385])],
        ),
        rule("4.3", "a block that cannot be decoded", Connection(PROTOCOL_ERROR), &[frame(HEADERS, 5, 1, &[0xff; 5])]),
        rule(
            "4.3",
            "another frame within a head",
            Connection(PROTOCOL_ERROR),
            &[frame(HEADERS, 1, 1, &head), frame(PING, 0, 0, &[0; 8])],
        ),
        rule(
            "4.3",
            "CONTINUATION of another stream within a head",
            Connection(PROTOCOL_ERROR),
            &[frame(HEADERS, 1, 1, &head), frame(CONTINUATION, 4, 3, &[])],
        ),
        rule(
            "4.3.1",
            "a table larger than was agreed",
            Connection(PROTOCOL_ERROR),
            &[frame(HEADERS, 5, 1, &[&[0x3f, 0xe2, 0x1f][..], &head].concat())],
        ),
        rule(
            "6.10",
            "a head in pieces",
            Served(200),
            &[
                frame(HEADERS, 1, 1, &head[..9]),
                frame(CONTINUATION, 0, 1, &head[9..20]),
                frame(CONTINUATION, 4, 1, &head[20..]),
            ],
        ),
        rule("6.10", "CONTINUATION without a head", Connection(PROTOCOL_ERROR), &[frame(CONTINUATION, 4, 1, &head)]),
        rule(
            "6.10",
            "CONTINUATION after a whole head",
            Connection(PROTOCOL_ERROR),
            &[post(1, &[]), frame(CONTINUATION, 4, 1, &[])],
        ),
        rule(
            "6.10",
            "CONTINUATION of stream 0",
            Connection(PROTOCOL_ERROR),
            &[frame(HEADERS, 1, 1, &head), frame(CONTINUATION, 4, 0, &[])],
        ),
        rule("6.1", "DATA of stream 0", Connection(PROTOCOL_ERROR), &[frame(DATA, 1, 0, b"x")]),
        rule(
            "6.1",
            "padding as long as the frame",
            Connection(PROTOCOL_ERROR),
            &[post(1, &[]), frame(DATA, PADDED, 1, &[4, 0, 0, 0])],
        ),
        rule("6.2", "HEADERS of stream 0", Connection(PROTOCOL_ERROR), &[frame(HEADERS, 5, 0, &head)]),
        rule(
            "6.2",
            "padding longer than the frame",
            Connection(PROTOCOL_ERROR),
            &[frame(HEADERS, 5 | PADDED, 1, &[&[255][..], &head].concat())],
        ),
        rule(
            "6.2",
            "padding within bounds",
            Served(200),
            &[frame(HEADERS, 5 | PADDED, 1, &[&[2][..], &head, &[0, 0]].concat())],
        ),
        rule("6.3", "PRIORITY of stream 0", Connection(PROTOCOL_ERROR), &[frame(PRIORITY, 0, 0, &[0, 0, 0, 0, 1])]),
        rule("6.3", "PRIORITY of an idle stream", Served(200), &[frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 1]), get()]),
        rule("6.3", "PRIORITY of another length", Connection(PROTOCOL_ERROR), &[frame(PRIORITY, 0, 1, &[0; 4])]),
        rule("6.4", "RST_STREAM of stream 0", Connection(PROTOCOL_ERROR), &[frame(RST_STREAM, 0, 0, &[0; 4])]),
        rule("6.4", "RST_STREAM of an idle stream", Connection(PROTOCOL_ERROR), &[frame(RST_STREAM, 0, 1, &[0; 4])]),
        rule(
            "6.4",
            "RST_STREAM of another length",
            Connection(PROTOCOL_ERROR),
            &[post(1, &[]), frame(RST_STREAM, 0, 1, &[0; 3])],
        ),
        rule("6.5", "SETTINGS of a stream", Connection(PROTOCOL_ERROR), &[frame(SETTINGS, 0, 1, &[])]),
        rule("6.5", "SETTINGS of another length", Connection(PROTOCOL_ERROR), &[frame(SETTINGS, 0, 0, &[0; 5])]),
        rule("6.5", "an acknowledgement with content", Connection(PROTOCOL_ERROR), &[frame(SETTINGS, ACK, 0, &[0; 6])]),
        rule("6.5.2", "ENABLE_PUSH that is no truth value", Connection(PROTOCOL_ERROR), &[setting(2, 2)]),
        rule("6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1", Connection(PROTOCOL_ERROR), &[setting(4, 1 << 31)]),
        rule("6.5.2", "MAX_FRAME_SIZE below 2^14", Connection(PROTOCOL_ERROR), &[setting(5, 16383)]),
        rule("6.5.2", "MAX_FRAME_SIZE above 2^24-1", Connection(PROTOCOL_ERROR), &[setting(5, 1 << 24)]),
        rule("6.5.2", "an unknown setting is ignored", Served(200), &[setting(0x99, 7), get()]),
        rule(
            "6.6",
            "PUSH_PROMISE of a client",
            Connection(PROTOCOL_ERROR),
            &[frame(PUSH_PROMISE, 4, 1, &[&[0, 0, 0, 2][..], &head].concat())],
        ),
        rule("6.7", "PING of a stream", Connection(PROTOCOL_ERROR), &[frame(PING, 0, 1, &[0; 8])]),
        rule("6.7", "PING of another length", Connection(PROTOCOL_ERROR), &[frame(PING, 0, 0, &[0; 7])]),
        rule("6.8", "GOAWAY of a stream", Connection(PROTOCOL_ERROR), &[frame(GOAWAY, 0, 1, &[0; 8])]),
        rule("6.8", "a client that takes its leave is served", Served(200), &[get(), frame(GOAWAY, 0, 0, &[0; 8])]),
        rule(
            "6.9",
            "WINDOW_UPDATE of 0 for a stream",
            Connection(PROTOCOL_ERROR),
            &[post(1, &[]), frame(WINDOW_UPDATE, 0, 1, &[0; 4])],
        ),
        rule(
            "6.9",
            "WINDOW_UPDATE of 0 for the connection",
            Connection(PROTOCOL_ERROR),
            &[frame(WINDOW_UPDATE, 0, 0, &[0; 4])],
        ),
        rule(
            "6.9",
            "WINDOW_UPDATE of another length",
            Connection(PROTOCOL_ERROR),
            &[frame(WINDOW_UPDATE, 0, 0, &[0; 3])],
        ),
        rule(
            "6.9",
            "WINDOW_UPDATE of an idle stream",
            Connection(PROTOCOL_ERROR),
            &[frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])],
        ),
        rule(
            "6.9.1",
            "a stream's window above 2^31-1",
            Stream(FLOW_CONTROL_ERROR),
            &[post(1, &[]), frame(WINDOW_UPDATE, 0, 1, &[0x7f, 255, 255, 255])],
        ),
        rule(
            "6.9.1",
            "the connection's window above 2^31-1",
            Connection(FLOW_CONTROL_ERROR),
            &[frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255])],
        ),
        rule(
            "6.9.2",
            "a setting that makes a window overflow",
            Connection(FLOW_CONTROL_ERROR),
            &[post(1, &[]), frame(WINDOW_UPDATE, 0, 1, &[0, 1, 0, 0]), setting(4, 0x7fff_ffff)],
        ),
    ]
}

fn streams() -> Vec<Rule> {
    vec![
        rule("5.1", "DATA of an idle stream", Connection(PROTOCOL_ERROR), &[frame(DATA, 1, 1, b"x")]),
        rule(
            "5.1",
            "DATA after the stream's end",
            Connection(PROTOCOL_ERROR),
            &[get_with(1, &[("x-slow", "1")]), frame(DATA, 1, 1, b"x")],
        ),
        rule(
            "5.1",
            "HEADERS after the stream's end",
            Connection(PROTOCOL_ERROR),
            &[get_with(1, &[("x-slow", "1")]), frame(HEADERS, 5, 1, &block(&GET))],
        ),
        rule(
            "5.1",
            "DATA after a reset",
            Stream(STREAM_CLOSED),
            &[post(1, &[]), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), frame(DATA, 1, 1, b"x")],
        ),
        rule("5.1.1", "a stream of an even number", Connection(PROTOCOL_ERROR), &[get_with(2, &[])]),
        rule("5.1.1", "a stream of a lower number", Connection(PROTOCOL_ERROR), &[post(3, &[]), get()]),
        rule(
            "5.1.2",
            "more streams than allowed",
            Stream(REFUSED_STREAM),
            &(0..101).map(|number| post(number * 2 + 1, &[])).collect::<Vec<_>>(),
        ),
        rule(
            "8.1",
            "trailers that do not end the stream",
            Stream(PROTOCOL_ERROR),
            &[post(1, &[]), frame(HEADERS, END_HEADERS, 1, &block(&[("x", "y")]))],
        ),
        rule(
            "8.1.1",
            "less content than was said",
            Stream(PROTOCOL_ERROR),
            &[post(1, &[("content-length", "2")]), frame(DATA, 1, 1, b"x")],
        ),
        rule(
            "8.1.1",
            "more content than was said",
            Stream(PROTOCOL_ERROR),
            &[post(1, &[("content-length", "1")]), frame(DATA, 0, 1, b"xx")],
        ),
        rule(
            "8.1.1",
            "no content where some was said",
            Stream(PROTOCOL_ERROR),
            &[get_with(1, &[("content-length", "1")])],
        ),
        rule(
            "8.1.1",
            "lengths that differ",
            Stream(PROTOCOL_ERROR),
            &[get_with(1, &[("content-length", "0"), ("content-length", "1")])],
        ),
        rule("8.1.1", "a length that is none", Stream(PROTOCOL_ERROR), &[get_with(1, &[("content-length", "+1")])]),
        rule("3.4", "the client's own settings first", Served(200), &[get()]),
    ]
}

fn heads() -> Vec<Rule> {
    let with = |name: &'static str, value: &'static str| get_with(1, &[(name, value)]);
    let [method, scheme, authority, path] = GET;
    vec![
        rule("8.2.1", "capitals in a name", Connection(PROTOCOL_ERROR), &[with("X-Name", "x")]),
        rule("8.2.1", "a blank in a name", Connection(PROTOCOL_ERROR), &[with("x name", "x")]),
        rule("8.2.1", "a colon in a name", Connection(PROTOCOL_ERROR), &[with("x:name", "x")]),
        rule("8.2.1", "CR LF in a value", Connection(PROTOCOL_ERROR), &[with("x", "y\r\nhost: evil")]),
        rule("8.2.1", "NUL in a value", Connection(PROTOCOL_ERROR), &[with("x", "y\0")]),
        rule("8.2.1", "LF in a name", Connection(PROTOCOL_ERROR), &[with("x\ny", "z")]),
        rule("8.2.1", "a blank before a value", Served(400), &[with("x", " y")]),
        rule("8.2.1", "a blank behind a value", Served(400), &[with("x", "y ")]),
        rule("8.2.2", "Connection", Stream(PROTOCOL_ERROR), &[with("connection", "close")]),
        rule("8.2.2", "Keep-Alive", Stream(PROTOCOL_ERROR), &[with("keep-alive", "5")]),
        rule("8.2.2", "Proxy-Connection", Stream(PROTOCOL_ERROR), &[with("proxy-connection", "x")]),
        rule("8.2.2", "Transfer-Encoding", Stream(PROTOCOL_ERROR), &[with("transfer-encoding", "chunked")]),
        rule("8.2.2", "Upgrade", Stream(PROTOCOL_ERROR), &[with("upgrade", "websocket")]),
        rule("8.2.2", "TE other than trailers", Stream(PROTOCOL_ERROR), &[with("te", "gzip")]),
        rule("8.2.2", "TE: trailers", Served(200), &[with("te", "trailers")]),
        rule("8.2.3", "cookies in crumbs", Served(200), &[get_with(1, &[("cookie", "a=1"), ("cookie", "b=2")])]),
        rule(
            "8.3",
            "a pseudo-header field behind a field",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, ("x", "y"), path])],
        ),
        rule("8.3", "an unknown pseudo-header field", Connection(PROTOCOL_ERROR), &[with(":unknown", "x")]),
        rule(
            "8.3",
            "a pseudo-header field of responses",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, path, (":status", "200")])],
        ),
        rule("8.3.1", "no :method", Stream(PROTOCOL_ERROR), &[fields(&[scheme, authority, path])]),
        rule("8.3.1", "no :scheme", Stream(PROTOCOL_ERROR), &[fields(&[method, authority, path])]),
        rule("8.3.1", "no :path", Stream(PROTOCOL_ERROR), &[fields(&[method, scheme, authority])]),
        rule("8.3.1", "an empty :path", Stream(PROTOCOL_ERROR), &[fields(&[method, scheme, authority, (":path", "")])]),
        rule("8.3.1", "two :method", Stream(PROTOCOL_ERROR), &[fields(&[method, method, scheme, authority, path])]),
        rule(
            "8.3.1",
            "two :path",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, path, (":path", "/b")])],
        ),
        rule(
            "8.3.1",
            "a :path with a blank",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, (":path", "/ HTTP/1.1")])],
        ),
        rule(
            "8.3.1",
            "a :path with CR LF",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, (":path", "/\r\nx: y")])],
        ),
        rule(
            "8.3.1",
            "a :path without a slash",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, (":path", "page")])],
        ),
        rule(
            "8.3.1",
            "a :path that is a URL",
            Stream(PROTOCOL_ERROR),
            &[fields(&[method, scheme, authority, (":path", "https://www.test/")])],
        ),
        // The `http` crate cuts it off before we see the path: route and backend have the same one.
        rule(
            "8.3.1",
            "a :path with a fragment",
            Served(200),
            &[fields(&[method, scheme, authority, (":path", "/a#b")])],
        ),
        // The `h2` crate drops it before we see the trailers.
        rule(
            "8.1",
            "a pseudo-header field among trailers",
            Served(200),
            &[
                post(1, &[]),
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[(":evil", "x"), (":path", "/evil")][1..])),
            ],
        ),
        rule(
            "8.3.1",
            "* of another method than OPTIONS",
            Served(400),
            &[fields(&[method, scheme, authority, (":path", "*")])],
        ),
        rule(
            "8.3.1",
            ":authority with a user",
            Served(400),
            &[fields(&[method, scheme, (":authority", "user@www.test"), path])],
        ),
        rule("8.3.1", ":authority that Host contradicts", Served(400), &[with("host", "other.test")]),
        rule("8.3.1", "Host that says the same", Served(200), &[with("host", "www.test")]),
        rule("8.3.1", "Host alone", Served(200), &[fields(&[method, scheme, path, ("host", "www.test")])]),
        rule("8.3.1", "no host at all", Served(400), &[fields(&[method, scheme, path])]),
        rule("8.3.1", "another scheme", Served(400), &[fields(&[method, (":scheme", "http"), authority, path])]),
        rule(
            "8.3.1",
            "a method with a blank",
            Connection(PROTOCOL_ERROR),
            &[fields(&[(":method", "GET /"), scheme, authority, path])],
        ),
        rule(
            "8.5",
            "CONNECT with a path",
            Stream(PROTOCOL_ERROR),
            &[fields(&[(":method", "CONNECT"), scheme, authority, path])],
        ),
        rule("8.5", "CONNECT", Served(501), &[fields(&[(":method", "CONNECT"), authority])]),
        rule("RFC 8441, 4", ":protocol without CONNECT", Stream(PROTOCOL_ERROR), &[with(":protocol", "websocket")]),
    ]
}

/// The first thing that comes of frames.
fn reaction(proxy: &Proxy, authority: &Authority, rule: &Rule) -> Reaction {
    let mut connection = Frames::connect(proxy, authority);
    connection.send(&rule.frames.concat());
    loop {
        let Some(event) = connection.event() else { return Closed };
        match event.kind {
            GOAWAY if event.code() != NO_ERROR => return Connection(event.code()),
            RST_STREAM => return Stream(event.code()),
            HEADERS => return event.status().map_or(Closed, Served),
            _ => {}
        }
    }
}

#[test]
fn what_rfc_9113_forbids_is_refused_and_what_it_allows_is_served() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.contains("x-slow") {
                served.rest();
            }
            served.send(OK);
        }
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut wrong = Vec::new();
    let rules = frames().into_iter().chain(streams()).chain(heads());
    for rule in rules {
        let came = reaction(&proxy, &authority, &rule);
        if came != rule.expected {
            wrong.push(format!("{}, {}: expected {:?}, came {came:?}", rule.section, rule.what, rule.expected));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for head in backend.heads() {
        assert!(!head.contains("evil"), "{head}");
    }
}

#[test]
fn what_does_not_begin_as_http_2_does_ends_the_connection() {
    let (authority, setup) = www();
    let proxy = Proxy::start(setup, &[]);
    for first in [&b"GET / HTTP/1.1\r\nHost: www.test\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\x00"] {
        let mut connection = Frames::silent(&proxy, &authority);
        connection.send(first);
        assert!(matches!(connection.farewell(), None | Some(PROTOCOL_ERROR)));
    }
}
