//! Header fields that a service sets, adds and takes away, whichever versions of HTTP are spoken.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use polder::proxy::edge::Edge;
use polder::proxy::snapshot::Https;

use crate::h2_backend::Streams;
use crate::h2_client::{H2, post, send, whole};
use crate::harness::{GET, OK, Proxy, Script, Setup, field, refusing};
use crate::tls::www;

/// What a service with these keys does.
pub fn edge(keys: &str) -> Option<Arc<Edge>> {
    let document = format!(
        r#"{{ "version": 1, "name": "px", "admin": {{ "socket": "/a.sock" }}, "state_dir": "/s",
        "listeners": [{{ "name": "https", "address": "0.0.0.0:443", "protocol": "https" }}],
        "services": {{ "www": {{ "hosts": ["www.test"], "mode": "stateless", "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}],
            "tls": {{ "certificates": [{{ "chain_file": "/c", "key_file": "/k" }}] }}, {keys} }} }} }}"#
    );
    let document =
        polder::config::proxy::parse(Path::new("proxy.json"), &document).unwrap_or_else(|error| panic!("{error}"));
    Edge::of(&document.services["www"])
}

const REQUESTS: &str = r#""request_headers": { "set": { "X-Real-IP": "{client}", "X-Edge": "{service} {scheme} {tls_version}" },
    "add": { "Accept": "text/plain" }, "remove": ["Cookie", "X-Debug-*"] }"#;

/// All values of a field.
fn values<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[test]
fn a_backend_gets_what_the_service_says_and_nothing_of_that_from_a_visitor() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { edge: edge(REQUESTS), ..Setup::default() }, &[backend.address]);
    let asked = proxy.ask(
        "GET / HTTP/1.1\r\nHost: www.test\r\nX-Real-IP: 10.9.9.9\r\nX_Real_IP: 10.9.9.9\r\nx-edge: forged\r\nCookie: a=b\r\n\
         X-Debug-Me: 1\r\nx_debug_you: 1\r\nX-Debug: stays\r\nAccept: text/html\r\nConnection: X-Real-IP, X-Edge\r\n\r\n",
    );
    assert_eq!(asked.status(), 200);
    let head = &backend.heads()[0];
    assert_eq!(values(head, "X-Real-IP"), ["127.0.0.1"], "{head}");
    assert_eq!(values(head, "X-Edge"), ["www http"], "{head}");
    assert_eq!(values(head, "Accept"), ["text/html", "text/plain"], "{head}");
    assert_eq!(values(head, "X-Debug"), ["stays"], "{head}");
    for gone in ["X_Real_IP", "Cookie", "X-Debug-Me", "x_debug_you"] {
        assert_eq!(values(head, gone), [""; 0], "{head}");
    }
}

#[test]
fn the_visitor_behind_a_trusted_proxy_is_the_client() {
    let backend = Script::answering(OK);
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let edge = edge(
        r#""request_headers": { "set": { "X-Real-IP": "{client}", "X-Port": "{client_port}", "X-Scheme": "{scheme}" } }"#,
    );
    let proxy = Proxy::start(Setup { edge, trusted, ..Setup::default() }, &[backend.address]);
    proxy.ask(
        "GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.9\r\nX-Forwarded-Proto: https\r\n\r\n",
    );
    let head = &backend.heads()[0];
    assert_eq!((field(head, "X-Real-IP"), field(head, "X-Port")), (Some("192.0.2.9"), None), "{head}");
    assert_eq!(field(head, "X-Scheme"), Some("https"), "{head}");
}

#[test]
fn another_host_reaches_the_backend_and_the_visitors_is_told_beside_it() {
    let backend = Script::answering(OK);
    let edge = edge(r#""request_headers": { "set": { "Host": "app.internal:8080" } }"#);
    let proxy = Proxy::start(Setup { edge, ..Setup::default() }, &[backend.address]);
    assert_eq!(proxy.ask(GET).status(), 200);
    let head = &backend.heads()[0];
    assert_eq!(values(head, "Host"), ["app.internal:8080"], "{head}");
    assert_eq!(field(head, "X-Forwarded-Host"), Some("www.test"), "{head}");
}

const RESPONSES: &str = r#""response_headers": { "set": { "X-Frame-Options": "DENY", "Cache-Control": "max-age=60", "X-Id": "{request_id}" },
    "add": { "Vary": "Origin" }, "remove": ["Server", "X-Powered-*"] }, "request_headers": { "set": { "X-Id": "{request_id}" } }"#;

