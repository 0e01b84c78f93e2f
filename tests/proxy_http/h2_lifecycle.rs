//! How connections of HTTP/2 end: streams that were begun are finished, and the client is told not to begin more.

use std::time::Duration;

use polder::config::proxy::{AccessLogConfig, AccessLogFormat, AccessLogPath};
use polder::proxy::traffic::worker::Command;

use crate::authority::TlsClient;
use crate::h2_client::{H2, eventually, get, offering_h2, post, soon, whole};
use crate::h2_frames::{DATA, END_STREAM, Frames, WINDOW_UPDATE, frame, get_with};
use crate::harness::{GET, OK, Proxy, Script, Setup};
use crate::tls::www;

#[tokio::test]
async fn a_drain_finishes_streams_that_were_begun_and_closes_the_rest() {
    let (authority, setup) = www();
    let (backend, release) = Script::held();
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut busy = H2::connect(&proxy, &authority).await;
    let (response, _) = busy.begin(get("/"), true).await;
    eventually("the request is running", || proxy.running(0) == 1).await;
    let idle = H2::connect(&proxy, &authority).await;
    proxy.drain();
    soon(idle.driver).await.unwrap().expect("an end without an error");
    release.send(()).unwrap();
    assert_eq!(whole(response).await.unwrap().status(), 200);
    soon(busy.driver).await.unwrap().expect("an end without an error");
    proxy.join();
}

#[test]
fn a_drain_waits_for_a_slow_reader_until_the_last_byte() {
    const STREAMS: u32 = 60;
    const LENGTH: usize = 30_000;
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        while served.head().is_some() {
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n{}", "x".repeat(LENGTH)));
        }
    });
    // The kernel takes little, so that most of it waits in the proxy.
    let mut proxy = Proxy::start(Setup { send_buffer: Some(16 * 1024), ..setup }, &[backend.address]);
    let mut slow = Frames::connect(&proxy, &authority);
    let mut begun = frame(WINDOW_UPDATE, 0, 0, &4_000_000_u32.to_be_bytes());
    begun.extend((0..STREAMS).flat_map(|number| get_with(number * 2 + 1, &[])));
    slow.send(&begun);
    let are_over = || backend.heads().len() == STREAMS as usize && proxy.running(0) == 0;
    crate::harness::eventually("the backend has sent it all", are_over);
    let mut idle = Frames::connect(&proxy, &authority);
    proxy.drain();
    // It does not take its leave, and is cut.
    idle.farewell();
    let (mut ended, mut bytes) = (0, 0);
    while let Some(next) = slow.next() {
        if next.kind == DATA {
            ended += u32::from(next.flags & END_STREAM);
            bytes += next.payload.len();
        }
    }
    assert_eq!((ended, bytes), (STREAMS, STREAMS as usize * LENGTH));
    proxy.join();
}

#[test]
fn a_reader_who_takes_nothing_of_what_is_left_is_cut() {
    let (authority, mut setup) = www();
    setup.timeouts.body_idle = Duration::from_millis(100);
    let backend = Script::start(|served, _| {
        while served.head().is_some() {
            served.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n{}", "x".repeat(30_000)));
        }
    });
    let proxy = Proxy::start(Setup { send_buffer: Some(16 * 1024), ..setup }, &[backend.address]);
    let mut connection = Frames::connect(&proxy, &authority);
    let mut begun = frame(WINDOW_UPDATE, 0, 0, &4_000_000_u32.to_be_bytes());
    begun.extend((0..60).flat_map(|number| get_with(number * 2 + 1, &[])));
    connection.send(&begun);
    crate::harness::eventually("all requests are with the backend", || backend.heads().len() == 60);
    proxy.holds(0);
}

#[tokio::test]
async fn streams_that_outlast_the_drain_are_cut() {
    let (authority, mut setup) = www();
    setup.timeouts.drain = Duration::from_millis(50);
    let (backend, _release) = Script::held();
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, _) = client.begin(get("/"), true).await;
    eventually("the request is running", || proxy.running(0) == 1).await;
    proxy.drain();
    if let Ok(response) = whole(response).await {
        assert_eq!(response.status(), 503);
    }
    let _ = soon(client.driver).await;
    proxy.join();
}

