//! Backends of HTTP/2: one connection carries many requests, and what a backend has not looked at it has not had.

use std::future::Future;
use std::io::Read;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use polder::config::{BackendProtocol, BackendTls, CheckConfig, Expect, HttpVersion, ProbeKind};
use polder::health::Target;
use polder::health::probe::{Begun, Outcome, Sockets, begin};
use polder::tls::client::Connector;
use tokio::net::TcpStream;

use crate::authority::Authority;
use crate::backend_tls::{BOTH, Secure, shows};
use crate::h2_client::{H2, eventually, get, post, soon, whole};
use crate::harness::{GET, PATIENCE, Proxy, Script, Setup, field, refusing};
use crate::tls::www;

/// What a backend does with a request.
type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A backend of HTTP/2 in clear text, in the runtime of its test.
pub struct Streams {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub heads: Arc<Mutex<Vec<Request<()>>>>,
}

impl Streams {
    pub async fn start<F>(script: F) -> Streams
    where
        F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> Answering + Send + Sync + 'static,
    {
        Streams::start_with(Builder::new(), script, |_| {}).await
    }

    /// `meet` has each connection once its first request is there.
    pub async fn start_with<F>(
        builder: Builder,
        script: F,
        meet: impl Fn(&mut Connection<TcpStream, Bytes>) + Send + Sync + 'static,
    ) -> Streams
    where
        F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> Answering + Send + Sync + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, heads) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<Request<()>>>>::default());
        let (counted, kept) = (Arc::clone(&connections), Arc::clone(&heads));
        let script = Arc::new(script);
        let meet = Arc::new(meet);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (builder, kept, script, meet) =
                    (builder.clone(), Arc::clone(&kept), Arc::clone(&script), Arc::clone(&meet));
                tokio::spawn(async move {
                    let Ok(mut connection) = builder.handshake(stream).await else { return };
                    let mut is_first = true;
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        if std::mem::take(&mut is_first) {
                            meet(&mut connection);
                        }
                        let (parts, body) = request.into_parts();
                        kept.lock().unwrap().push(Request::from_parts(parts.clone(), ()));
                        tokio::spawn(script(Request::from_parts(parts, body), respond));
                    }
                });
            }
        });
        Streams { address, connections, heads }
    }

    pub fn heads(&self) -> Vec<Request<()>> {
        self.heads.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn ok(mut respond: SendResponse<Bytes>) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(b"ok"), true).unwrap();
}

async fn answering() -> Streams {
    Streams::start(|_, respond| Box::pin(async move { ok(respond) })).await
}

fn setup() -> Setup {
    Setup { backend_version: HttpVersion::Http2, ..Setup::default() }
}

/// Asks in clear text over HTTP/1.1, beside the runtime of the test.
async fn ask(proxy: &Proxy, request: &str) -> crate::harness::Response {
    let (address, request) = (proxy.address, request.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let mut client = crate::harness::Client::connect(address);
        client.send(&request);
        client.response()
    });
    asked.await.unwrap()
}

#[tokio::test]
async fn a_visitor_of_http_1_is_served_over_a_stream() {
    let backend = answering().await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let request = "GET /page?x=1 HTTP/1.1\r\nHost: www.test\r\nX-One: 1\r\nCookie: a=1; b=2\r\nTE: trailers\r\n\
                   Connection: te, x-hop\r\nX-Hop: 1\r\n\r\n";
    let response = ask(&proxy, request).await;
    assert_eq!((response.status(), response.body.as_slice()), (200, &b"ok"[..]));
    assert_eq!(response.field("Transfer-Encoding"), Some("chunked"));
    let head = &backend.heads()[0];
    assert_eq!(head.uri(), "http://www.test/page?x=1");
    let value = |name: &str| head.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(value("x-one"), Some("1"));
    assert_eq!(value("cookie"), Some("a=1; b=2"));
    assert_eq!(value("te"), Some("trailers"));
    assert_eq!(value("x-forwarded-proto"), Some("http"));
    assert_eq!(value("via"), Some("1.1 px-1"));
    assert_eq!((value("x-hop"), value("connection"), value("host")), (None, None, None));
}

