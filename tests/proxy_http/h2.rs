//! HTTP/2 to visitors: requests go the way of all requests.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;

use crate::h2_client::{H2, eventually, get, post, send, soon, whole};
use crate::harness::{OK, Proxy, Script, Setup, field};
use crate::tls::www;

#[tokio::test]
async fn requests_of_http_2_reach_the_backend_as_http_1_1_and_say_where_they_come_from() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = Request::get("https://www.test/page?x=1").header("accept", "text/html").body(()).unwrap();
    let response = client.ask(request).await;
    assert_eq!((response.status(), response.body.as_slice()), (200, &b"ok"[..]));
    assert_eq!(response.field("content-length"), Some("2"));
    assert_eq!(response.field("connection"), None);
    let head = &backend.heads()[0];
    assert!(head.starts_with("GET /page?x=1 HTTP/1.1\r\nHost: www.test\r\n"), "{head}");
    assert_eq!(field(head, "accept"), Some("text/html"));
    assert_eq!(field(head, "X-Forwarded-Proto"), Some("https"));
    assert_eq!(field(head, "Via"), Some("2.0 px-1"));
    assert_eq!(field(head, "Content-Length"), None);
    assert_eq!(field(head, "Transfer-Encoding"), None);
}

#[tokio::test]
async fn large_bodies_come_through_both_ways_on_many_streams_at_once() {
    const LENGTH: usize = 1_000_000;
    let (authority, setup) = www();
    let backend = Script::echoing(LENGTH);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let mut running = Vec::new();
    for number in 0..8_usize {
        let request = Request::post("https://www.test/").header("content-length", LENGTH).body(()).unwrap();
        let (response, mut stream) = client.begin(request, false).await;
        let body: Bytes = (0..LENGTH).map(|index| ((index + number) % 251) as u8).collect();
        running.push(tokio::spawn(async move {
            let expected = body.clone();
            let sending = tokio::spawn(async move { send(&mut stream, body, true).await });
            let response = whole(response).await.unwrap();
            sending.await.unwrap();
            assert!(response.body == expected, "the body of stream {number} is another one");
        }));
    }
    for stream in running {
        stream.await.unwrap();
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_and_its_trailers_pass_both_ways() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        let head = served.head().unwrap();
        assert_eq!(field(&head, "Transfer-Encoding"), Some("chunked"));
        assert_eq!(field(&head, "TE"), Some("trailers"));
        let expected = "5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n";
        assert_eq!(served.bytes(expected.len()), expected.as_bytes());
        served.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Status\r\n\r\n");
        served.send("3\r\nabc\r\n0\r\nX-Status: fine\r\nContent-Length: 3\r\n\r\n");
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = Request::post("https://www.test/").header("te", "trailers").body(()).unwrap();
    let (response, mut stream) = client.begin(request, false).await;
    send(&mut stream, Bytes::from_static(b"hello"), false).await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    let response = whole(response).await.unwrap();
    assert_eq!(response.body, b"abc");
    assert_eq!(response.field("trailer"), Some("X-Status"));
    assert_eq!(response.trailers.len(), 1, "only what may stand in a trailer section: {:?}", response.trailers);
    assert_eq!(response.trailers["x-status"], "fine");
}

#[tokio::test]
async fn head_and_responses_without_content_end_with_their_head() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            match () {
                () if head.starts_with("HEAD") => served.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
                () if head.contains("/none") => served.send("HTTP/1.1 204 No Content\r\n\r\n"),
                () => served.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"x\"\r\n\r\n"),
            }
        }
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let head = client.ask(Request::head("https://www.test/").body(()).unwrap()).await;
    assert_eq!((head.status(), head.field("content-length"), head.body.len()), (200, Some("1000"), 0));
    let none = client.get("/none").await;
    assert_eq!((none.status(), none.field("content-length"), none.body.len()), (204, None, 0));
    let same = client.get("/same").await;
    assert_eq!((same.status(), same.field("etag"), same.body.len()), (304, Some("\"x\""), 0));
}

#[tokio::test]
async fn interim_responses_pass_and_release_a_body_that_was_held_back() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        let head = served.head().unwrap();
        assert_eq!(field(&head, "expect"), Some("100-continue"));
        served.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        served.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(served.bytes(4), b"body");
        served.send(OK);
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = Request::post("https://www.test/").header("expect", "100-continue").header("content-length", 4);
    let (mut response, mut stream) = client.begin(request.body(()).unwrap(), false).await;
    let mut interim = Vec::new();
    while interim.len() < 2 {
        let next = std::future::poll_fn(|context| response.poll_informational(context));
        interim.push(soon(next).await.unwrap().unwrap());
    }
    assert_eq!((interim[0].status().as_u16(), interim[0].headers()["link"].to_str().unwrap()), (103, "</a>"));
    assert_eq!(interim[1].status().as_u16(), 100);
    send(&mut stream, Bytes::from_static(b"body"), true).await;
    assert_eq!(whole(response).await.unwrap().status(), 200);
}

