//! The table of what is refused, and of what the rest means.
#![allow(clippy::unwrap_used)]

use super::*;

fn vetted(head: &str) -> Result<RequestHead, u16> {
    vet_bytes(head.as_bytes())
}

fn vet_bytes(head: &[u8]) -> Result<RequestHead, u16> {
    vet(head, Scheme::Http, 100, &mut Vec::new()).map_err(|refusal| refusal.status)
}

/// A GET with these further lines.
fn with(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n")
}

#[test]
fn heads_that_could_mean_two_things_are_refused() {
    for (lines, status) in [
        // Both framings, whatever their order and worth.
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
        ("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", 400),
        // Lengths.
        ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 5 5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5;\r\n", 400),
        ("Content-Length: \r\n", 400),
        ("Content-Length: five\r\n", 400),
        ("Content-Length: 9223372036854775808\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n", 400),
        // Codings.
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: ,chunked\r\n", 400),
        ("Transfer-Encoding: chunked,\r\n", 400),
        ("Transfer-Encoding: \r\n", 400),
        ("Transfer-Encoding: \"chunked\"\r\n", 400),
        ("Transfer-Encoding: chunked;q=1\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding: identity\r\n", 501),
        ("Transfer-Encoding: gzip\r\n", 501),
        // Hosts.
        ("Host: a.test\r\n", 400),
        ("host: b.test\r\n", 400),
        // Lines.
        ("Transfer-Encoding : chunked\r\n", 400),
        ("X: a\r\n folded\r\n", 400),
        ("X: a\r\n\tfolded\r\n", 400),
        ("X: a\rb\r\n", 400),
        ("X: a\nY: b\r\n", 400),
        ("X: a\0b\r\n", 400),
        ("X: a\u{1}b\r\n", 400),
        ("X: a\u{7f}b\r\n", 400),
        ("X\u{e9}: a\r\n", 400),
        (": a\r\n", 400),
        ("no colon\r\n", 400),
        ("X(: a\r\n", 400),
        ("Expect: the unexpected\r\n", 417),
        ("Expect: 100-continue\r\nExpect: 100-continue\r\n", 400),
    ] {
        assert_eq!(vetted(&with(lines)).err(), Some(status), "{}", lines.escape_debug());
    }
}

