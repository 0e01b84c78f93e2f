//! What a visitor sees when backends or clients fail, and what is sent twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::{AccessLogConfig, AccessLogPath};
use polder::proxy::traffic::shared::Report;

use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, refusing};

const POST: &str = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 4\r\n\r\nbody";

#[test]
fn a_refused_connection_is_tried_elsewhere_with_any_method_and_reported() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.starts_with("POST") {
                assert_eq!(served.bytes(4), b"body");
            }
            served.send(OK);
        }
    });
    let mut proxy = Proxy::start(Setup::default(), &[refusing(), backend.address]);
    for request in [GET, POST, GET, POST] {
        assert_eq!(proxy.ask(request).body, b"ok");
    }
    let Some(Report::LiveError(target)) = proxy.reports.blocking_recv() else { panic!("no report") };
    assert_ne!(target.address, backend.address);
    assert!(proxy.worker.as_ref().unwrap().counters.retries.load(Ordering::Relaxed) >= 1);
}

#[test]
fn when_every_backend_refuses_the_visitor_may_come_again() {
    let proxy = Proxy::start(Setup::default(), &[refusing(), refusing()]);
    let mut client = proxy.connect();
    client.send(GET);
    let response = client.response();
    assert_eq!(response.status(), 503);
    assert!(response.field("retry-after").is_some());
    client.send(GET);
    assert_eq!(client.response().status(), 503, "the connection is still there");
}

#[test]
fn a_connection_that_ends_before_its_answer_is_tried_elsewhere_for_a_get_and_never_for_a_post() {
    let broken = Script::start(|served, _| {
        served.head();
    });
    let sound = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.starts_with("POST") {
                served.bytes(4);
            }
            served.send(OK);
        }
    });
    let proxy = Proxy::start(Setup::default(), &[broken.address, sound.address]);
    for _ in 0..4 {
        assert_eq!(proxy.ask(GET).status(), 200);
    }
    let before = broken.heads().len() + sound.heads().len();
    let statuses: Vec<u16> = (0..4).map(|_| proxy.ask(POST).status()).collect();
    assert!(statuses.contains(&502), "{statuses:?}");
    assert_eq!(broken.heads().len() + sound.heads().len() - before, 4, "each was sent once");
}

#[test]
fn an_idle_connection_that_was_closed_is_no_attempt() {
    let backend = Script::start(|served, _| {
        let head = served.head().unwrap();
        if head.starts_with("POST") {
            served.bytes(4);
        }
        served.send(OK);
    });
    let mut setup = Setup::default();
    setup.limits.tries = 1;
    let proxy = Proxy::start(setup, &[backend.address]);
    for (number, request) in (1..).zip([GET, POST, GET, POST, POST]) {
        assert_eq!(proxy.ask(request).body, b"ok");
        eventually("the backend has closed", || backend.closed.load(Ordering::SeqCst) == number);
    }
    assert_eq!(backend.connections.load(Ordering::SeqCst), 5);
}

#[test]
fn a_reused_connection_that_ends_under_a_get_is_opened_anew() {
    let backend = Script::start(|served, number| {
        served.head().unwrap();
        served.send(OK);
        if number == 0 {
            served.head();
        } else {
            while served.head().is_some() {
                served.send(OK);
            }
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.response().body, b"ok");
    }
}

#[test]
fn responses_that_cannot_be_believed_are_502_and_split_nothing() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nSet-Cookie: evil=1\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nX: ",
        "garbage\r\n\r\n",
    ] {
        let backend = Script::start(move |served, _| {
            served.head();
            served.send(response);
        });
        let proxy = Proxy::start(Setup::default(), &[backend.address]);
        let got = proxy.ask(GET);
        assert_eq!(got.status(), 502, "{response}");
        assert!(!format!("{got:?}").contains("evil"), "{got:?}");
    }
}

#[test]
fn a_malformed_chunked_response_is_502_as_long_as_nothing_was_sent_and_logged_so() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (first, then)) in [
        ("zz\r\n", ""),
        ("5\r\nhello\r\nzz\r\n", ""),
        ("5\r\nhelloXX", ""),
        ("0\r\nbroken trailer\r\n\r\n", ""),
        // The head has left by the time the body breaks.
        ("", "zz\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let (flushed, is_flushed) = std::sync::mpsc::channel();
        let is_flushed = std::sync::Mutex::new(is_flushed);
        let backend = Script::start(move |served, _| {
            served.head();
            served.send(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{first}"));
            if !then.is_empty() {
                is_flushed.lock().unwrap().recv().unwrap();
                served.send(then);
            }
        });
        let path = folder.path().join(number.to_string());
        let log = AccessLogConfig::to(AccessLogPath::File(path.clone()));
        let proxy = Proxy::start(Setup { log: Some(log), ..Setup::default() }, &[backend.address]);
        let mut client = proxy.connect();
        client.send(GET);
        let status = if then.is_empty() {
            let response = client.response();
            let text = String::from_utf8(response.body).unwrap();
            assert!(text.starts_with("Bad Gateway\n\nSomething went wrong here"), "{text}");
            client.send(GET);
            assert_eq!(client.response().status(), 502, "the visitor's connection goes on");
            (502, "PH")
        } else {
            client.head();
            flushed.send(()).unwrap();
            client.assert_closed();
            (200, "PD")
        };
        eventually("the request is logged", || std::fs::read_to_string(&path).is_ok_and(|text| text.contains('\n')));
        let text = std::fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&line["status"], &line["end"]), (&status.0.into(), &status.1.into()), "{first:?}: {text}");
    }
}

