//! A second copy of a request on another backend, where the first one takes long.

use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::Response;
use polder::config::HttpVersion;
use polder::config::proxy::{ConnectionsConfig, RetryConfig, RetryOn};
use polder::health::Verdict;
use polder::proxy::snapshot::LatchView;
use polder::running_time::running;

use crate::access::edge;
use crate::h2_backend::Streams;
use crate::h2_client::{self, H2, get, soon};
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually, refusing};
use crate::logged::{lines, with_log};
use crate::tls::www;

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nX-From: web\r\nContent-Length: 4\r\n\r\nbusy";

/// Hedged as soon as can be.
fn hedging() -> RetryConfig {
    RetryConfig { budget: Some(100), hedge_after: Some(Duration::from_millis(1)), ..RetryConfig::default() }
}

fn with(retry: RetryConfig) -> Setup {
    Setup { connections: ConnectionsConfig { retry, ..ConnectionsConfig::default() }, ..Setup::default() }
}

/// Hedges that were sent, that won and that were left out.
fn hedges(proxy: &Proxy) -> [u64; 3] {
    let counters = &proxy.worker.as_ref().unwrap().counters;
    [&counters.hedges, &counters.hedges_won, &counters.hedges_left_out].map(|count| count.load(Ordering::Relaxed))
}

fn failed(proxy: &Proxy, backend: usize) -> u64 {
    proxy.shared.snapshot.load().services[0].backends[backend].counters[0].failed_attempts.load(Ordering::Relaxed)
}

/// Reads a request, and whatever follows until the proxy closes.
fn silent() -> Script {
    Script::start(|served, _| {
        served.head();
        served.rest();
    })
}

/// Does this with each request when it is told to, and closes.
fn told(then: &'static str) -> (Script, Sender<()>) {
    let (go, told) = channel();
    let told = Mutex::new(told);
    let script = Script::start(move |served, _| {
        if served.head().is_some() {
            let _ = told.lock().unwrap().recv();
            served.send(then);
        }
    });
    (script, go)
}

#[test]
fn a_slow_backend_gets_company_and_its_connection_is_closed_when_the_other_one_answers() {
    let (slow, well) = (silent(), Script::answering(OK));
    let (folder, setup) = with_log(with(hedging()));
    let proxy = Proxy::start(setup, &[slow.address, well.address]);
    let response = proxy.ask(GET);
    assert_eq!((response.status(), response.body.as_slice()), (200, &b"ok"[..]));
    eventually("the slow one is left", || slow.closed.load(Ordering::SeqCst) == 1);
    assert_eq!(slow.heads(), well.heads(), "it is the same request");
    eventually("it is counted", || hedges(&proxy) == [1, 1, 0]);
    assert_eq!([0, 1].map(|backend| (proxy.running(backend), failed(&proxy, backend))), [(0, 0); 2]);
    let line = &lines(&folder, proxy)[0];
    assert_eq!((&line["backend"], &line["hedge"], &line["tries"]), (&"web1".into(), &"won".into(), &2.into()));
    assert_eq!((&line["end"], &line["status"], &line["bytes"]), (&"--".into(), &200.into(), &2.into()));
}

#[test]
fn where_the_first_backend_is_quick_there_is_no_hedge() {
    let (quick, other) = (Script::answering(OK), Script::answering(OK));
    let hour = RetryConfig { hedge_after: Some(Duration::from_secs(3600)), ..hedging() };
    let (folder, setup) = with_log(with(hour));
    let proxy = Proxy::start(setup, &[quick.address, other.address]);
    let mut client = proxy.connect();
    for _ in 0..4 {
        client.send(GET);
        assert_eq!(client.response().status(), 200);
    }
    assert_eq!((quick.heads().len(), other.heads().len(), hedges(&proxy)), (2, 2, [0; 3]));
    assert_eq!([&quick, &other].map(|script| script.connections.load(Ordering::SeqCst)), [1, 1], "they are kept");
    drop(client);
    assert!(lines(&folder, proxy).iter().all(|line| line.get("hedge").is_none() && line["tries"] == 1));
}