#[tokio::test]
async fn many_requests_at_a_time_share_a_connection_as_far_as_the_backend_allows() {
    const AT_ONCE: usize = 8;
    for (most, expected) in [(100, 1), (3, 3)] {
        let waiting = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&waiting);
        let mut builder = Builder::new();
        builder.max_concurrent_streams(most);
        let script = move |request: Request<RecvStream>, respond| -> Answering {
            let waiting = Arc::clone(&counted);
            Box::pin(async move {
                if request.uri().path() != "/first" {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    eventually("all are here", || waiting.load(Ordering::SeqCst) == AT_ONCE).await;
                }
                ok(respond);
            })
        };
        let backend = Streams::start_with(builder, script, |_| {}).await;
        let proxy = Proxy::start(setup(), &[backend.address]);
        // So that what the backend allows is known.
        assert_eq!(ask(&proxy, "GET /first HTTP/1.1\r\nHost: www.test\r\n\r\n").await.status(), 200);
        let asked: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let address = proxy.address;
                tokio::task::spawn_blocking(move || {
                    let mut client = crate::harness::Client::connect(address);
                    client.send(GET);
                    client.response().status()
                })
            })
            .collect();
        for asked in asked {
            assert_eq!(asked.await.unwrap(), 200);
        }
        assert_eq!(backend.connections(), expected, "{most} streams a connection");
    }
}

#[tokio::test]
async fn bodies_and_trailers_come_through_both_ways() {
    const LENGTH: usize = 1_500_000;
    let script = |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| -> Answering {
        Box::pin(async move {
            let (body, trailers) = crate::h2_client::drain(request.into_body()).await.unwrap();
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            crate::h2_client::send(&mut stream, body.into(), false).await;
            let mut back = HeaderMap::new();
            back.insert("x-back", trailers.get("x-there").cloned().unwrap());
            stream.send_trailers(back).unwrap();
        })
    };
    let backend = Streams::start(script).await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let body = "x".repeat(LENGTH);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: www.test\r\nTrailer: x-there\r\nTransfer-Encoding: chunked\r\n\r\n{LENGTH:x}\r\n{body}\r\n0\r\nx-there: 1\r\n\r\n"
    );
    let response = ask(&proxy, &request).await;
    assert!(response.body == body.as_bytes(), "{} bytes", response.body.len());
    assert_eq!(response.trailers, "x-back: 1\r\n");

    let (authority, secure) = www();
    let proxy = Proxy::start(Setup { tls: secure.tls, ..setup() }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, mut stream) = client.begin(post("/"), false).await;
    let sending = tokio::spawn(async move {
        crate::h2_client::send(&mut stream, Bytes::from(vec![b'y'; LENGTH]), false).await;
        let mut there = HeaderMap::new();
        there.insert("x-there", "2".parse().unwrap());
        stream.send_trailers(there).unwrap();
    });
    let response = whole(response).await.unwrap();
    sending.await.unwrap();
    assert_eq!((response.status(), response.body.len()), (200, LENGTH));
    assert_eq!(response.trailers.get("x-back").unwrap(), "2");
}

#[tokio::test]
async fn interim_responses_and_responses_without_a_body_come_through() {
    let script = |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| -> Answering {
        Box::pin(async move {
            let hint = Response::builder().status(103).header("link", "</a>").body(()).unwrap();
            respond.send_informational(hint).unwrap();
            let status = request.uri().path()[1..].parse::<u16>().unwrap();
            let head = Response::builder().status(status).header("x-a", "b");
            let head = if status == 200 { head.header("content-length", 5) } else { head };
            respond.send_response(head.body(()).unwrap(), true).unwrap();
        })
    };
    let backend = Streams::start(script).await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let address = proxy.address;
    let asked = tokio::task::spawn_blocking(move || {
        let mut client = crate::harness::Client::connect(address);
        // The next response shows that the one before had no body.
        for request in ["HEAD /200", "GET /204", "GET /304", "HEAD /200"] {
            client.send(&format!("{request} HTTP/1.1\r\nHost: www.test\r\n\r\n"));
            let hint = client.head();
            assert!(hint.starts_with("HTTP/1.1 103 ") && field(&hint, "link") == Some("</a>"), "{hint}");
            let head = client.head();
            assert!(head.starts_with(&format!("HTTP/1.1 {} ", &request[request.len() - 3..])), "{head}");
            let length = if request.starts_with("HEAD") { Some("5") } else { None };
            assert_eq!(field(&head, "content-length"), length, "{head}");
        }
    });
    asked.await.unwrap();
}

