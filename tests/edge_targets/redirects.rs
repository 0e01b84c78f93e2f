//! Redirects and fixed answers.

use std::fs;

use serde_json::json;

use crate::client::{Client, get};
use crate::daemon::{Daemon, eventually};

#[test]
fn a_redirect_sends_every_method_elsewhere_and_the_connection_goes_on() {
    let daemon = Daemon::start(json!({
        "old": { "hosts": ["old.test"], "redirect": { "host": "www.test", "scheme": "https", "status": 308 } },
        "blog": { "hosts": ["www.test"], "paths": ["/blog"], "redirect": { "replace_prefix": "/news" } },
    }));
    let mut client = Client::connect(daemon.address);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let response = client.ask(method, "old.test/a/%2e%2e/b?c=d", &[]);
        assert_eq!(response.status(), 308, "{method}");
        assert_eq!(response.field("location"), Some("https://www.test/a/%2e%2e/b?c=d"), "{method}");
        assert_eq!(response.field("connection"), None, "{method}: {}", response.head);
    }
    let response = client.ask("GET", "www.test/blog/a?b", &[]);
    assert_eq!((response.status(), response.field("location")), (302, Some("http://www.test/news/a?b")));
    // Its body is left unread: the connection ends, and the redirect is read all the same.
    client.send(b"POST /x HTTP/1.1\r\nHost: old.test\r\nContent-Length: 3\r\n\r\nabc");
    let response = client.response(false);
    assert_eq!((response.status(), response.field("connection")), (308, Some("close")));
    let log = daemon.log(6);
    assert_eq!((log[0]["service"].as_str(), log[0]["end"].as_str()), (Some("old"), Some("LR")));
    assert_eq!(log[0]["backend"], "");
    assert_eq!(daemon.metric("polder_requests_redirected_total"), 6);
    assert_eq!(daemon.explain("old.test", "/a"), "it is sent to https://www.test/a (308)");
}

#[test]
fn a_redirect_that_leads_to_itself_says_so() {
    let daemon = Daemon::start(json!({ "www": { "hosts": ["www.test"], "redirect": { "path": "/new" } } }));
    assert_eq!(get(daemon.address, "www.test/old", &[]).status(), 302);
    let response = get(daemon.address, "www.test/new", &[]);
    assert_eq!((response.status(), response.text()), (508, "the redirect of this service leads to itself\n"));
    assert!(daemon.explain("www.test", "/new").contains("508"));
    let mut client = Client::connect(daemon.address);
    client.send(b"GET /new HTTP/1.0\r\n\r\n");
    assert_eq!(client.response(false).status(), 404, "no service is for requests without a host");
}

#[test]
fn an_answer_is_the_same_for_every_request() {
    let daemon = Daemon::start(json!({ "robots": {
        "hosts": ["www.test"],
        "answer": { "status": 203, "body": "nobody\n", "headers": { "X-One": "1", "Cache-Control": "no-cache" } },
    } }));
    let mut client = Client::connect(daemon.address);
    for method in ["GET", "PUT", "OPTIONS", "HEAD"] {
        let response = client.ask(method, "www.test/any?thing", &[]);
        assert_eq!(response.status(), 203, "{method}");
        let fields =
            ["content-type", "x-one", "cache-control", "content-length"].map(|name| response.field(name).unwrap());
        assert_eq!(fields, ["text/plain; charset=utf-8", "1", "no-cache", "7"], "{method}");
        assert!(response.field("date").is_some());
        assert_eq!(response.text(), if method == "HEAD" { "" } else { "nobody\n" });
    }
    assert_eq!(daemon.explain("www.test", "/"), "it is answered 203, with the text of the document (7 bytes)");
    assert_eq!(daemon.metric("polder_requests_answered_total"), 4);
    assert_eq!(daemon.log(4)[0]["bytes"], 7);
    let status = daemon.status().unwrap();
    let service = &status["services"][0];
    assert_eq!((service["mode"].as_str(), service["usable"].as_bool()), (Some("answer"), Some(true)), "{service}");
    assert_eq!(service["target"], "answer 203 with Cache-Control: no-cache, X-One: 1, the text \"nobody\\n\"");
}

#[test]
fn an_answer_follows_its_file_and_keeps_what_it_had_when_that_is_gone() {
    let services = json!({ "down": { "hosts": ["www.test"], "answer": { "file": "down.html" } } });
    let write = |folder: &std::path::Path| fs::write(folder.join("down.html"), "<p>one").unwrap();
    let daemon = Daemon::start_with(write, services.clone(), false);
    let shown = || get(daemon.address, "www.test/", &[]).text().to_owned();
    let response = get(daemon.address, "www.test/", &[]);
    assert_eq!((response.field("content-type"), response.text()), (Some("text/html; charset=utf-8"), "<p>one"));
    let file = daemon.folder.path().join("down.html");
    fs::write(daemon.folder.path().join("next"), "<p>two").unwrap();
    fs::rename(daemon.folder.path().join("next"), &file).unwrap();
    eventually("the new content is shown", || shown() == "<p>two");
    fs::remove_file(&file).unwrap();
    eventually("an alarm tells of it", || daemon.alarms().contains("services.down.answer.file"));
    assert_eq!(shown(), "<p>two");
    let (status, words) = daemon.reload(&services);
    assert_eq!(status, 422, "{words}");
    assert!(words.contains("services.down.answer.file") && words.contains("cannot be read"), "{words}");
    fs::write(&file, "<p>three").unwrap();
    eventually("it is back", || shown() == "<p>three");
    assert_eq!(daemon.reload(&services).0, 200);
    eventually("the alarm is gone", || daemon.alarms() == "[]");
}

#[test]
fn a_start_goes_on_without_a_file_that_is_not_there() {
    let daemon = Daemon::start(json!({
        "a": { "hosts": ["a.test"], "answer": { "file": "gone" } },
        "b": { "hosts": ["b.test"], "answer": { "body": "b" } },
    }));
    assert_eq!(get(daemon.address, "b.test/", &[]).text(), "b");
    assert_eq!(get(daemon.address, "a.test/", &[]).status(), 503);
    fs::write(daemon.folder.path().join("gone"), "here").unwrap();
    eventually("it is taken when it comes", || get(daemon.address, "a.test/", &[]).text() == "here");
}

#[test]
fn a_reload_takes_another_target_in_place() {
    let of = |target: serde_json::Value| {
        let mut service = json!({ "hosts": ["www.test"] });
        service.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        json!({ "www": service })
    };
    let daemon = Daemon::start(of(json!({ "answer": { "body": "one" } })));
    assert_eq!(get(daemon.address, "www.test/", &[]).text(), "one");
    assert_eq!(daemon.reload(&of(json!({ "redirect": { "host": "other.test" } }))).0, 200);
    assert_eq!(get(daemon.address, "www.test/", &[]).field("location"), Some("http://other.test/"));
    fs::write(daemon.folder.path().join("f"), "file").unwrap();
    assert_eq!(daemon.reload(&of(json!({ "files": { "folder": "." } }))).0, 200);
    assert_eq!(get(daemon.address, "www.test/f", &[]).text(), "file");
    let backends = json!({ "mode": "stateless", "backends": [{ "name": "a", "address": "127.0.0.1:1" }] });
    assert_eq!(daemon.reload(&of(backends)).0, 200);
    assert_eq!(get(daemon.address, "www.test/", &[]).status(), 503);
}
