//! Whatever a client sends, a backend sees whole, clean requests or nothing.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{OK, Proxy, Script, Setup};

/// What came in on each connection of a backend.
type Record = Arc<Mutex<Vec<Vec<u8>>>>;

/// A backend that takes every byte down, and answers each head at once.
fn recording() -> (Script, Record) {
    let record = Record::default();
    let kept = Arc::clone(&record);
    let script = Script::start(move |served, _| {
        let place = {
            let mut record = kept.lock().unwrap();
            record.push(Vec::new());
            record.len() - 1
        };
        let mut seen = Vec::new();
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = served.stream.read(&mut block) {
            seen.extend_from_slice(&block[..count]);
            kept.lock().unwrap()[place].extend_from_slice(&block[..count]);
            if seen.windows(4).any(|window| window == b"\r\n\r\n") {
                seen.clear();
                if served.stream.write_all(OK.as_bytes()).is_err() {
                    return;
                }
            }
        }
    });
    (script, record)
}

/// Takes one request from the front, by the letter of RFC 9112. None: it is cut off, which only the end may be.
fn take_request(bytes: &[u8]) -> Result<Option<(String, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    // Values may hold bytes that are not ASCII (obs-text, RFC 9110, 5.5).
    let head = String::from_utf8_lossy(&bytes[..end]);
    if head.replace("\r\n", "").contains(|character: char| character.is_ascii_control() && character != '\t') {
        return Err("a control character".into());
    }
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    if line.split(' ').count() != 3 || !line.ends_with(" HTTP/1.1") {
        return Err(format!("request line {line}"));
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or("no colon")?;
        if name.contains([' ', '\t']) {
            return Err(format!("name {name}"));
        }
        fields.push((name.to_ascii_lowercase(), value));
    }
    let all =
        |wanted: &str| fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect::<Vec<_>>();
    if all("host").len() != 1 {
        return Err("not one Host".into());
    }
    let start = end + 4;
    let length = match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([], []) => Some(0),
        ([length], []) => Some(length.parse().map_err(|_| "length")?).filter(|length| start + length <= bytes.len()),
        ([], ["chunked"]) => chunks(&bytes[start..])?,
        other => return Err(format!("framing {other:?}")),
    };
    Ok(length.map(|length| (line.to_owned(), start + length)))
}

/// How long a chunked body is; none: it is cut off.
fn chunks(bytes: &[u8]) -> Result<Option<usize>, String> {
    let mut at = 0;
    loop {
        let Some(end) = bytes[at..].windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let digits = std::str::from_utf8(&bytes[at..at + end]).map_err(|_| "digits")?;
        let size = usize::from_str_radix(digits, 16).map_err(|_| format!("size {digits}"))?;
        at += end + 2;
        if size == 0 {
            let rest = bytes[at..].windows(2).position(|window| window == b"\r\n");
            return if rest.is_none_or(|rest| rest == 0) { Ok(rest.map(|_| at + 2)) } else { Err("trailers".into()) };
        }
        match bytes.get(at + size..at + size + 2) {
            None => return Ok(None),
            Some(b"\r\n") => at += size + 2,
            Some(_) => return Err("no CR LF after a chunk".into()),
        }
    }
}

/// Every request a backend was sent; whatever is not one, whole and clean, fails the test.
fn requests(record: &Record, what: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for connection in record.lock().unwrap().iter() {
        let mut rest = connection.as_slice();
        loop {
            match take_request(rest) {
                Ok(None) => break,
                Ok(Some((line, length))) => {
                    lines.push(line);
                    rest = &rest[length..];
                }
                Err(error) => panic!("{what}: {error} in {}", connection.escape_ascii()),
            }
        }
    }
    lines
}

#[test]
fn nothing_of_a_refused_request_or_after_it_reaches_a_backend() {
    let (backend, record) = recording();
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: www.test\r\n\r\n";
    for (head, status) in [
        ("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding : chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: www.test\r\nX: a\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: www.test\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: www.test\r\nHost: evil.test\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: www.test\r\n\r\n", 505),
        ("GET /\r\n\r\n", 400),
        ("CONNECT www.test:80 HTTP/1.1\r\nHost: www.test\r\n\r\n", 501),
    ] {
        let mut client = proxy.connect();
        client.send(head);
        let _ = client.stream.write_all(smuggled.as_bytes());
        let response = client.response();
        assert_eq!((response.status(), response.field("connection")), (status, Some("close")), "{head}");
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        client.assert_closed();
    }
    assert!(record.lock().unwrap().is_empty(), "{:?}", record.lock().unwrap());
}

#[test]
fn a_malformed_chunked_body_ends_its_connection_before_anything_else_is_read() {
    let (backend, record) = recording();
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    for body in ["5\r\nhelloX\r\n", "0x1\r\na\r\n", "-1\r\n", "1\na\n0\n\n", "1;a\nb\r\na\r\n0\r\n\r\n"] {
        let mut client = proxy.connect();
        client.send("POST /first HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n");
        let _ = client.stream.write_all(body.as_bytes());
        let _ = client.stream.write_all(b"GET /smuggled HTTP/1.1\r\nHost: www.test\r\n\r\n");
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        client.rest();
    }
    let seen = requests(&record, "malformed chunks");
    assert!(seen.iter().all(|line| line == "POST /first HTTP/1.1"), "{seen:?}");
}

#[test]
fn heads_too_long_or_with_too_many_fields_are_431_and_long_targets_414() {
    let (backend, record) = recording();
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let head = |path: usize, value: usize, count: usize| {
        let fields = format!("X: {}\r\n", "v".repeat(value)).repeat(count);
        format!("GET /{} HTTP/1.1\r\nHost: www.test\r\n{fields}\r\n", "p".repeat(path))
    };
    for (request, status) in [(head(20_000, 1, 1), 414), (head(1, 20_000, 1), 431), (head(1, 1, 100), 431)] {
        let mut client = proxy.connect();
        let _ = client.stream.write_all(request.as_bytes());
        assert_eq!(client.response().status(), status);
    }
    assert!(record.lock().unwrap().is_empty());
}

#[test]
fn randomly_broken_requests_never_reach_a_backend_malformed() {
    let (backend, record) = recording();
    let mut setup = Setup::default();
    setup.timeouts.request_head = Duration::from_millis(20);
    setup.timeouts.body_idle = Duration::from_millis(20);
    let proxy = Proxy::start(setup, &[backend.address]);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let whole = b"POST /a?b HTTP/1.1\r\nHost: www.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nCookie: a=b\r\n\
                  Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for _ in 0..300 {
        let mut request = whole.to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..request.len());
            match random.u8(..3) {
                0 => request[at] = random.u8(..),
                1 => request.insert(at, *random.choice(b"\r\n\t :,;\0aA0".iter()).unwrap()),
                _ => drop(request.remove(at)),
            }
        }
        let mut client = proxy.connect();
        let _ = client.stream.write_all(&request);
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        client.rest();
    }
    let seen = requests(&record, &format!("seed {seed}"));
    assert!(!seen.is_empty(), "some mutations are harmless; seed {seed}");
    assert!(proxy.worker.as_ref().is_some_and(|worker| !worker.thread.is_finished()), "seed {seed}");
}