#[tokio::test]
async fn what_a_backend_has_not_looked_at_is_tried_again_whatever_the_method() {
    let refused = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&refused);
    let backend = Streams::start(move |request, mut respond| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move {
            drop(request);
            if first { respond.send_reset(Reason::REFUSED_STREAM) } else { ok(respond) }
        })
    })
    .await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let request = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(ask(&proxy, request).await.status(), 200, "the same backend, after a pause");
    refused.store(0, Ordering::SeqCst);
    let other = answering().await;
    let proxy = Proxy::start(setup(), &[backend.address, other.address]);
    assert_eq!(ask(&proxy, request).await.status(), 200);
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_backend_that_leaves_finishes_what_it_has_and_gets_the_rest_on_another_connection() {
    let script = |request: Request<RecvStream>, respond| -> Answering {
        Box::pin(async move {
            drop(request);
            ok(respond);
        })
    };
    // Says goodbye as soon as it has one: the first is always done, and each other one is the first elsewhere.
    let backend = Streams::start_with(Builder::new(), script, |connection| connection.graceful_shutdown()).await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    for _ in 0..5 {
        let request = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(ask(&proxy, request).await.status(), 200);
    }
    assert!(backend.connections() > 1, "{}", backend.connections());
}

#[tokio::test]
async fn a_visitor_who_leaves_has_the_stream_reset() {
    let reset = Arc::<Mutex<Option<Reason>>>::default();
    let kept = Arc::clone(&reset);
    let backend = Streams::start(move |request, mut respond| {
        let kept = Arc::clone(&kept);
        Box::pin(async move {
            drop(request);
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"begin"), false).unwrap();
            let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await.unwrap();
            *kept.lock().unwrap() = Some(reason);
        })
    })
    .await;
    let (authority, secure) = www();
    let proxy = Proxy::start(Setup { tls: secure.tls, ..setup() }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, mut stream) = client.begin(get("/"), true).await;
    let response = soon(response).await.unwrap();
    stream.send_reset(Reason::CANCEL);
    drop(response);
    eventually("the backend's stream is reset", || reset.lock().unwrap().is_some()).await;
    assert_eq!(*reset.lock().unwrap(), Some(Reason::CANCEL));
    let mut others = H2::connect(&proxy, &authority).await;
    assert!(soon(others.begin(get("/"), true).await.0).await.is_ok(), "the connection goes on");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_response_that_breaks_off_does_not_look_whole() {
    let seen = Arc::<tokio::sync::Notify>::default();
    let waits = Arc::clone(&seen);
    let backend = Streams::start(move |request, mut respond| {
        let waits = Arc::clone(&waits);
        Box::pin(async move {
            drop(request);
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"begin"), false).unwrap();
            waits.notified().await;
            stream.send_reset(Reason::INTERNAL_ERROR);
        })
    })
    .await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let (address, shown) = (proxy.address, Arc::clone(&seen));
    let rest = tokio::task::spawn_blocking(move || {
        let mut client = crate::harness::Client::connect(address);
        client.send(GET);
        client.head();
        let mut chunk = [0; 10];
        client.stream.read_exact(&mut chunk).unwrap();
        assert_eq!(&chunk, b"5\r\nbegin\r\n");
        shown.notify_one();
        client.rest()
    });
    assert_eq!(rest.await.unwrap(), b"", "without the last chunk");

    let (authority, secure) = www();
    let proxy = Proxy::start(Setup { tls: secure.tls, ..setup() }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, _) = client.begin(get("/"), true).await;
    let mut body = soon(response).await.unwrap().into_body();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), "begin");
    seen.notify_one();
    let error = soon(body.data()).await.unwrap().unwrap_err();
    assert!(error.is_reset() && error.is_remote(), "{error}");
}

