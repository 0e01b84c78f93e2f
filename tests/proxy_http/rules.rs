//! What docs/http.md says, row by row, where no other file holds it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::ConnectionsConfig;
use polder::proxy::snapshot::LatchView;

use crate::harness::{Client, GET, OK, Proxy, Script, Served, Setup, eventually, field, refusing};

fn ok(served: &mut Served, _: usize) {
    while served.head().is_some() {
        served.send(OK);
    }
}

#[test]
fn of_several_cookies_of_our_name_the_first_that_names_a_backend_counts_and_none_is_passed_on() {
    let (one, two) = (Script::start(ok), Script::start(ok));
    let proxy = Proxy::start(Setup { sticky: true, ..Setup::default() }, &[one.address, two.address]);
    let valid = two.address.to_string();
    for cookies in [
        vec![format!("polder-www=stale; polder-www={valid}")],
        vec![format!("polder-www=127.0.0.1:1; a=1; polder-www={valid}; polder-www={}", one.address)],
        vec!["polder-www=stale".to_owned(), format!("polder-www={valid}")],
        vec![format!("polder-www=\"{valid}\"; polder-www=stale")],
        vec![format!(" polder-www = {valid} ;polder-www")],
        vec![format!("POLDER-WWW={}; polder-www={valid}", one.address)],
    ] {
        let before = two.heads().len();
        let fields: String = cookies.iter().map(|cookie| format!("Cookie: {cookie}\r\n")).collect();
        let response = proxy.ask(&format!("GET / HTTP/1.1\r\nHost: www.test\r\n{fields}\r\n"));
        assert_eq!((response.status(), response.field("set-cookie")), (200, None), "{cookies:?}");
        let head = two.heads().get(before).cloned().unwrap_or_else(|| panic!("{cookies:?} went elsewhere"));
        assert!(!head.contains("polder-www="), "{head}");
    }
    let none = proxy.ask("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www=a; polder-www=b\r\n\r\n");
    assert!(none.field("set-cookie").is_some());
    assert_eq!([0, 1].map(|backend| proxy.requests_by_cookie(backend)), [0, 6], "only those whose cookie named it");
}

#[test]
fn a_backend_does_not_set_the_cookie_of_its_service() {
    let response = "HTTP/1.1 103 Early Hints\r\nSet-Cookie: polder-www=hint\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\
                    Set-Cookie: polder-www=evil; path=/\r\nset-cookie:  polder-www = evil\r\nSet-Cookie: a=polder-www=1\r\n\
                    Set-Cookie: polder-www-2=b\r\n\r\n";
    let backend = Script::answering(response);
    for (sticky, ours) in [(true, 1), (false, 0)] {
        let proxy = Proxy::start(Setup { sticky, ..Setup::default() }, &[backend.address]);
        let mut client = proxy.connect();
        client.send(GET);
        let heads = client.head() + &client.head();
        let set: Vec<&str> = heads
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value)
            .collect();
        let of_backend = ["a=polder-www=1", "polder-www-2=b"];
        assert!(of_backend.iter().all(|cookie| set.contains(cookie)), "{set:?}");
        assert_eq!(set.iter().any(|cookie| cookie.contains("evil") || cookie.contains("hint")), !sticky, "{set:?}");
        let by_us = format!("polder-www={}; path=/; HttpOnly", backend.address);
        assert_eq!(set.iter().filter(|cookie| **cookie == by_us).count(), ours, "{set:?}");
    }
}

#[test]
fn an_upgrade_goes_on_as_it_should() {
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if let Some(length) = field(&head, "content-length") {
                served.bytes(length.parse().unwrap());
            }
            served.send("HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    for (request, passed) in [
        (format!("GET / HTTP/1.1\r\nHost: www.test\r\n{upgrade}\r\n"), true),
        (format!("POST / HTTP/1.1\r\nHost: www.test\r\n{upgrade}Content-Length: 4\r\n\r\nbody"), false),
        (format!("POST / HTTP/1.1\r\nHost: www.test\r\n{upgrade}Content-Length: 0\r\n\r\n"), true),
        ("GET / HTTP/1.1\r\nHost: www.test\r\nUpgrade: websocket\r\n\r\n".to_owned(), false),
        (format!("GET / HTTP/1.0\r\nHost: www.test\r\n{upgrade}\r\n"), false),
        (
            "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n".to_owned(),
            false,
        ),
    ] {
        let before = backend.heads().len();
        let response = proxy.ask(&request);
        assert_eq!((response.status(), response.field("upgrade")), (426, Some("websocket")), "{request}");
        assert!(response.field("connection").unwrap().starts_with("upgrade"), "{}", response.head);
        let head = &backend.heads()[before];
        assert_eq!(field(head, "upgrade").is_some(), passed, "{request}{head}");
        assert_eq!(field(head, "connection").is_some(), passed, "{request}{head}");
    }
    for protocol in ["other", "websocket, other"] {
        let backend = Script::start(move |served, _| {
            served.head();
            served.send(&format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n"
            ));
        });
        let proxy = Proxy::start(Setup::default(), &[backend.address]);
        let request = format!("GET / HTTP/1.1\r\nHost: www.test\r\n{upgrade}\r\n");
        assert_eq!(proxy.ask(&request).status(), 502, "{protocol} was not asked for");
    }
}