#[test]
fn a_visitor_gets_what_the_service_says_and_interim_responses_and_trailers_stay_as_they_are() {
    const TALKATIVE: &str = "HTTP/1.1 103 Early Hints\r\nServer: early\r\n\r\nHTTP/1.1 200 OK\r\nServer: nginx\r\nX-Powered-By: php\r\n\
         X-Frame-Options: ALLOW\r\nVary: Accept\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nServer: late\r\n\r\n";
    let backend = Script::answering(TALKATIVE);
    let proxy = Proxy::start(Setup { edge: edge(RESPONSES), ..Setup::default() }, &[backend.address]);
    let mut client = proxy.connect();
    let mut ids = Vec::new();
    for round in 0..2 {
        client.send(GET);
        let early = client.head();
        assert!(early.contains("Server: early") && !early.contains("X-Id"), "{early}");
        let response = client.response();
        let head = &response.head;
        assert_eq!(values(head, "X-Frame-Options"), ["DENY"], "{head}");
        assert_eq!(values(head, "Cache-Control"), ["max-age=60"], "{head}");
        assert_eq!(values(head, "Vary"), ["Accept", "Origin"], "{head}");
        assert_eq!((response.field("Server"), response.field("X-Powered-By")), (None, None), "{head}");
        assert_eq!((response.body.as_slice(), response.trailers.as_str()), (&b"ok"[..], "Server: late\r\n"));
        let id = response.field("X-Id").unwrap().to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(field(&backend.heads()[round], "X-Id"), Some(&*id), "the backend knows it by the same");
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_switch_of_protocols_is_a_final_response() {
    let backend = Script::answering(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\nServer: x\r\n\r\n",
    );
    let proxy = Proxy::start(Setup { edge: edge(RESPONSES), ..Setup::default() }, &[backend.address]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");
    let head = client.head();
    assert_eq!((field(&head, "Server"), field(&head, "X-Frame-Options")), (None, Some("DENY")), "{head}");
    assert_eq!(field(&head, "Upgrade"), Some("chat"), "{head}");
}

#[test]
fn a_cookie_that_is_set_keeps_the_response_from_caches_whatever_the_service_removes() {
    let backend = Script::answering("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n");
    let edge = edge(r#""response_headers": { "remove": ["Cache-Control"] }"#);
    let proxy = Proxy::start(Setup { edge, sticky: true, ..Setup::default() }, &[backend.address]);
    let response = proxy.ask(GET);
    assert!(response.field("Set-Cookie").is_some(), "{}", response.head);
    assert_eq!(values(&response.head, "Cache-Control"), ["private"]);
}

#[test]
fn answers_of_the_proxys_own_have_them_too_and_say_themselves_what_they_say() {
    let (authority, secure) = www();
    drop(authority);
    let mut proxy = Proxy::start(Setup { edge: edge(RESPONSES), in_clear: true, ..secure }, &[refusing()]);
    let broken = proxy.ask(GET);
    assert_eq!(broken.status(), 503);
    assert_eq!(broken.field("X-Frame-Options"), Some("DENY"), "{}", broken.head);
    assert_eq!(broken.field("X-Id").map(str::len), Some(16), "{}", broken.head);
    assert_eq!(values(&broken.head, "Cache-Control"), ["no-store"], "a 503 must not last");
    proxy.swap(|setup| setup.https = Https { redirect: Some(443), ..Https::default() });
    let sent = proxy.ask(GET);
    assert_eq!((sent.status(), sent.field("X-Frame-Options")), (308, Some("DENY")), "{}", sent.head);
    let ready = proxy.ask("GET /.polder/ready HTTP/1.1\r\nHost: www.test\r\n\r\n");
    assert_eq!((ready.status(), ready.field("X-Frame-Options")), (200, None), "that is no service's");
}

#[tokio::test]
async fn visitors_and_backends_of_http_2_have_the_same_done_to_their_messages() {
    let keys = r#""request_headers": { "set": { "X-Real-IP": "{client}", "X-Tls": "{tls_version} {tls_cipher} {tls_server_name}" }, "remove": ["X-Debug-*"] },
        "response_headers": { "set": { "X-Id": "{request_id}" }, "remove": ["Server"] }"#;
    let backend = Streams::start(|_, mut respond| {
        Box::pin(async move {
            let response = Response::builder().header("server", "x").header("x-id", "theirs").body(()).unwrap();
            respond.send_response(response, true).unwrap();
        })
    })
    .await;
    let (authority, secure) = www();
    let setup = Setup { edge: edge(keys), backend_version: polder::config::HttpVersion::Http2, ..secure };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request =
        Request::get("https://www.test/").header("x-real-ip", "10.9.9.9").header("x-debug-a", "1").body(()).unwrap();
    let response = client.ask(request).await;
    assert_eq!((response.status(), response.field("server")), (200, None));
    assert_eq!(response.head.headers().get_all("x-id").iter().count(), 1);
    assert_eq!(response.field("x-id").map(str::len), Some(16));
    let asked = backend.heads()[0].headers().clone();
    assert_eq!(asked.get_all("x-real-ip").iter().collect::<Vec<_>>(), ["127.0.0.1"]);
    let tls = asked["x-tls"].to_str().unwrap();
    assert!(tls.starts_with("TLSv1.3 TLS_") && tls.ends_with(" www.test"), "{tls}");
    assert!(!asked.contains_key("x-debug-a"));
}

/// Services of these keys, and what of a visitor's trailers reaches their backends: none, where header fields are the proxy's to say.
fn trailing(auth: &Script) -> [(String, &'static str); 3] {
    let asking = format!(r#""forward_auth": {{ "address": "{}", "copy": ["X-Edge"] }}"#, auth.address);
    [(REQUESTS.to_owned(), ""), (asking, ""), (r#""max_request_body": 100"#.to_owned(), "x-edge: forged\r\n")]
}

/// A backend that takes a request's chunks for a second head.
fn taking_chunks() -> Script {
    Script::start(|served, _| {
        while served.head().is_some() {
            served.head();
            served.send(OK);
        }
    })
}

#[test]
fn no_trailer_of_a_visitor_reaches_backends_that_might_take_it_for_a_field_of_the_proxys() {
    let (auth, backend) = (Script::answering(OK), taking_chunks());
    for (keys, trailers) in trailing(&auth) {
        let proxy = Proxy::start(Setup { edge: edge(&keys), ..Setup::default() }, &[backend.address]);
        let asked = proxy.ask(
            "POST / HTTP/1.1\r\nHost: www.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-edge: forged\r\n\r\n",
        );
        assert_eq!(asked.status(), 200, "{keys}");
        assert_eq!(backend.heads().pop(), Some(format!("5\r\nhello\r\n0\r\n{trailers}\r\n")), "{keys}");
    }
}

#[tokio::test]
async fn no_trailer_of_a_visitor_over_http_2_reaches_them_either() {
    let (auth, backend) = (Script::answering(OK), taking_chunks());
    for (keys, trailers) in trailing(&auth) {
        let (authority, secure) = www();
        let proxy = Proxy::start(Setup { edge: edge(&keys), ..secure }, &[backend.address]);
        let mut client = H2::connect(&proxy, &authority).await;
        let (response, mut stream) = client.begin(post("/"), false).await;
        send(&mut stream, Bytes::from_static(b"hello"), false).await;
        stream
            .send_trailers(HeaderMap::from_iter([(http::HeaderName::from_static("x-edge"), "forged".parse().unwrap())]))
            .unwrap();
        assert_eq!(whole(response).await.unwrap().status(), 200, "{keys}");
        assert_eq!(backend.heads().pop(), Some(format!("5\r\nhello\r\n0\r\n{trailers}\r\n")), "{keys}");
    }
}
