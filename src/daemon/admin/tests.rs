#![allow(clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::api::client::{Client, ClientError};
use crate::api::query::with_query;

const LIMIT: Duration = Duration::from_secs(60);

/// Says what it was asked; `/slow` waits for a word, `/deny` refuses with findings.
#[derive(Clone, Default)]
struct Echo {
    asked: Rc<Notify>,
    go: Rc<Notify>,
    /// The paths of all requests.
    heard: Rc<RefCell<Vec<String>>>,
}

impl AdminHandler for Echo {
    fn call(&self, request: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        let echo = self.clone();
        async move {
            echo.heard.borrow_mut().push(request.path.clone());
            match request.path.as_str() {
                "/slow" => {
                    echo.asked.notify_one();
                    echo.go.notified().await;
                }
                "/deny" => return AdminReply::json_with(422, &json!({"error": "no", "findings": ["a", "b"]})),
                _ => {}
            }
            AdminReply::json(&json!({
                "method": format!("{:?}", request.method),
                "path": request.path,
                "query": request.query,
                "body": request.body.len(),
                "unix": matches!(request.origin, Origin::Unix { uid } if uid == nix::unistd::geteuid().as_raw()),
            }))
        }
    }

    #[allow(clippy::manual_async_fn, reason = "an async fn would borrow self")]
    fn takeover(&self, mut stream: UnixStream) -> impl Future<Output = ()> + 'static {
        async move {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            stream.write_all(&[byte[0] + 1]).await.unwrap();
        }
    }
}

struct Served {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    client: Client,
    server: AdminServer,
    handler: Echo,
}

fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let handler = Echo::default();
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let server = serve_unix(listener, handler.clone()).unwrap();
    let client = Client { socket: socket.clone(), timeout: LIMIT, users: None };
    Served { _folder: folder, socket, client, server, handler }
}

async fn local<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(async { timeout(LIMIT, test).await.unwrap() }).await
}

