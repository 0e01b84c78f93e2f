//! Names and passwords: docs/access.md.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use polder::proxy::edge::Edge;
use polder::proxy::edge::refusals::Cause;

use crate::access::{Log, edge};
use crate::h2_client::H2;
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, field};
use crate::tls::www;

/// `secret`, of the least cost.
const SECRET: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// `pass:word`, of the least cost.
const OTHER: &str = "$2y$04$ABCDEFGHIJKLMNOPQRSTUutlBuUdeDR0ZnzoKNtEvRlhuE1NRx6b6";

/// A hash that takes longer than requests do, and still no other test long.
const COSTLY: &str = "$2y$10$ABCDEFGHIJKLMNOPQRSTUutlBuUdeDR0ZnzoKNtEvRlhuE1NRx6b6";

fn users(folder: &Path, lines: &str) -> String {
    let file = folder.join("users");
    std::fs::write(&file, lines).unwrap();
    file.display().to_string()
}

fn asking(name: &str, file: &str, more: &str) -> Arc<Edge> {
    edge(name, &format!(r#""basic_auth": {{ "users_file": "{file}"{more} }}"#))
}

fn authorization(name: &str, password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}")))
}

fn request(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: www.test\r\n{fields}\r\n")
}

#[test]
fn only_a_user_gets_through_and_the_backend_learns_who_it_is_but_not_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), &format!("alice:{SECRET}\nbob:{OTHER}\n"));
    let backend = Script::answering(OK);
    let (log, config) = Log::new();
    let edge = asking("passwords", &file, r#", "realm": "The staff""#);
    let setup = Setup { edge: Some(Arc::clone(&edge)), log: config, ..Setup::default() };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    let alice = authorization("alice", "secret");
    for fields in [
        String::new(),
        authorization("alice", "pass:word"),
        authorization("carol", "secret"),
        "Authorization: Bearer abc\r\n".to_owned(),
        format!("{alice}{alice}"),
        format!("Proxy-{alice}"),
        "X-Remote-User: alice\r\n".to_owned(),
    ] {
        client.send(&request(&fields));
        let response = client.response();
        let challenge = "Basic realm=\"The staff\", charset=\"UTF-8\"";
        assert_eq!((response.status(), response.field("WWW-Authenticate")), (401, Some(challenge)), "{fields}");
    }
    assert!(backend.heads().is_empty());
    for (fields, user) in [
        (alice.clone(), "alice"),
        (authorization("bob", "pass:word"), "bob"),
        (format!("X-Remote-User: root\r\nx_remote_user: root\r\n{alice}"), "alice"),
    ] {
        client.send(&request(&fields));
        assert_eq!(client.response().status(), 200);
        let head = backend.heads().pop().unwrap();
        assert_eq!(field(&head, "X-Remote-User"), Some(user), "{head}");
        assert!(!head.contains("uthorization") && !head.contains("root"), "{head}");
    }
    assert_eq!(edge.refusals.get(Cause::Password), 7);
    let lines = log.lines(10);
    let last: Vec<_> = lines.iter().skip(6).map(|(code, user)| (code.as_str(), user.as_str())).collect();
    assert_eq!(last, [("PW", ""), ("--", "alice"), ("--", "bob"), ("--", "alice")]);
}