#[test]
fn request_lines_that_are_not_understood_are_refused() {
    for (line, status) in [
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/3.0", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET / HTTP/0.9", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/11", 400),
        ("GET /", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        (" GET / HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /#top HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
        ("GET /\u{1} HTTP/1.1", 400),
        ("GET a.test HTTP/1.1", 400),
        ("GET a.test:80 HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("OPTIONS ** HTTP/1.1", 400),
        ("GET https://a.test/ HTTP/1.1", 400),
        ("GET http:// HTTP/1.1", 400),
        ("GET http:///x HTTP/1.1", 400),
        ("GET http://b.test/ HTTP/1.1", 400),
        ("GET http://user@a.test/ HTTP/1.1", 400),
        ("GET http://a.test:81/ HTTP/1.1", 400),
        ("GET ftp://a.test/ HTTP/1.1", 400),
        ("CONNECT a.test:443 HTTP/1.1", 501),
        ("CONNECT / HTTP/1.1", 501),
    ] {
        assert_eq!(vetted(&format!("{line}\r\nHost: a.test\r\n\r\n")).err(), Some(status), "{line}");
    }
}

#[test]
fn hosts_are_names_or_addresses_with_a_port_at_most() {
    for host in ["a.test", "A.TEST.", "a.test:8080", "a.test:", "192.0.2.1", "[::1]", "[2001:db8::1]:80", "a_b", ""] {
        assert!(vetted(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_ok(), "{host}");
    }
    for host in [
        "a b", "a/b", "a@b", "a,b", "a:b", "a:80:80", "a:65536", "a:123456", ":80", "[::1", "::1", "[::1]x",
        "[a.test]", "[]", "a%2eb", "a\"b", "a;b", "h\u{e9}",
    ] {
        assert_eq!(vetted(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).err(), Some(400), "{host}");
    }
}

#[test]
fn old_requests_need_no_host_and_know_no_chunks() {
    let request = vetted("GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((request.version, request.authority), (Version::Http10, None));
    assert!(!request.keeps_alive());
    assert_eq!(vetted("GET / HTTP/1.1\r\n\r\n").err(), Some(400));
    assert_eq!(vetted("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").err(), Some(400));
    assert_eq!(vetted("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").err(), Some(400));
    let upgrade = "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n";
    let request = vetted(upgrade).unwrap();
    assert!(!request.upgrade && !request.expects_continue);
}

#[test]
fn targets_are_forwarded_in_origin_form() {
    let spelled = |head: &str| {
        let request = vetted(head).unwrap();
        let target = match request.target {
            Target::Path(span) => String::from_utf8(span.of_head(head.as_bytes()).to_vec()).unwrap(),
            Target::Rootless(span) => format!("/{}", std::str::from_utf8(span.of_head(head.as_bytes())).unwrap()),
            Target::Asterisk => "*".into(),
        };
        let host = request.authority.map(|host| String::from_utf8(host.of_head(head.as_bytes()).to_vec()).unwrap());
        let path = String::from_utf8(request.path(head.as_bytes()).to_vec()).unwrap();
        (target, host.unwrap_or_default(), path)
    };
    for (line, target, path) in [
        ("GET /a/b?c=/d", "/a/b?c=/d", "/a/b"),
        ("GET http://a.test/x?y", "/x?y", "/x"),
        ("GET HTTP://A.test:80", "/", "/"),
        ("GET http://a.test?y", "/?y", "/"),
        ("OPTIONS *", "*", "/"),
        ("OPTIONS http://a.test", "*", "/"),
        ("GET //a.test/x", "//a.test/x", "//a.test/x"),
    ] {
        let (found, host, routed) = spelled(&format!("{line} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        assert_eq!((found.as_str(), routed.as_str()), (target, path), "{line}");
        assert!(host.to_ascii_lowercase().starts_with("a.test"), "{line}: {host}");
    }
    assert_eq!(spelled("GET http://a.test/ HTTP/1.0\r\n\r\n").1, "a.test");
}

#[test]
fn bodies_and_connections_mean_what_the_head_says() {
    let of = |lines: &str| vetted(&with(lines)).unwrap();
    assert_eq!(of("").body, Length::None);
    assert_eq!(of("Content-Length: 007\r\n").body, Length::Exactly(7));
    assert_eq!(of("Content-Length: 9223372036854775807\r\n").body, Length::Exactly(i64::MAX as u64));
    assert_eq!(of("transfer-encoding:\tChunked \r\n").body, Length::Chunked);
    assert!(of("").keeps_alive() && !of("Connection: x, Close\r\n").keeps_alive());
    assert!(of("Connection: Upgrade\r\nUpgrade: websocket\r\n").upgrade);
    assert!(!of("Upgrade: websocket\r\n").upgrade);
    for http2 in ["h2c", "H2C", "websocket, h2c", "h2c, websocket", "h2", "h2c-14"] {
        let lines = format!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {http2}\r\nHTTP2-Settings: AA\r\n");
        assert!(!of(&lines).upgrade, "{http2}");
    }
    assert!(!of("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n").upgrade);
    assert!(of("Expect: 100-Continue\r\nContent-Length: 5\r\n").expects_continue);
    assert!(!of("Expect: 100-continue\r\n").expects_continue);
    assert!(of("TE: trailers\r\nConnection: te\r\n").te_trailers && !of("TE: trailers\r\n").te_trailers);
    assert!(of("").is_replayable() && !of("Content-Length: 1\r\n").is_replayable());
}

#[test]
fn there_is_an_end_to_fields_and_connection_options() {
    let many = "X: y\r\n".repeat(100);
    assert_eq!(vetted(&with(&many)).err(), Some(431));
    assert!(vetted(&with(&"X: y\r\n".repeat(99))).is_ok());
    let options = format!("Connection: {}\r\n", "a,".repeat(40));
    assert_eq!(vetted(&with(&options)).err(), Some(400));
}

#[test]
fn random_bytes_never_panic_and_never_pass_with_two_framings() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let whole =
        with("Content-Length: 5\r\nConnection: x\r\nTransfer-Encoding: chunked\r\nCookie: a=b\r\n").into_bytes();
    for _ in 0..50_000 {
        let mut head = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..head.len());
            match random.u8(..4) {
                0 => head[at] = random.u8(..),
                1 => head.insert(at, *random.choice(b"\r\n\t :,;\0aA0".iter()).unwrap()),
                2 if head.len() > 1 => drop(head.remove(at)),
                _ => head.truncate(at.max(1)),
            }
        }
        let mut fields = Vec::new();
        if vet(&head, Scheme::Http, 100, &mut fields).is_ok() {
            let count = |kind| fields.iter().filter(|field| field.kind == kind).count();
            let framings = count(FieldKind::ContentLength) + count(FieldKind::TransferEncoding);
            assert!(framings <= 1 && count(FieldKind::Host) == 1, "seed {seed}: {}", head.escape_ascii());
        }
    }
}