#[tokio::test]
async fn visitors_who_do_not_take_their_responses_do_not_stop_the_others() {
    const STUCK: usize = 40;
    const LENGTH: usize = 1_000_000;
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    let backend = Streams::start(move |request, mut respond| {
        let counted = Arc::clone(&counted);
        Box::pin(async move {
            let is_stuck = request.uri().path() == "/stuck";
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            for piece in 0..LENGTH / 10_000 {
                let is_end = piece + 1 == LENGTH / 10_000;
                crate::h2_client::send(&mut stream, vec![b'x'; 10_000].into(), is_end).await;
                counted.fetch_add(if is_stuck { 10_000 } else { 0 }, Ordering::SeqCst);
            }
        })
    })
    .await;
    let (authority, secure) = www();
    let proxy = Proxy::start(Setup { tls: secure.tls, ..setup() }, &[backend.address]);
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(100_000_000);
    let mut client = H2::connect_with(&proxy, &authority, &builder).await;
    let mut unread = Vec::new();
    for _ in 0..STUCK {
        let (response, _) = client.begin(get("/stuck"), true).await;
        unread.push(soon(response).await.unwrap());
    }
    // What the visitor's windows allow, and more.
    eventually("the stuck ones are stuck", || sent.load(Ordering::SeqCst) >= STUCK * 90_000).await;
    for _ in 0..5 {
        assert_eq!(client.get("/goes-on").await.body.len(), LENGTH);
    }
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn what_cannot_be_said_over_http_2_is_answered_here() {
    let backend = answering().await;
    let proxy = Proxy::start(setup(), &[backend.address]);
    let upgrade = "GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(ask(&proxy, upgrade).await.status(), 501);
    assert_eq!(backend.heads().len(), 0);
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_or_speaks_something_else_is_not_waited_for() {
    let proxy = Proxy::start(setup(), &[refusing()]);
    assert_eq!(ask(&proxy, GET).await.status(), 503);
    let other = Script::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let proxy = Proxy::start(setup(), &[other.address]);
    assert_eq!(ask(&proxy, GET).await.status(), 502);
}

#[tokio::test]
async fn over_tls_http_2_has_to_be_agreed_on() {
    let authority = Authority::new();
    let files = authority.issue("web", &["web.test"]);
    let tls = BackendTls {
        ca_file: Some(authority.ca_file()),
        server_name: Some("web.test".into()),
        client_certificate: None,
    };
    let connector =
        Connector::of(&BackendProtocol { version: HttpVersion::Http2, tls: Some(Arc::new(tls)), ..Default::default() });
    for protocols in [vec![b"http/1.1".to_vec()], Vec::new()] {
        let mut config = shows(&files, &BOTH);
        config.alpn_protocols = protocols;
        let backend = Secure::answering(config);
        let proxy = Proxy::start(Setup { backend_tls: connector.clone(), ..setup() }, &[backend.address]);
        assert_eq!(ask(&proxy, GET).await.status(), 503);
        assert_eq!(backend.requests(), 0);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(shows(&files, &BOTH)));
    tokio::spawn(async move {
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            assert_eq!(request.uri(), "https://www.test/page?x=1");
            ok(respond);
        }
    });
    let proxy = Proxy::start(Setup { backend_tls: connector, ..setup() }, &[address]);
    for _ in 0..2 {
        assert_eq!(ask(&proxy, GET).await.body, b"ok");
    }
}

#[tokio::test]
async fn a_check_speaks_http_2_and_says_what_does_not() {
    let probed = async |address: SocketAddr| {
        let kind = ProbeKind::Http { path: "/healthz".into(), host: None, expect: Expect::default() };
        let protocol = BackendProtocol { version: HttpVersion::Http2, ..Default::default() };
        let interval = PATIENCE;
        let (fast_interval, timeout, rise, fall) = (interval, interval, 1, 1);
        let check = CheckConfig { kind, protocol, port: None, interval, fast_interval, timeout, rise, fall };
        let target = Target { address, check };
        match begin(&mut Sockets::default(), &target) {
            Begun::Ended(probed) => probed.outcome,
            Begun::Connecting(connecting) => connecting.finish(&target).await.outcome,
        }
    };
    let backend = answering().await;
    let up = probed(backend.address).await;
    assert!(matches!(&up, Outcome::Success { answer, .. } if answer == "200"), "{up:?}");
    let head = &backend.heads()[0];
    assert_eq!((head.uri().path(), head.headers()["user-agent"].as_bytes()), ("/healthz", &b"polder"[..]));
    let wordy = Streams::start(|_, mut respond| {
        Box::pin(async move {
            let head = Response::builder().header("content-security-policy", "x".repeat(10_000)).body(()).unwrap();
            respond.send_response(head, true).unwrap();
        })
    });
    let up = probed(wordy.await.address).await;
    assert!(matches!(&up, Outcome::Success { answer, .. } if answer == "200"), "{up:?}");
    let other = Script::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let down = probed(other.address).await;
    assert!(matches!(&down, Outcome::Failure(why) if why.starts_with("no HTTP/2 response")), "{down:?}");
    let silent = Script::start(|served, _| drop(served.stream.shutdown(std::net::Shutdown::Both)));
    let down = probed(silent.address).await;
    assert!(matches!(&down, Outcome::Failure(why) if why.contains("closed before a response")), "{down:?}");
}