#[test]
fn what_may_not_be_sent_twice_or_belongs_to_its_backend_is_never_hedged() {
    let post = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n";
    let with_body = "GET / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 2\r\n\r\nhi";
    let upgrade = "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    for (request, sticky, latch) in [
        (post, false, None),
        (with_body, false, None),
        (upgrade, false, None),
        (GET, true, None),
        (GET, false, Some(LatchView::Active(0))),
    ] {
        let (first, go) = Script::held();
        let (second, go_too) = Script::held();
        let setup = Setup { sticky, latch, ..with(hedging()) };
        let proxy = Proxy::start(setup, &[first.address, second.address]);
        let cookie = format!("Host: www.test\r\nCookie: polder-www={}", first.address);
        let mut client = proxy.connect();
        client.send(&if sticky { request.replace("Host: www.test", &cookie) } else { request.to_owned() });
        eventually("it runs", || first.heads().len() == 1);
        let mut hedged = proxy.connect();
        if latch.is_none() {
            // Its time comes later than that of the other one would.
            hedged.send("GET /hedged HTTP/1.1\r\nHost: www.test\r\n\r\n");
            eventually("another one is hedged", || hedges(&proxy)[0] == 1);
            eventually("the other one has it, too", || second.heads().len() == 1 && first.heads().len() == 2);
        }
        drop((go, go_too));
        assert_eq!(client.response().status(), 200, "{request}");
        let most = if latch.is_none() { 1 } else { 0 };
        assert_eq!((hedges(&proxy)[0], second.heads().len()), (most, most as usize), "{request}");
        assert!(second.heads().iter().all(|head| head.starts_with("GET /hedged ")), "{request}");
    }
}

#[test]
fn when_the_budget_is_spent_or_no_other_backend_has_room_there_is_no_hedge() {
    let (first, go) = Script::held();
    let (second, go_too) = Script::held();
    let proxy = Proxy::start(with(RetryConfig { budget: Some(1), ..hedging() }), &[first.address, second.address]);
    let budget = Arc::clone(proxy.shared.snapshot.load().services[0].retry_budget.as_ref().unwrap());
    while budget.withdraw(1, running()) {}
    let mut client = proxy.connect();
    client.send(GET);
    eventually("it is not sent again", || hedges(&proxy) == [0, 0, 1]);
    assert_eq!(budget.spent(), 2);
    drop((go, go_too));
    assert_eq!((client.response().status(), second.heads().len()), (200, 0));

    let (first, go) = Script::held();
    let (second, go_too) = Script::held();
    let setup = Setup { max_connections: Some(1), ..with(hedging()) };
    let proxy = Proxy::start(setup, &[first.address, second.address]);
    let post = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n";
    let mut clients = [proxy.connect(), proxy.connect()];
    clients[0].send(post);
    eventually("one is full", || first.heads().len() == 1);
    clients[1].send(GET);
    eventually("the other one is not hedged", || hedges(&proxy) == [0, 0, 1]);
    drop((go, go_too));
    assert_eq!(clients.each_mut().map(|client| client.response().status()), [200, 200]);
    assert_eq!((first.heads().len(), second.heads().len()), (1, 1), "nor does it queue");
}

#[test]
fn a_hedge_that_comes_to_nothing_leaves_the_first_attempt_as_it_was() {
    let junk = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    let (junk, busy) = (Script::answering(junk), Script::answering(BUSY));
    let closed = Script::start(|served, _| drop(served.head()));
    for second in [refusing(), closed.address, junk.address, busy.address] {
        let (first, go) = Script::held();
        let (folder, setup) = with_log(with(RetryConfig { on: RetryOn::UNAVAILABLE, ..hedging() }));
        let proxy = Proxy::start(setup, &[first.address, second]);
        let mut client = proxy.connect();
        client.send(GET);
        eventually("the hedge fails", || failed(&proxy, 1) == 1);
        go.send(()).unwrap();
        assert_eq!(client.response().status(), 200);
        assert_eq!((first.heads().len(), hedges(&proxy)), (1, [1, 0, 0]), "there is one only");
        drop(client);
        let line = &lines(&folder, proxy)[0];
        assert_eq!((&line["backend"], &line["hedge"]), (&"web0".into(), &"sent".into()));
    }
}

#[test]
fn a_first_attempt_that_comes_to_nothing_leaves_the_request_to_its_hedge() {
    let junk = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    for answer in ["", junk, BUSY] {
        let ((first, fail), (second, go)) = (told(answer), Script::held());
        let proxy =
            Proxy::start(with(RetryConfig { on: RetryOn::UNAVAILABLE, ..hedging() }), &[first.address, second.address]);
        let mut client = proxy.connect();
        client.send(GET);
        eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
        fail.send(()).unwrap();
        eventually("the first fails", || failed(&proxy, 0) == 1);
        go.send(()).unwrap();
        assert_eq!(client.response().status(), 200, "{answer}");
        eventually("it is counted", || hedges(&proxy) == [1, 1, 0]);
        assert_eq!((first.heads().len(), second.heads().len()), (1, 1));
    }
}