#[tokio::test]
async fn crumbs_of_cookies_are_joined_and_the_cookie_of_the_service_is_understood() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { sticky: true, ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let first = client.get("/").await;
    let set = first.field("set-cookie").unwrap().to_owned();
    assert!(set.ends_with("; Secure"), "{set}");
    let own = set.split(';').next().unwrap();
    let request =
        Request::get("https://www.test/").header("cookie", "a=1").header("cookie", own).header("cookie", "b=2");
    let second = client.ask(request.body(()).unwrap()).await;
    assert_eq!(second.field("set-cookie"), None, "the visitor is known");
    assert_eq!(field(&backend.heads()[1], "cookie"), Some("a=1; b=2"));
}

#[tokio::test]
async fn answers_of_the_proxys_own_and_requests_that_it_cannot_route_are_told_alike() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let ready = client.get("/.polder/ready").await;
    assert_eq!((ready.status(), ready.body.as_slice()), (200, &b"ready"[..]));
    let elsewhere = client.ask(Request::get("https://other.test/").body(()).unwrap()).await;
    assert_eq!(elsewhere.status(), 421);
    let (response, _stream) = client.begin(post("/.polder/none"), false).await;
    assert_eq!(whole(response).await.unwrap().status(), 404, "its body was not waited for");
    assert_eq!(client.get("/").await.status(), 200, "the connection goes on");
}

#[tokio::test]
async fn a_response_that_breaks_off_is_no_whole_one() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, _) = client.begin(get("/"), true).await;
    let error = whole(response).await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
}

#[tokio::test]
async fn a_stream_that_its_client_resets_leaves_the_backend() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        assert!(served.rest().is_empty());
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, mut stream) = client.begin(get("/"), true).await;
    eventually("the request is running", || proxy.running(0) == 1).await;
    stream.send_reset(h2::Reason::CANCEL);
    drop(response);
    eventually("the backend is left", || proxy.running(0) == 0).await;
    eventually("it heard nothing else", || backend.closed.load(Ordering::SeqCst) == 1).await;
}

/// An opening handshake of WebSockets (RFC 8441, 5).
fn websocket() -> Request<()> {
    let request = Request::connect("https://www.test/chat").header("sec-websocket-version", "13");
    request.extension(h2::ext::Protocol::from_static("websocket")).body(()).unwrap()
}

#[tokio::test]
async fn an_extended_connect_becomes_an_upgrade_and_a_tunnel() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        let head = served.head().unwrap();
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "upgrade"), Some("websocket"));
        assert_eq!(field(&head, "Connection"), Some("upgrade"));
        assert_eq!(field(&head, "sec-websocket-version"), Some("13"));
        assert_eq!(field(&head, "sec-websocket-key").unwrap().len(), 24);
        served.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n");
        served.send("Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\nearly");
        assert_eq!(served.bytes(5), b"hello");
        served.send("world");
        assert!(served.rest().is_empty());
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    eventually("the client has our settings", || client.sender.is_extended_connect_protocol_enabled()).await;
    let (response, mut stream) = client.begin(websocket(), false).await;
    let (head, mut body) = soon(response).await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    assert_eq!(head.headers["sec-websocket-protocol"], "chat");
    assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
    send(&mut stream, Bytes::from_static(b"hello"), true).await;
    let mut heard = Vec::new();
    while let Some(piece) = soon(body.data()).await {
        heard.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(heard, b"earlyworld");
    eventually("the tunnel is over", || proxy.running(0) == 0).await;
    eventually("the backend heard nothing else", || backend.closed.load(Ordering::SeqCst) == 1).await;
    assert_eq!(client.get("/.polder/ready").await.status(), 200, "the connection goes on");
}

#[tokio::test]
async fn a_backend_that_does_not_switch_is_no_tunnel() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            served.send(if head.contains("/chat ") {
                OK
            } else {
                "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
            });
        }
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    eventually("the client has our settings", || client.sender.is_extended_connect_protocol_enabled()).await;
    let (response, _stream) = client.begin(websocket(), false).await;
    assert_eq!(soon(response).await.unwrap().status(), 502, "200 would say that it is one");
    let mut elsewhere = websocket();
    *elsewhere.uri_mut() = "https://www.test/forbidden".parse().unwrap();
    let (response, _stream) = client.begin(elsewhere, false).await;
    assert_eq!(soon(response).await.unwrap().status(), 403);
    let mut here = websocket();
    *here.uri_mut() = "https://www.test/.polder/ready".parse().unwrap();
    let (response, _stream) = client.begin(here, false).await;
    assert_eq!(soon(response).await.unwrap().status(), 400, "nor is an answer of the proxy's own");
    let request = Request::connect("www.test:443").body(()).unwrap();
    let (response, _stream) = client.begin(request, false).await;
    assert_eq!(soon(response).await.unwrap().status(), 501, "plain CONNECT is not served");
}
