//! Who may come to a service, by network: docs/access.md.

use std::path::PathBuf;
use std::sync::Arc;

use polder::config::proxy::{AccessLogConfig, AccessLogPath, parse};
use polder::proxy::edge::Edge;
use polder::proxy::edge::refusals::Cause;

use crate::h2_client::H2;
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually};
use crate::tls::www;

/// What a service of this name asks, whose keys these are.
pub fn edge(name: &str, keys: &str) -> Arc<Edge> {
    let document = format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}],
              "admin": {{ "socket": "/run/admin.sock" }}, "state_dir": "/var/lib/polder",
              "services": {{ "{name}": {{ "hosts": ["*"], "mode": "stateless", {keys},
                             "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}] }} }} }}"#
    );
    let config = parse("proxy.json".as_ref(), &document).unwrap_or_else(|findings| panic!("{findings:?}"));
    Edge::of(&config.services[name]).expect("it asks for something")
}

/// An access log in a folder.
pub struct Log {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Log {
    pub fn new() -> (Log, Option<AccessLogConfig>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let config = AccessLogConfig::to(AccessLogPath::File(path.clone()));
        (Log { _folder: folder, path }, Some(config))
    }

    /// The codes and users of so many lines.
    pub fn lines(&self, count: usize) -> Vec<(String, String)> {
        let read = || {
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            lines.map(|line| (text(&line["end"]), text(&line["user"]))).collect::<Vec<_>>()
        };
        eventually(&format!("{count} lines are logged: {:?}", read()), || read().len() >= count);
        read()
    }
}

#[test]
fn a_visitor_of_a_denied_network_is_answered_403_and_no_backend_hears_of_it() {
    let backend = Script::answering(OK);
    let (log, config) = Log::new();
    let edge = edge("networks", r#""allow": ["127.0.0.0/8"], "deny": ["127.0.0.2"]"#);
    let setup = Setup { edge: Some(Arc::clone(&edge)), log: config, ..Setup::default() };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut denied = proxy.connect_from([127, 0, 0, 2]);
    for _ in 0..2 {
        denied.send(GET);
        let response = denied.response();
        assert_eq!((response.status(), response.body.as_slice()), (403, &b"Forbidden\n"[..]));
    }
    denied.send("GET /.polder/ready HTTP/1.1\r\nHost: www.test\r\n\r\n");
    assert_eq!(denied.response().status(), 200, "what asks whether the proxy is ready is never refused");
    assert!(backend.heads().is_empty());
    let mut allowed = proxy.connect_from([127, 0, 0, 3]);
    allowed.send(GET);
    assert_eq!(allowed.response().status(), 200);
    assert_eq!(edge.refusals.get(Cause::Network), 2);
    let codes: Vec<String> = log.lines(3).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["PN", "PN", "--"], "who asks whether the proxy is ready is not logged");
}

#[test]
fn behind_a_trusted_proxy_the_visitor_is_whom_that_names() {
    let backend = Script::answering(OK);
    let edge = Some(edge("behind", r#""allow": ["192.0.2.0/24"]"#));
    let trusted = vec!["127.0.0.1/32".parse().unwrap()];
    let proxy = Proxy::start(Setup { edge, trusted, ..Setup::default() }, &[backend.address]);
    for (forwarded, status) in [
        ("", 403),
        ("X-Forwarded-For: 192.0.2.9\r\n", 200),
        ("X-Forwarded-For: 192.0.2.9, 198.51.100.1\r\n", 403),
        ("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: ::ffff:192.0.2.9\r\n", 200),
        ("X-Forwarded-For: unknown\r\n", 403),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: www.test\r\n{forwarded}\r\n");
        assert_eq!(proxy.ask(&request).status(), status, "{forwarded}");
    }
    let mut stranger = proxy.connect_from([127, 0, 0, 2]);
    stranger.send("GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n");
    assert_eq!(stranger.response().status(), 403, "what a stranger says of himself is not believed");
}

#[tokio::test]
async fn requests_of_http_2_are_judged_alike() {
    let backend = Script::answering(OK);
    for (keys, status) in [(r#""deny": ["127.0.0.1"]"#, 403), (r#""deny": ["127.0.0.2"]"#, 200)] {
        let (authority, setup) = www();
        let proxy = Proxy::start(Setup { edge: Some(edge("over-h2", keys)), ..setup }, &[backend.address]);
        assert_eq!(H2::connect(&proxy, &authority).await.get("/").await.status(), status);
    }
}

#[test]
fn another_document_judges_the_next_request_and_not_what_is_under_way() {
    let (backend, go) = Script::held();
    let mut proxy = Proxy::start(
        Setup { edge: Some(edge("anew", r#""deny": ["127.0.0.2"]"#)), ..Setup::default() },
        &[backend.address],
    );
    let mut client = proxy.connect();
    client.send(GET);
    eventually("the backend has the request", || backend.heads().len() == 1);
    proxy.swap(|setup| setup.edge = Some(edge("anew", r#""deny": ["127.0.0.1"]"#)));
    go.send(()).unwrap();
    assert_eq!(client.response().status(), 200, "what is under way goes on");
    client.send(GET);
    assert_eq!(client.response().status(), 403);
}