#[test]
fn when_both_fail_the_visitor_gets_what_he_would_get_after_a_retry() {
    for (answer, status, from) in [(BUSY, 503, Some("web")), ("", 502, None)] {
        for first_fails_first in [true, false] {
            let ((first, fail), (second, fail_too)) = (told(answer), told(answer));
            let on = RetryOn::UNAVAILABLE | RetryOn::EMPTY_RESPONSE;
            let proxy = Proxy::start(with(RetryConfig { on, ..hedging() }), &[first.address, second.address]);
            let mut client = proxy.connect();
            client.send(GET);
            eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
            let (at, then) = if first_fails_first { (0, [fail, fail_too]) } else { (1, [fail_too, fail]) };
            then[0].send(()).unwrap();
            eventually("one fails", || failed(&proxy, at) == 1);
            then[1].send(()).unwrap();
            let response = client.response();
            assert_eq!((response.status(), response.field("x-from")), (status, from), "{answer} {first_fails_first}");
            assert_eq!((first.heads().len(), second.heads().len()), (1, 1));
        }
    }
}

#[test]
fn a_page_that_the_visitor_would_get_without_a_hedge_is_not_lost_to_one_that_fails() {
    let ((first, fail), second) = (told(BUSY), silent());
    let mut setup = with(RetryConfig { on: RetryOn::UNAVAILABLE, ..hedging() });
    setup.connections.retries = Some(0);
    let proxy = Proxy::start(setup, &[first.address, second.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
    fail.send(()).unwrap();
    let response = client.response();
    assert_eq!((response.status(), response.field("x-from")), (503, Some("web")));
    eventually("the hedge is left", || second.closed.load(Ordering::SeqCst) == 1);
    assert_eq!(hedges(&proxy), [1, 0, 0]);
}

#[test]
fn every_attempt_says_the_same_of_the_request_and_the_visitor_gets_the_cookie_of_the_one_that_answered() {
    let auth = Script::answering("HTTP/1.1 204 No Content\r\nRemote-User: alice\r\n\r\n");
    let ((first, fail), (second, fail_too)) = (told(""), told(""));
    let third = Script::answering(OK);
    let service = format!(
        r#""forward_auth": {{ "address": "{}", "copy": ["Remote-User"] }},
           "request_headers": {{ "set": {{ "X-Request-Id": "{{request_id}}" }} }}"#,
        auth.address
    );
    let setup = Setup { edge: Some(edge("hedged", &service)), sticky: true, ..with(hedging()) };
    let proxy = Proxy::start(setup, &[first.address, second.address, third.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
    drop((fail, fail_too));
    let response = client.response();
    assert_eq!(response.status(), 200, "the third one is tried, and by itself");
    assert!(response.field("set-cookie").unwrap().starts_with(&format!("polder-www={};", third.address)));
    assert_eq!((first.heads(), second.heads()), (third.heads(), third.heads()));
    let head = third.heads().remove(0);
    assert!(head.contains("Remote-User: alice\r\n") && head.contains("X-Request-Id: "), "{head}");
    assert_eq!(hedges(&proxy), [1, 0, 0]);

    let (slow, well) = (silent(), Script::answering(OK));
    let proxy = Proxy::start(Setup { sticky: true, ..with(hedging()) }, &[slow.address, well.address]);
    let response = proxy.ask(GET);
    assert!(response.field("set-cookie").unwrap().starts_with(&format!("polder-www={};", well.address)));
}

#[test]
fn a_visitor_who_goes_away_takes_both_attempts_with_him() {
    let (first, second) = (silent(), silent());
    let (folder, setup) = with_log(with(hedging()));
    let proxy = Proxy::start(setup, &[first.address, second.address]);
    let mut client = proxy.connect();
    client.send(GET);
    eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
    client.reset();
    eventually("both are left", || [&first, &second].iter().all(|script| script.closed.load(Ordering::SeqCst) == 1));
    eventually("none runs", || proxy.running(0) + proxy.running(1) == 0);
    let line = &lines(&folder, proxy)[0];
    assert_eq!((&line["end"], &line["status"], &line["hedge"]), (&"CH".into(), &0.into(), &"sent".into()));
}

#[test]
fn the_slot_of_the_attempt_that_lost_is_free_while_the_response_of_the_other_goes_on() {
    let first = Script::start(|served, number| {
        served.head();
        if number > 0 {
            served.send(OK);
        }
        served.rest();
    });
    let (go, told): (Sender<()>, Receiver<()>) = channel();
    let told = Mutex::new(told);
    let second = Script::start(move |served, _| {
        served.head();
        served.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        let _ = told.lock().unwrap().recv();
        served.send("cd");
    });
    let setup = Setup { max_connections: Some(1), ..with(hedging()) };
    let proxy = Proxy::start(setup, &[first.address, second.address]);
    let mut client = proxy.connect();
    client.send(GET);
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(proxy.ask(GET).status(), 200, "there is room on the first backend alone");
    go.send(()).unwrap();
    let mut body = [0; 4];
    client.stream.read_exact(&mut body).unwrap();
    assert_eq!(&body, b"abcd");
    eventually("nothing runs", || proxy.running(0) + proxy.running(1) == 0);
    assert!(proxy.shared.snapshot.load().services[0].backends.iter().all(|backend| !backend.is_full()));
}

#[test]
fn an_interim_response_is_a_head_too() {
    let slow = silent();
    let (go, told) = channel::<()>();
    let told = Mutex::new(told);
    let hinting = Script::start(move |served, _| {
        served.head();
        served.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
        let _ = told.lock().unwrap().recv();
        served.send(OK);
    });
    let proxy = Proxy::start(with(hedging()), &[slow.address, hinting.address]);
    let mut client = proxy.connect();
    client.send(GET);
    assert!(client.head().starts_with("HTTP/1.1 103 "));
    eventually("the slow one is left", || slow.closed.load(Ordering::SeqCst) == 1);
    go.send(()).unwrap();
    assert_eq!(client.response().status(), 200);
}

#[test]
fn an_attempt_whose_backend_goes_down_is_given_up_and_the_other_one_goes_on() {
    for down in [0, 1] {
        let (first, go) = Script::held();
        let (second, go_too) = Script::held();
        let mut proxy = Proxy::start(with(hedging()), &[first.address, second.address]);
        let mut client = proxy.connect();
        client.send(GET);
        eventually("both run", || first.heads().len() == 1 && second.heads().len() == 1);
        let verdict = |backend| if backend == down { Verdict::Down } else { Verdict::Up };
        proxy.swap(|setup| setup.verdicts = vec![verdict(0), verdict(1)]);
        eventually("one is left", || proxy.running(down) == 0);
        assert_eq!(proxy.running(1 - down), 1);
        drop((go, go_too));
        assert_eq!(client.response().status(), 200);
        eventually("it is counted", || hedges(&proxy) == [1, down as u64 ^ 1, 0]);
    }
}

#[test]
fn an_idle_connection_that_is_closed_under_a_hedge_is_replaced() {
    let slow = silent();
    let well = Script::start(|served, number| {
        served.head();
        served.send(OK);
        if served.head().is_some() && number > 0 {
            served.send(OK);
        }
    });
    let proxy = Proxy::start(with(hedging()), &[slow.address, well.address]);
    for _ in 0..2 {
        assert_eq!(proxy.ask(GET).status(), 200);
    }
    assert_eq!((well.connections.load(Ordering::SeqCst), well.heads().len()), (2, 3));
}

/// A backend of HTTP/2 that notes how its streams are reset, and answers none.
async fn noting(reasons: &Arc<Mutex<Vec<Reason>>>) -> Streams {
    let reasons = Arc::clone(reasons);
    let script = move |_, mut respond: SendResponse<Bytes>| -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let reasons = Arc::clone(&reasons);
        Box::pin(async move {
            let reason = std::future::poll_fn(|context| respond.poll_reset(context)).await.unwrap();
            reasons.lock().unwrap().push(reason);
        })
    };
    Streams::start(script).await
}

#[tokio::test]
async fn over_http_2_the_stream_of_an_attempt_that_is_given_up_is_cancelled() {
    let reasons = Arc::default();
    let slow = [noting(&reasons).await, noting(&reasons).await];
    let well = Streams::start(|_, mut respond| {
        Box::pin(async move {
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"ok"), true).unwrap();
        })
    })
    .await;
    let start = |backends: [SocketAddr; 2]| {
        let (authority, setup) = www();
        let setup = Setup { connections: with(hedging()).connections, backend_version: HttpVersion::Http2, ..setup };
        (Proxy::start(setup, &backends), authority)
    };
    let (proxy, authority) = start([slow[0].address, well.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let response = soon(client.ask(get("/"))).await;
    assert_eq!((response.status(), response.body.as_slice()), (200, &b"ok"[..]));
    h2_client::eventually("it is told", || *reasons.lock().unwrap() == [Reason::CANCEL]).await;
    assert_eq!((slow[0].heads().len(), well.heads().len(), hedges(&proxy)), (1, 1, [1, 1, 0]));

    let (proxy, authority) = start([slow[0].address, slow[1].address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let request = client.begin(get("/"), true).await;
    h2_client::eventually("both run", || slow[0].heads().len() == 2 && slow[1].heads().len() == 1).await;
    drop(request);
    h2_client::eventually("both are told", || *reasons.lock().unwrap() == [Reason::CANCEL; 3]).await;
}