/// The whole answer to raw bytes, until the other side closes.
async fn raw(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_arrives_whole_with_its_origin() {
    local(async {
        let served = served();
        let answer = served.client.get(&with_query("/explain", &[("host", "a b&c")])).await.unwrap();
        let expected =
            json!({"method": "Get", "path": "/explain", "query": [["host", "a b&c"]], "body": 0, "unix": true});
        assert_eq!(answer, expected);
        let answer = served.client.post("/operator", &json!({"x": 1})).await.unwrap();
        assert_eq!((&answer["method"], &answer["body"]), (&json!("Post"), &json!(7)));
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_sender_has_gone_before_it_was_read_is_not_carried_out() {
    local(async {
        let served = served();
        // Nothing is accepted or read before this test waits for something, as in a process that is frozen.
        for path in ["/gone", "/there"] {
            let mut sender = std::os::unix::net::UnixStream::connect(&served.socket).unwrap();
            let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}");
            std::io::Write::write_all(&mut sender, request.as_bytes()).unwrap();
            if path == "/there" {
                // It waits for its answer as long as the test runs.
                std::mem::forget(sender);
            }
        }
        served.client.post("/last", &json!({})).await.unwrap();
        assert_eq!(*served.handler.heard.borrow(), ["/there", "/last"]);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_brings_its_findings_a_line_each() {
    local(async {
        let served = served();
        let error = served.client.get("/deny").await.unwrap_err();
        assert!(matches!(&error, ClientError::Refused { status: 422, message } if message == "no\na\nb"), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_and_another_method_405() {
    local(async {
        let served = served();
        let error = served.client.post("/x", &"x".repeat(1 << 20)).await.unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 413, .. }), "{error:?}");
        let stream = UnixStream::connect(&served.socket).await.unwrap();
        let answer = raw(stream, "PUT /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405") && answer.contains("allow: GET, HEAD, POST"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn head_gets_the_head_of_get() {
    local(async {
        let served = served();
        let stream = UnixStream::connect(&served.socket).await.unwrap();
        let answer = raw(stream, "HEAD /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("content-length: "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn tcp_reads_and_refuses_the_rest_in_words() {
    local(async {
        let (address, _server) = tcp();
        let ask = async |line: &str| {
            let stream = TcpStream::connect(address).await.unwrap();
            raw(stream, &format!("{line} HTTP/1.1\r\nhost: px-nl\r\nconnection: close\r\n\r\n")).await
        };
        assert!(ask("GET /status").await.starts_with("HTTP/1.1 200"));
        let answer = ask("GET /explain").await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("read-only"), "{answer}");
        assert!(ask("POST /reload").await.starts_with("HTTP/1.1 403"));
        assert!(ask("POST /takeover").await.starts_with("HTTP/1.1 403"));
    })
    .await;
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    local(async {
        let served = served();
        let stream = UnixStream::connect(&served.socket).await.unwrap();
        let one = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = raw(stream, &format!("{one}GET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn idle_connections_keep_nobody_out_on_the_unix_socket() {
    local(async {
        let served = served();
        let mut sitting = Vec::new();
        for _ in 0..slots::MOST {
            sitting.push(UnixStream::connect(&served.socket).await.unwrap());
        }
        assert_eq!(served.client.get("/status").await.unwrap()["path"], "/status");
        // The one that had waited longest made room.
        assert_eq!(sitting[0].read(&mut [0]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_while_every_place_is_busy_is_turned_away_with_503() {
    local(async {
        let served = served();
        let mut working = Vec::new();
        for _ in 0..slots::MOST {
            let client = served.client.clone();
            working.push(tokio::task::spawn_local(async move { client.get("/slow").await }));
            served.handler.asked.notified().await;
        }
        let error = served.client.get("/status").await.unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 503, .. }), "{error:?}");
        for one in working {
            served.handler.go.notify_one();
            one.await.unwrap().unwrap();
        }
        assert_eq!(served.client.get("/status").await.unwrap()["path"], "/status");
    })
    .await;
}

fn tcp() -> (std::net::SocketAddr, AdminServer) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, serve_tcp(listener, vec!["px-nl".to_owned()], Echo::default()).unwrap())
}

#[tokio::test]
async fn idle_connections_of_one_host_keep_out_neither_its_own_scrape_nor_another_host() {
    local(async {
        let (address, _server) = tcp();
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let other = other.connect(address).await.unwrap();
        let mut sitting = Vec::new();
        for _ in 0..2 * slots::MOST {
            sitting.push(TcpStream::connect(address).await.unwrap());
        }
        let request = "GET /metrics HTTP/1.1\r\nhost: px-nl:8404\r\nconnection: close\r\n\r\n";
        let scraped = raw(TcpStream::connect(address).await.unwrap(), request).await;
        assert!(scraped.starts_with("HTTP/1.1 200"), "{scraped}");
        assert_eq!(sitting[0].read(&mut [0]).await.unwrap(), 0, "its own longest idle made room");
        // The other host's connection is older than all of them, and still there.
        assert!(raw(other, request).await.starts_with("HTTP/1.1 200"));
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_not_answered_over_tcp() {
    local(async {
        let (address, _server) = tcp();
        let ask = async |head: &str| {
            let stream = TcpStream::connect(address).await.unwrap();
            raw(stream, &format!("GET /status HTTP/1.1\r\n{head}connection: close\r\n\r\n")).await
        };
        let answer = ask("host: evil.example\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 421") && answer.contains("admin.hosts"), "{answer}");
        assert!(ask("").await.starts_with("HTTP/1.1 400"));
        assert!(ask("host: localhost\r\norigin: http://evil.example\r\n").await.starts_with("HTTP/1.1 403"));
        for host in ["localhost", "px-nl:8404", "127.0.0.1"] {
            assert!(ask(&format!("host: {host}\r\n")).await.starts_with("HTTP/1.1 200"), "{host}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_answer_tells_browsers_to_frame_keep_and_guess_nothing() {
    local(async {
        let (address, _server) = tcp();
        let stream = TcpStream::connect(address).await.unwrap();
        let answer = raw(stream, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        for field in [
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "cache-control: no-store",
        ] {
            assert!(answer.contains(field), "{field}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_live_comes_as_events_and_ends_with_the_server() {
    local(async {
        let (address, server) = tcp();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let mut piece = [0; 4096];
        // The second one says that nothing is new: the first look was not the only one.
        while !answer.contains("event: same\ndata\n\n") {
            let length = timeout(LIMIT, stream.read(&mut piece)).await.unwrap().unwrap();
            assert!(length > 0, "{answer}");
            answer.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        assert!(answer.contains("content-type: text/event-stream"), "{answer}");
        assert!(answer.contains("event: page\ndata: {"), "{answer}");
        server.stop(LIMIT).await;
        let mut rest = Vec::new();
        timeout(LIMIT, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "the body has its end: {rest:?}");
    })
    .await;
}

/// A page that is another one at each look, too large for what the kernel keeps of a connection.
#[derive(Clone, Default)]
struct LargePage {
    looks: Rc<Cell<u8>>,
    /// As many of them are kept.
    kept: Arc<AtomicUsize>,
}

const LARGE: usize = 32 << 20;

struct Counted {
    page: Vec<u8>,
    kept: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.page
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.kept.fetch_sub(1, Relaxed);
    }
}

impl AdminHandler for LargePage {
    fn call(&self, _: AdminRequest) -> impl Future<Output = AdminReply> + 'static {
        self.looks.set(self.looks.get() + 1);
        self.kept.fetch_add(1, Relaxed);
        let page = Counted { page: vec![b'a' + self.looks.get(); LARGE], kept: Arc::clone(&self.kept) };
        std::future::ready(AdminReply { status: 200, content_type: "text/html", body: Bytes::from_owner(page) })
    }

    fn takeover(&self, _: UnixStream) -> impl Future<Output = ()> + 'static {
        std::future::ready(())
    }
}

#[tokio::test]
async fn a_viewer_who_reads_nothing_is_dropped_and_no_page_is_kept_or_made_for_him() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let handler = LargePage::default();
    local(async {
        // No connection here has a limit of its own: nothing but this ends it.
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let _server = serve_unix(listener, handler.clone()).unwrap();
        let mut viewer = UnixStream::connect(&socket).await.unwrap();
        viewer.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut first = [0; 15];
        viewer.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        // From here on nobody reads.
        while handler.kept.load(Relaxed) > 0 {
            assert!(handler.looks.get() < 6, "pages are made for nobody");
            tokio::task::yield_now().await;
        }
        let mut rest = 0;
        let mut piece = vec![0; 1 << 20];
        while let Ok(length @ 1..) = timeout(LIMIT, viewer.read(&mut piece)).await.expect("the connection has ended") {
            rest += length;
        }
        assert!(rest < LARGE, "what was written is gone with the connection: {rest}");
    })
    .await;
}

#[tokio::test]
async fn a_stopped_server_answers_what_it_was_asked_and_accepts_no_more() {
    local(async {
        let Served { _folder, socket, client, server, handler } = served();
        let _idle = UnixStream::connect(&socket).await.unwrap();
        let asked = tokio::task::spawn_local({
            let client = client.clone();
            async move { client.get("/slow").await }
        });
        handler.asked.notified().await;

        let stopping = tokio::task::spawn_local(server.stop(LIMIT));
        while UnixStream::connect(&socket).await.is_ok() {
            tokio::task::yield_now().await;
        }
        handler.go.notify_one();

        assert_eq!(asked.await.unwrap().unwrap()["path"], "/slow");
        stopping.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_connects_during_a_pause_is_answered_after_it() {
    local(async {
        let Served { _folder, socket, client, server, handler: _ } = served();
        server.pause();
        let waiting = tokio::task::spawn_local({
            let client = client.clone();
            async move { client.get("/status").await }
        });
        // What connects during the pause waits in the queue: nobody takes it, nobody refuses it.
        assert!(timeout(Duration::from_millis(50), UnixStream::connect(&socket)).await.unwrap().is_ok());
        assert!(!waiting.is_finished());
        server.resume();
        assert_eq!(waiting.await.unwrap().unwrap()["path"], "/status");
    })
    .await;
}

#[tokio::test]
async fn a_takeover_gets_the_raw_stream_and_loses_no_byte() {
    local(async {
        let served = served();
        let ask = async |protocol| served.client.upgrade(served.client.connect().await?, "/takeover", protocol).await;
        let mut stream = ask(TAKEOVER_UPGRADE).await.unwrap();
        stream.write_all(&[41]).await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, [42]);

        let error = ask("websocket").await.unwrap_err();
        assert!(matches!(&error, ClientError::Refused { status: 400, .. }), "{error:?}");
    })
    .await;
}