#[test]
fn a_later_minor_version_is_read_as_http_1_1_both_ways() {
    let backend = Script::answering("HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    for version in ["1.2", "1.9", "1.1"] {
        client.send(&format!("GET / HTTP/{version}\r\nHost: www.test\r\nX: 1.2 HTTP/1.2\r\n\r\n"));
        let response = client.response();
        assert_eq!((response.head.split("\r\n").next(), &*response.body), (Some("HTTP/1.1 200 OK"), &b"ok"[..]));
    }
    for head in backend.heads() {
        assert!(head.starts_with("GET / HTTP/1.1\r\n") && head.contains("\r\nX: 1.2 HTTP/1.2\r\n"), "{head}");
    }
    assert_eq!(backend.connections.load(Ordering::SeqCst), 1, "both connections are kept");
    for (version, status) in [("2.0", 505), ("1.10", 400), ("1.", 400), ("1.a", 400)] {
        assert_eq!(proxy.ask(&format!("GET / HTTP/{version}\r\nHost: www.test\r\n\r\n")).status(), status, "{version}");
    }
}

#[test]
fn as_many_fields_as_the_document_says_are_taken_both_ways() {
    for (most, count, status) in
        [(1000, 999, 200), (1000, 1000, 431), (400, 399, 200), (129, 129, 431), (100, 99, 200), (100, 100, 431)]
    {
        let backend = Script::start(move |served, _| {
            served.head();
            let fields: String = (0..count).map(|number| format!("a{number}: b\r\n")).collect();
            served.send(&format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n"));
        });
        let mut setup = Setup::default();
        setup.limits.request_headers = most;
        let proxy = Proxy::start(setup, &[backend.address]);
        let fields: String = (0..count).map(|number| format!("a{number}: b\r\n")).collect();
        let response = proxy.ask(&format!("GET / HTTP/1.1\r\nHost: www.test\r\n{fields}\r\n"));
        assert_eq!(response.status(), status, "{count} of {most}");
        if status == 200 {
            assert!(response.head.contains(&format!("\r\na{}: b\r\n", count - 1)));
            assert!(backend.heads()[0].contains(&format!("\r\na{}: b\r\n", count - 1)));
        }
    }
}

#[test]
fn what_a_backend_says_after_its_response_reaches_nobody() {
    let backend = Script::start(|served, _| {
        while served.head().is_some() {
            served
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        }
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    for _ in 0..5 {
        client.send(GET);
        assert_eq!(client.response().body, b"ok");
    }
}

#[test]
fn a_body_cut_short_never_looks_whole() {
    for (response, old) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true),
    ] {
        let backend = Script::start(move |served, _| {
            served.head();
            served.send(response);
        });
        let proxy = Proxy::start(Setup::default(), &[backend.address]);
        let mut client = proxy.connect();
        client.send(if old { "GET / HTTP/1.0\r\nHost: www.test\r\n\r\n" } else { GET });
        let mut rest = Vec::new();
        let end = std::io::Read::read_to_end(&mut client.stream, &mut rest);
        let text = String::from_utf8_lossy(&rest);
        assert!(!text.ends_with("0\r\n\r\n"), "{text}");
        assert!(!old || end.is_err(), "an old client must see a reset: {text}");
    }
}

#[test]
fn a_client_that_goes_away_takes_its_request_with_it() {
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.rest();
        served.stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let proxy = Proxy::start(Setup::default(), &[backend.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("the backend has the request", || backend.heads().len() == 1);
    assert_eq!(proxy.running(0), 1);
    client.reset();
    eventually("the backend is let go", || proxy.running(0) == 0);
}

#[test]
fn each_time_limit_has_its_answer() {
    let short = Duration::from_millis(60);
    let silent = Script::start(|served, _| {
        served.head();
        served.rest();
    });
    let ask = |change: fn(&mut Setup, Duration), request: &str| {
        let mut setup = Setup::default();
        change(&mut setup, short);
        let proxy = Proxy::start(setup, &[silent.address]);
        let mut client = proxy.connect();
        client.send(request);
        String::from_utf8(client.rest()).unwrap()
    };
    let head = ask(|setup, short| setup.timeouts.request_head = short, "GET / HTTP/1.1\r\nHost: w");
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    let answer = ask(
        |setup, short| setup.timeouts.response_head = short,
        "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let body = ask(
        |setup, short| setup.timeouts.body_idle = short,
        "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 9\r\n\r\nhalf",
    );
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
    let idle = ask(|setup, short| setup.timeouts.keep_alive = short, "");
    assert_eq!(idle, "");
}

#[test]
fn a_connection_that_does_not_open_is_504_in_time() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // A full queue of accepted connections: the kernel answers no more.
    let short = Duration::from_millis(100);
    let mut queue = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, short) {
        queue.push(stream);
    }
    let mut setup = Setup::default();
    setup.timeouts.connect = short;
    let proxy = Proxy::start(setup, &[address]);
    assert_eq!(proxy.ask(GET).status(), 504);
}

#[test]
fn a_drop_by_drop_head_meets_the_same_limit() {
    let mut setup = Setup::default();
    setup.timeouts.request_head = Duration::from_millis(100);
    let proxy = Proxy::start(setup, &[refusing()]);
    let mut client = proxy.connect();
    let mut writer = client.stream.try_clone().unwrap();
    let dropper = std::thread::spawn(move || {
        for byte in GET.bytes().chain(std::iter::repeat(b'a')) {
            std::thread::sleep(Duration::from_millis(100));
            if std::io::Write::write_all(&mut writer, &[byte]).is_err() {
                return;
            }
        }
    });
    assert!(client.head().starts_with("HTTP/1.1 408 "));
    drop(client);
    dropper.join().unwrap();
}