#[test]
fn a_service_whose_backends_want_the_password_too_passes_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), &format!("alice:{SECRET}\n"));
    let backend = Script::answering(OK);
    let edge = Some(asking("passing", &file, r#", "pass": true"#));
    let proxy = Proxy::start(Setup { edge, ..Setup::default() }, &[backend.address]);
    let alice = authorization("alice", "secret");
    assert_eq!(proxy.ask(&request(&alice)).status(), 200);
    let head = &backend.heads()[0];
    assert!(head.contains(&alice) && head.contains("X-Remote-User: alice\r\n"), "{head}");
}

#[test]
fn whoever_is_taken_out_of_the_file_is_no_user_any_more_though_he_was_verified_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), &format!("alice:{SECRET}\n"));
    let backend = Script::answering(OK);
    let edge = asking("changing", &file, "");
    let proxy = Proxy::start(Setup { edge: Some(Arc::clone(&edge)), ..Setup::default() }, &[backend.address]);
    let (alice, bob) = (request(&authorization("alice", "secret")), request(&authorization("bob", "secret")));
    assert_eq!((proxy.ask(&alice).status(), proxy.ask(&bob).status()), (200, 401));
    users(folder.path(), &format!("bob:{SECRET}\n"));
    assert_eq!(edge.files().find_map(|file| edge.refresh(file)), Some(Ok(())));
    assert_eq!((proxy.ask(&alice).status(), proxy.ask(&bob).status()), (401, 200));
    users(folder.path(), "nonsense\n");
    assert!(edge.files().find_map(|file| edge.refresh(file)).unwrap().is_err());
    assert_eq!((proxy.ask(&alice).status(), proxy.ask(&bob).status()), (401, 200), "the users before go on");
}

#[test]
fn nobody_gets_in_where_it_is_not_known_who_the_users_are() {
    let backend = Script::answering(OK);
    let (log, config) = Log::new();
    let edge = Some(asking("nobody", "/nowhere/users", ""));
    let proxy = Proxy::start(Setup { edge, log: config, ..Setup::default() }, &[backend.address]);
    for fields in [String::new(), authorization("alice", "secret")] {
        assert_eq!(proxy.ask(&request(&fields)).status(), 503);
    }
    assert!(backend.heads().is_empty());
    assert_eq!(log.lines(2)[0].0, "SW");
}

#[test]
fn whoever_tries_many_passwords_at_once_is_put_off_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), &format!("alice:{COSTLY}\n"));
    let backend = Script::answering(OK);
    let (log, config) = Log::new();
    let edge = asking("guessing", &file, "");
    let setup = Setup { edge: Some(Arc::clone(&edge)), log: config, ..Setup::default() };
    let proxy = Proxy::start(setup, &[backend.address]);
    let guess = |number: usize| {
        // Passwords are verified for the whole process: other tests have other addresses.
        let mut client = proxy.connect_from([127, 0, 0, 77]);
        client.send(&request(&authorization("alice", &format!("guess {number}"))));
        client
    };
    // Until there are more of them than one network may have waiting.
    let mut waiting = Vec::new();
    eventually("one is put off", || {
        waiting.push(guess(waiting.len()));
        edge.refusals.get(Cause::PasswordBusy) > 0
    });
    eventually("the log says so", || log.lines(1).iter().any(|(code, _)| code == "RW"));
    let answers: Vec<_> = waiting.iter_mut().map(|client| client.response()).collect();
    let mut put_off = answers.iter().filter(|answer| answer.status() == 503);
    assert!(put_off.all(|answer| answer.field("Retry-After") == Some("5")), "{answers:?}");
    assert!(answers.iter().all(|answer| [401, 503].contains(&answer.status())), "{answers:?}");
}

#[tokio::test]
async fn requests_of_http_2_show_passwords_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), &format!("alice:{SECRET}\n"));
    let backend = Script::answering(OK);
    let (authority, setup) = www();
    let proxy = Proxy::start(Setup { edge: Some(asking("h2", &file, "")), ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let refused = client.get("/").await;
    assert_eq!(
        (refused.status(), refused.field("www-authenticate")),
        (401, Some("Basic realm=\"h2\", charset=\"UTF-8\""))
    );
    let credentials = format!("Basic {}", STANDARD.encode("alice:secret"));
    // A page and its images.
    for _ in 0..20 {
        let request = http::Request::get("https://www.test/").header("authorization", &credentials).body(()).unwrap();
        assert_eq!(client.ask(request).await.status(), 200);
    }
    assert_eq!(field(&backend.heads()[0], "X-Remote-User"), Some("alice"));
}

#[test]
fn a_service_that_asks_for_nothing_leaves_credentials_alone() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let alice = authorization("alice", "secret");
    assert_eq!(proxy.ask(&request(&alice)).status(), 200);
    assert!(backend.heads()[0].contains(&alice));
    assert_eq!(proxy.ask(GET).status(), 200);
}