#[test]
fn a_request_that_has_been_here_is_refused_and_any_other_says_that_it_was() {
    let backend = Script::start(ok);
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let with_via = |via: &str| format!("GET / HTTP/1.1\r\nHost: www.test\r\n{via}\r\n");
    for via in ["Via: 1.1 px-1\r\n", "Via: 1.0 fred, HTTP/1.1  PX-1 (polder)\r\n", "Via: 1.1 a\r\nVia: 1.1 px-1\r\n"] {
        assert_eq!(proxy.ask(&with_via(via)).status(), 508, "{via}");
    }
    assert!(backend.heads().is_empty());
    for (request, last) in [
        (with_via(""), "1.1 px-1"),
        (with_via("Via: 1.1 px-11, 1.1 px-2 (px-1)\r\n"), "1.1 px-1"),
        ("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n".to_owned(), "1.0 px-1"),
    ] {
        assert_eq!(proxy.ask(&request).status(), 200, "{request}");
        let head = backend.heads().pop().unwrap();
        assert!(head.contains(&format!("\r\nVia: {last}\r\n")), "{head}");
    }
}

#[test]
fn max_forwards_is_counted_down_for_options_and_trace() {
    let backend = Script::start(ok);
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    for (method, hops, status, passed) in [
        ("OPTIONS", "0", 200, None),
        ("TRACE", "0", 501, None),
        ("OPTIONS", "7", 200, Some("6")),
        ("TRACE", "1", 200, Some("0")),
        ("OPTIONS", "-1", 400, None),
        ("OPTIONS", "1, 2", 400, None),
        ("GET", "0", 200, Some("0")),
        ("GET", "x", 200, Some("x")),
    ] {
        let before = backend.heads().len();
        let request = format!("{method} / HTTP/1.1\r\nHost: www.test\r\nMax-Forwards: {hops}\r\n\r\n");
        assert_eq!(proxy.ask(&request).status(), status, "{request}");
        let heads = backend.heads();
        assert_eq!(heads.get(before).and_then(|head| field(head, "max-forwards")), passed, "{request}");
    }
}

#[test]
fn a_visitor_who_sends_no_more_gets_the_response_at_whatever_moment() {
    // Before the backend is connected to, and while it waits for a verdict.
    let address = refusing();
    let mut proxy = Proxy::start(Setup::default(), &[address]);
    let mut client = proxy.connect();
    client.send(GET);
    client.close_half();
    proxy.reports.blocking_recv().unwrap();
    let _backend = Script::start_at(address, ok);
    assert_eq!(client.response().body, b"ok");
    client.assert_closed();

    // Before and within the response.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let backend = Script::start(move |served, _| {
        while served.head().is_some() {
            may_go_on.lock().unwrap().recv().unwrap();
            served.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
            may_go_on.lock().unwrap().recv().unwrap();
            served.send("lf");
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    for within in [false, true] {
        let mut client = proxy.connect();
        client.send(GET);
        eventually("the backend has the request", || {
            proxy.running(0) == 1 && backend.heads().len() == 1 + usize::from(within)
        });
        if !within {
            client.close_half();
        }
        go_on.send(()).unwrap();
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        if within {
            client.close_half();
        }
        go_on.send(()).unwrap();
        assert_eq!(client.rest(), b"half");
        eventually("it is over", || proxy.running(0) == 0);
    }
}

#[test]
fn a_visitor_who_resets_or_half_closes_where_that_is_leaving_takes_the_request_along() {
    let silent = Script::start(|served, _| {
        served.head();
        served.rest();
    });
    let leaves: [(bool, fn(Client)); 2] = [
        (false, |client| client.reset()),
        (true, |client| {
            client.close_half();
            std::mem::forget(client);
        }),
    ];
    for (abort_on_close, leave) in leaves {
        let connections = ConnectionsConfig { abort_on_close, ..ConnectionsConfig::default() };
        let proxy = Proxy::start(Setup { connections, ..Setup::default() }, &[silent.address]);
        let mut client = proxy.connect();
        client.send(GET);
        let heads = silent.heads().len();
        eventually("it runs", || proxy.running(0) == 1 && silent.heads().len() > heads.saturating_sub(1));
        leave(client);
        eventually("the backend is let go", || proxy.running(0) == 0);
        let setup = Setup {
            connections,
            latch: Some(LatchView::Hold),
            hold_bound: Duration::from_secs(600),
            ..Setup::default()
        };
        let proxy = Proxy::start(setup, &[silent.address]);
        let mut client = proxy.connect();
        client.send(GET);
        eventually("it waits", || proxy.waiting.load(Ordering::Relaxed) == 1);
        leave(client);
        eventually("nobody waits", || proxy.waiting.load(Ordering::Relaxed) == 0);
    }
}