#[tokio::test]
async fn a_connection_without_streams_ends_at_its_limit() {
    let (authority, mut setup) = www();
    setup.timeouts.keep_alive = Duration::from_millis(50);
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let client = H2::connect(&proxy, &authority).await;
    // It may come too late already.
    if let Ok(mut sender) = client.sender.clone().ready().await
        && let Ok((response, _)) = sender.send_request(get("/"), true)
    {
        let _ = soon(response).await;
    }
    // Without a sender the client would take its leave by itself.
    let _sender = client.sender;
    soon(client.driver).await.unwrap().expect("an end without an error");
    proxy.holds(0);
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_a_newcomer_and_a_busy_one_does_not() {
    let (authority, mut setup) = www();
    setup.limits.connections = Some(2);
    setup.limits.connections_per_address = Some(2);
    let (backend, release) = Script::held();
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut busy = H2::connect(&proxy, &authority).await;
    let (response, _) = busy.begin(get("/"), true).await;
    eventually("the request is running", || proxy.running(0) == 1).await;
    let mut idle = H2::connect(&proxy, &authority).await;
    assert_eq!(idle.get("/.polder/ready").await.status(), 200);
    let mut newcomer = H2::connect(&proxy, &authority).await;
    assert_eq!(newcomer.get("/.polder/ready").await.status(), 200);
    soon(idle.driver).await.unwrap().expect("an end without an error");
    release.send(()).unwrap();
    assert_eq!(whole(response).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_service_that_fails_over_takes_its_streams_along_and_leaves_others_alone() {
    let (authority, setup) = www();
    let (first, _release) = Script::held();
    let (second, release) = Script::held();
    let mut proxy = Proxy::start(setup, &[first.address, second.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let mut responses = Vec::new();
    for _ in 0..4 {
        responses.push(client.begin(get("/"), true).await.0);
    }
    eventually("two requests are with each", || (proxy.running(0), proxy.running(1)) == (2, 2)).await;
    proxy.swap(|setup| setup.verdicts = vec![polder::health::Verdict::Down, polder::health::Verdict::Up]);
    eventually("all are with the second backend", || second.heads().len() == 4).await;
    (0..4).for_each(|_| release.send(()).unwrap());
    for response in responses {
        assert_eq!(whole(response).await.unwrap().status(), 200);
    }
    assert_eq!(second.heads().len(), 4, "none was asked twice there");
}

#[tokio::test]
async fn the_access_log_has_a_line_for_each_stream() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log =
        AccessLogConfig { format: AccessLogFormat::Haproxy, ..AccessLogConfig::to(AccessLogPath::File(path.clone())) };
    let proxy = Proxy::start(Setup { log: Some(log), ..setup }, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    assert_eq!(client.get("/page?x=1").await.status(), 200);
    let (response, _stream) = client.begin(post("/.polder/none"), false).await;
    assert_eq!(whole(response).await.unwrap().status(), 404);
    let lines = || std::fs::read_to_string(&path).unwrap();
    eventually("both lines are written", || lines().lines().count() == 2).await;
    assert!(lines().contains(" www/web0 0/0/"), "{}", lines());
    assert!(lines().contains(" 200 2 - - ---- 1 www.test \"GET /page?x=1 HTTP/2.0\"\n"), "{}", lines());
    assert!(lines().contains(" 404 0 - - LR-- 0 www.test \"POST /.polder/none HTTP/2.0\"\n"), "{}", lines());
}

#[tokio::test]
async fn a_reload_without_its_listener_ends_a_connection_and_no_stream_that_was_begun() {
    let (authority, setup) = www();
    let (backend, release) = Script::held();
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let (response, _) = client.begin(get("/"), true).await;
    eventually("the request is running", || proxy.running(0) == 1).await;
    proxy.worker.as_ref().unwrap().commands.send(Command::Listen(Vec::new())).unwrap();
    // GOAWAY, before the stream is over.
    let is_told = async {
        while client.sender.clone().ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(is_told).await;
    release.send(()).unwrap();
    assert_eq!(whole(response).await.unwrap().status(), 200);
    soon(client.driver).await.unwrap().expect("an end without an error");
}

#[test]
fn a_listener_can_do_without_http_2() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { http2: false, ..setup }, &[backend.address]);
    let mut config = offering_h2(&authority);
    config.alpn_protocols.push(b"http/1.1".to_vec());
    let mut client = TlsClient::over_tls(proxy.address, config, "www.test");
    client.send(GET);
    assert_eq!(client.response().status(), 200);
    assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}
