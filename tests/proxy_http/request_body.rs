//! Bodies of requests that are longer than a service takes.

use std::sync::Arc;

use bytes::Bytes;
use polder::proxy::edge::Edge;

use crate::h2_client::{H2, post, soon, whole};
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually};
use crate::logged::{ends, with_log};
use crate::tls::www;

fn edge() -> Option<Arc<Edge>> {
    Some(Arc::new(Edge { max_request_body: Some(10), ..Edge::default() }))
}

/// Reads bodies of ten bytes, and the beginning of others.
fn backend() -> Script {
    Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.contains("chunked") {
                let body = served.rest();
                assert!(body.len() < 40, "{}", String::from_utf8_lossy(&body));
                return;
            }
            served.bytes(if head.starts_with("POST") { 10 } else { 0 });
            served.send(OK);
        }
    })
}

#[test]
fn a_body_that_is_announced_as_too_long_is_refused_at_once_and_one_that_grows_too_long_on_its_way() {
    let backend = backend();
    let (folder, setup) = with_log(Setup { edge: edge(), ..Setup::default() });
    let proxy = Proxy::start(setup, &[backend.address]);
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: www.test\r\n{fields}\r\n");
    assert_eq!(proxy.ask(&post("Content-Length: 10\r\n").replace("\r\n\r\n", "\r\n\r\n0123456789")).status(), 200);
    assert_eq!(
        proxy.ask(&post("Content-Length: 11\r\nExpect: 100-continue\r\n")).status(),
        413,
        "and is not asked for"
    );
    assert_eq!(backend.heads().len(), 1);
    let mut client = proxy.connect();
    client.send(&post("Transfer-Encoding: chunked\r\n"));
    client.send("6\r\n012345\r\n");
    eventually("it is under way", || backend.heads().len() == 2);
    client.send("5\r\n67890\r\n");
    let refused = client.response();
    assert_eq!((refused.status(), refused.field("connection")), (413, Some("close")));
    eventually("the backend's connection is closed", || backend.closed.load(std::sync::atomic::Ordering::SeqCst) >= 1);
    assert_eq!(proxy.ask(GET).status(), 200);
    drop(client);
    let ends = ends(&folder, proxy);
    assert_eq!(ends.iter().filter(|end| *end == "RD").count(), 2, "{ends:?}");
}

#[tokio::test]
async fn over_http_2_too_a_body_grows_too_long_on_its_way() {
    let backend = backend();
    let (authority, setup) = www();
    let proxy = Proxy::start(Setup { edge: edge(), ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, mut body) = client.begin(post("/"), false).await;
    body.send_data(Bytes::from_static(b"012345"), false).unwrap();
    body.send_data(Bytes::from_static(b"67890"), false).unwrap();
    assert_eq!(soon(whole(response)).await.unwrap().status(), 413);
}
