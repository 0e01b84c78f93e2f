//! Heads: what the backend gets, what the visitor gets, one request after the other.

use std::sync::atomic::Ordering;

use crate::harness::{GET, OK, Proxy, Script, Setup};

#[test]
fn a_get_goes_through_and_back() {
    let backend = Script::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello");
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let response = proxy.ask(GET);
    assert_eq!(response.head, "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(response.body, b"hello");
    assert_eq!(
        backend.heads(),
        ["GET /page?x=1 HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\
          X-Forwarded-Host: www.test\r\nForwarded: for=127.0.0.1;host=\"www.test\";proto=http\r\nVia: 1.1 px-1\r\n\r\n"]
    );
}

#[test]
fn both_connections_are_kept_and_pipelined_requests_are_answered_in_order() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: www.test\r\n\r\n");
    client.send(&[one("/a"), one("/b"), "\r\n".into(), one("/c")].concat());
    for path in ["/a", "/b", "/c"] {
        assert_eq!(client.response().body, path.as_bytes());
    }
    client.send(&one("/d"));
    assert_eq!(client.response().body, b"/d");
    assert_eq!(backend.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn an_old_client_is_answered_and_closed_unless_it_asks_to_be_kept() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.0\r\nHost: www.test\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.response().field("connection"), Some("keep-alive"));
    client.send("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n");
    assert_eq!(client.response().field("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn another_spelling_of_a_field_that_is_set_or_read_here_is_dropped_whoever_sends_it() {
    let aliases = [
        "X_Forwarded_For",
        "X-Forwarded_For",
        "x.forwarded.for",
        "X_FORWARDED_PROTO",
        "X_Forwarded_Host",
        "X_Forwarded_Port",
        "Content_Length",
        "Transfer_Encoding",
        "Keep_Alive",
        "Proxy_Connection",
        "HTTP2_Settings",
        "Cache_Control",
        "Proxy_Authorization",
        "WWW_Authenticate",
        "X_Real_IP",
        "X_Original_URL",
        "Forwarded_For",
    ];
    let claims: String = aliases.iter().map(|name| format!("{name}: 6.6.6.6\r\n")).collect();
    let request =
        format!("GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-For: 203.0.113.9\r\n{claims}X_Other: kept\r\n\r\n");
    for (trusted, list) in [(vec!["127.0.0.0/8".parse().unwrap()], "203.0.113.9, 127.0.0.1"), (Vec::new(), "127.0.0.1")]
    {
        let backend = Script::answering(OK);
        let proxy = Proxy::start(Setup { trusted, ..Setup::default() }, &[backend.address]);
        assert_eq!(proxy.ask(&request).status(), 200);
        let head = backend.heads().remove(0);
        assert!(!head.contains("6.6.6.6"), "{head}");
        assert!(head.contains("\r\nX_Other: kept\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nX-Forwarded-For: {list}\r\n")), "{head}");
    }
}
