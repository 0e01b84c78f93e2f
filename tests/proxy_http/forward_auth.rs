//! Another server is asked: docs/access.md.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use polder::proxy::edge::Edge;
use polder::proxy::edge::refusals::Cause;

use crate::access::{Log, edge};
use crate::h2_client::H2;
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, field, refusing};
use crate::reuse::knows_connections;
use crate::tls::www;

fn asking(name: &str, address: SocketAddr, more: &str) -> Arc<Edge> {
    edge(name, &format!(r#""forward_auth": {{ "address": "{address}"{more} }}"#))
}

/// Lets whoever has the cookie in, and nobody else.
fn server() -> Script {
    Script::start(|served, _| {
        while let Some(head) = served.head() {
            served.send(match field(&head, "Cookie") == Some("session=1") {
                true => "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nRemote-User: alice\r\nRemote-Groups: a\r\n\
                         remote-groups: b\r\nX-Inner: 1\r\n\r\n",
                false => "HTTP/1.1 302 Found\r\nLocation: https://login.test/?rd=/page\r\nSet-Cookie: state=1\r\nKeep-Alive: 5\r\n\
                          Transfer-Encoding: chunked\r\n\r\n5\r\nlogin\r\n0\r\n\r\n",
            });
        }
    })
}

#[test]
fn whom_the_server_lets_in_comes_to_the_backend_with_what_it_says_of_him() {
    let backend = Script::start(|served, _| {
        while served.head().is_some() {
            served.bytes(4);
            served.send(OK);
        }
    });
    let auth = server();
    let edge = asking("let-in", auth.address, r#", "copy": ["Remote-User", "Remote-Groups"]"#);
    let proxy = Proxy::start(Setup { edge: Some(edge), ..Setup::default() }, &[backend.address]);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.send(
            "POST /page?x=1 HTTP/1.1\r\nHost: www.test\r\nCookie: session=1\r\nRemote-User: root\r\nRemote_Groups: admins\r\n\
             Content-Length: 4\r\n\r\nbody",
        );
        assert_eq!(client.response().status(), 200);
    }
    let head = backend.heads().pop().unwrap();
    let lines = |name: &str| head.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    assert_eq!(lines("Remote-User"), ["Remote-User: alice"]);
    assert_eq!((lines("Remote-Groups"), lines("remote-groups")), (vec!["Remote-Groups: a"], vec!["remote-groups: b"]));
    assert!(!head.contains("root") && !head.contains("admins") && !head.contains("X-Inner"), "{head}");
    assert!(head.starts_with("POST /page?x=1 ") && head.contains("Content-Length: 4\r\n"), "{head}");
    let question = &auth.heads()[0];
    assert!(question.starts_with("GET / HTTP/1.1\r\n") && !question.contains("Content-Length"), "{question}");
    assert_eq!(field(question, "X-Forwarded-Method"), Some("POST"));
    assert_eq!(field(question, "X-Forwarded-Uri"), Some("/page?x=1"));
    assert_eq!(field(question, "X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(auth.connections.load(Ordering::SeqCst), 1, "its connection is kept");
}

#[test]
fn what_the_server_answers_to_others_is_theirs_whole() {
    let (auth, backend) = (server(), Script::answering(OK));
    let (log, config) = Log::new();
    let edge = asking("kept-out", auth.address, "");
    let setup = Setup { edge: Some(Arc::clone(&edge)), log: config, ..Setup::default() };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    for _ in 0..2 {
        client.send(GET);
        let response = client.response();
        assert_eq!((response.status(), response.body.as_slice()), (302, &b"login"[..]));
        assert_eq!(response.field("Location"), Some("https://login.test/?rd=/page"));
        assert_eq!(response.field("Set-Cookie"), Some("state=1"));
        assert_eq!((response.field("Keep-Alive"), response.field("Transfer-Encoding")), (None, None));
    }
    client.send("HEAD / HTTP/1.1\r\nHost: www.test\r\n\r\n");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 302 ") && head.contains("Content-Length: 5\r\n"), "{head}");
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.response().status(), 302);
    assert!(backend.heads().is_empty());
    assert_eq!(edge.refusals.get(Cause::ForwardAuth), 4);
    assert!(log.lines(4).iter().all(|(code, _)| code == "PX"));
}

#[test]
fn where_the_server_has_no_answer_the_request_goes_nowhere() {
    let backend = Script::answering(OK);
    let silent = Script::start(|served, _| {
        served.head();
        served.rest();
    });
    let closing = Script::start(|served, _| {
        served.head();
    });
    let malformed = Script::answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    let switching = Script::answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    let endless = Script::start(|served, _| {
        served.head();
        served.send("HTTP/1.1 403 Forbidden\r\n\r\n");
        for _ in 0..40 {
            served.send(&"x".repeat(64 * 1024));
        }
    });
    for (place, (address, status, code)) in [
        (refusing(), 503, "SX"),
        (closing.address, 503, "SX"),
        (malformed.address, 502, "SX"),
        (switching.address, 502, "SX"),
        (endless.address, 502, "SX"),
        (silent.address, 504, "sX"),
    ]
    .into_iter()
    .enumerate()
    {
        // Only for the silent one is time to pass.
        let timeout = if code == "sX" { r#", "timeout": "50ms""# } else { r#", "timeout": "60s""# };
        let (log, config) = Log::new();
        let edge = asking(&format!("no-answer-{place}"), address, timeout);
        let proxy =
            Proxy::start(Setup { edge: Some(Arc::clone(&edge)), log: config, ..Setup::default() }, &[backend.address]);
        assert_eq!(proxy.ask(GET).status(), status, "{place}");
        assert_eq!(log.lines(1)[0].0, code, "{place}");
        assert_eq!(edge.refusals.get(Cause::ForwardAuthFailed), 1);
    }
    assert!(backend.heads().is_empty());
}

#[test]
fn a_refusal_is_held_up_to_a_bound_and_what_lets_a_request_go_on_is_not_held_at_all() {
    let backend = Script::answering(OK);
    let answering = |status: &str, length: usize| {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length));
        Script::start(move |served, _| {
            while served.head().is_some() {
                served.send(&answer);
            }
        })
    };
    const MOST: usize = 64 * 1024;
    for (place, (status, length, expected)) in
        [("403 Forbidden", MOST, (403, MOST)), ("403 Forbidden", MOST + 1, (502, 0)), ("200 OK", 4 * MOST, (200, 0))]
            .into_iter()
            .enumerate()
    {
        let auth = answering(status, length);
        let edge = Some(asking(&format!("long-{place}"), auth.address, r#", "timeout": "60s""#));
        let proxy = Proxy::start(Setup { edge, ..Setup::default() }, &[backend.address]);
        let response = proxy.ask(GET);
        let shown = response.body.iter().filter(|byte| **byte == b'x').count();
        assert_eq!((response.status(), if expected.1 == 0 { 0 } else { shown }), expected, "{status} of {length}");
    }
}

#[test]
fn a_connection_that_the_server_has_closed_meanwhile_costs_nobody_an_answer() {
    let backend = Script::answering(OK);
    let auth = Script::start(|served, _| {
        // Promises to keep it, and does not.
        if served.head().is_some() {
            served.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let proxy =
        Proxy::start(Setup { edge: Some(asking("closing", auth.address, "")), ..Setup::default() }, &[backend.address]);
    for _ in 0..10 {
        assert_eq!(proxy.ask(GET).status(), 200);
    }
}

#[test]
fn a_password_is_verified_before_the_server_is_asked_which_learns_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    std::fs::write(&users, "alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n").unwrap();
    let (auth, backend) = (Script::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), Script::answering(OK));
    let keys = format!(
        r#""basic_auth": {{ "users_file": "{}" }}, "forward_auth": {{ "address": "{}" }}"#,
        users.display(),
        auth.address
    );
    let proxy = Proxy::start(Setup { edge: Some(edge("both", &keys)), ..Setup::default() }, &[backend.address]);
    assert_eq!(proxy.ask(GET).status(), 401);
    assert!(auth.heads().is_empty());
    let known = "GET / HTTP/1.1\r\nHost: www.test\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";
    assert_eq!(proxy.ask(known).status(), 200);
    let question = &auth.heads()[0];
    assert!(question.contains("X-Remote-User: alice\r\n") && !question.contains("Authorization"), "{question}");
}

#[test]
fn a_request_that_queues_is_judged_anew_by_the_next_document_and_nothing_of_the_last_ones_findings_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    std::fs::write(&users, "alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n").unwrap();
    let auth = Script::answering("HTTP/1.1 200 OK\r\nRemote-Groups: staff\r\nContent-Length: 0\r\n\r\n");
    let (backend, go) = Script::held();
    let keys = format!(
        r#""basic_auth": {{ "users_file": "{}" }}, "forward_auth": {{ "address": "{}", "copy": ["Remote-Groups"] }}"#,
        users.display(),
        auth.address
    );
    let setup = Setup { edge: Some(edge("meanwhile", &keys)), max_connections: Some(1), ..Setup::default() };
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut clients = [1, 1, 2].map(|last| proxy.connect_from([127, 0, 0, last]));
    for (place, client) in clients.iter_mut().enumerate() {
        client.send("GET / HTTP/1.1\r\nHost: www.test\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n");
        let queued = || proxy.shared.snapshot.load().services[0].queue.as_ref().unwrap().queue.len();
        eventually("it runs or queues", || backend.heads().len() == 1 && queued() == place);
    }
    proxy.swap(|setup| setup.edge = Some(edge("meanwhile", r#""deny": ["127.0.0.2"]"#)));
    drop(go);
    assert_eq!(clients.each_mut().map(|client| client.response().status()), [200, 200, 403]);
    let heads = backend.heads();
    let told = |head: &String| head.contains("X-Remote-User: alice") && head.contains("Remote-Groups: staff");
    assert_eq!(heads.iter().map(told).collect::<Vec<_>>(), [true, false], "{heads:?}");
    assert!(!heads[1].contains("alice") && !heads[1].contains("staff"), "{}", heads[1]);
}

#[test]
fn a_connection_on_which_a_visitor_has_shown_who_he_is_asks_for_nobody_else() {
    let backend = Script::answering(OK);
    for scheme in ["NTLM", "negotiate"] {
        let auth = knows_connections(scheme);
        let edge = asking(&format!("knows-{scheme}"), auth.address, "");
        let proxy = Proxy::start(Setup { edge: Some(edge), ..Setup::default() }, &[backend.address]);
        let credentials = format!("GET / HTTP/1.1\r\nHost: www.test\r\nAuthorization: {scheme} alice\r\n\r\n");
        let mut alice = proxy.connect();
        alice.send(&credentials);
        assert_eq!(alice.response().status(), 200);
        assert_eq!(proxy.ask(GET).status(), 401, "Bob is nobody");
        assert_eq!(proxy.ask(GET).status(), 401);
        assert_eq!(auth.connections.load(Ordering::SeqCst), 3, "nor is a handshake of his carried on by others");
    }
}

#[test]
fn a_proxy_that_asks_itself_tells_that_it_is_a_loop() {
    let backend = Script::answering(OK);
    let (log, config) = Log::new();
    let mut proxy = Proxy::start(Setup { log: config, ..Setup::default() }, &[backend.address]);
    let address = proxy.address;
    assert_eq!(proxy.ask(GET).status(), 200);
    proxy.swap(|setup| setup.edge = Some(asking("asks-itself", address, "")));
    assert_eq!(proxy.ask(GET).status(), 508);
    let ends: Vec<_> = log.lines(3).into_iter().map(|(end, _)| end).collect();
    assert_eq!(ends, ["--", "PR", "PX"], "it has asked itself once");
}

#[tokio::test]
async fn requests_of_http_2_are_asked_about_alike() {
    let (auth, backend) = (server(), Script::answering(OK));
    let (authority, setup) = www();
    let edge = asking("h2-asked", auth.address, r#", "copy": ["Remote-User"]"#);
    let proxy = Proxy::start(Setup { edge: Some(edge), ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let refused = client.get("/page").await;
    assert_eq!((refused.status(), refused.body.as_slice()), (302, &b"login"[..]));
    assert_eq!(refused.field("set-cookie"), Some("state=1"));
    let request = http::Request::get("https://www.test/").header("cookie", "session=1").body(()).unwrap();
    assert_eq!(client.ask(request).await.status(), 200);
    assert_eq!(field(&backend.heads()[0], "Remote-User"), Some("alice"));
    assert_eq!(field(&auth.heads()[0], "X-Forwarded-Proto"), Some("https"));
}
