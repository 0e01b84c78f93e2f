//! Backends that take so many requests at once, and who queues for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::{ConnectionsConfig, QueueConfig, RetryConfig};
use polder::health::Verdict;
use polder::proxy::queue::Event;

use crate::h2_client::{self, H2, get, whole};
use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually};
use crate::logged::{ends, with_log};
use crate::tls::www;

fn queued(proxy: &Proxy) -> usize {
    proxy.shared.snapshot.load().services[0].queue.as_ref().unwrap().queue.len()
}

fn counted(proxy: &Proxy, event: Event) -> u64 {
    proxy.shared.snapshot.load().services[0].queue.as_ref().unwrap().queue.counted(event)
}

/// A visitor who asks for this path, once `before` others queue.
fn asks(proxy: &Proxy, mut client: Client, path: &str, before: usize) -> Client {
    eventually(&format!("{before} queue"), || queued(proxy) == before);
    client.send(&format!("GET {path} HTTP/1.1\r\nHost: www.test\r\n\r\n"));
    client
}

#[test]
fn a_backend_gets_no_more_at_once_than_it_takes_and_the_rest_come_in_their_order_from_both_workers() {
    let (backend, go) = Script::held();
    let proxy = Proxy::start(Setup { max_connections: Some(2), ..Setup::default() }, &[backend.address]);
    let (_second, address) = proxy.second_worker();
    let mut running = [proxy.connect(), Client::connect(address)];
    running.iter_mut().for_each(|client| client.send(GET));
    eventually("two run", || backend.heads().len() == 2);
    let mut waiting: Vec<Client> = Vec::new();
    for turn in 0..6 {
        let client = if turn % 2 == 0 { Client::connect(address) } else { proxy.connect() };
        waiting.push(asks(&proxy, client, &format!("/{turn}"), turn));
    }
    eventually("six queue", || queued(&proxy) == 6);
    for turn in 0..6 {
        assert_eq!(backend.heads().len(), 2 + turn, "as many run as may");
        go.send(()).unwrap();
        eventually("the next one runs", || backend.heads().len() == 3 + turn);
        assert!(backend.heads()[2 + turn].starts_with(&format!("GET /{turn} ")), "{:?}", backend.heads());
    }
    drop(go);
    let statuses: Vec<u16> = running.iter_mut().chain(&mut waiting).map(|client| client.response().status()).collect();
    assert_eq!(statuses, [200; 8]);
    assert_eq!((queued(&proxy), counted(&proxy, Event::Joined)), (0, 6));
}

#[test]
fn a_request_that_nothing_binds_goes_where_there_is_room_and_one_with_a_cookie_queues_for_its_own() {
    let (busy, go) = Script::held();
    let free = Script::answering(OK);
    let setup = Setup { max_connections: Some(1), sticky: true, ..Setup::default() };
    let proxy = Proxy::start(setup, &[busy.address, free.address]);
    let bound = format!("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www={}\r\n\r\n", busy.address);
    let mut clients = [proxy.connect(), proxy.connect()];
    clients[0].send(&bound);
    eventually("the first runs", || busy.heads().len() == 1);
    clients[1].send(&bound);
    eventually("the second queues", || queued(&proxy) == 1);
    for _ in 0..4 {
        assert_eq!(proxy.ask(GET).status(), 200);
    }
    assert_eq!((free.heads().len(), busy.heads().len()), (4, 1));
    drop(go);
    assert_eq!(clients.each_mut().map(|client| client.response().status()), [200, 200]);
    assert_eq!((free.heads().len(), busy.heads().len()), (4, 2));
}

#[test]
fn who_queues_too_long_or_finds_the_queue_full_or_leaves_it_is_told_apart_in_the_log() {
    let (backend, go) = Script::held();
    let queue = QueueConfig { most: 1, timeout: Duration::from_secs(60) };
    let (folder, setup) = with_log(Setup { max_connections: Some(1), queue, ..Setup::default() });
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut first = proxy.connect();
    first.send(GET);
    eventually("it runs", || backend.heads().len() == 1);
    let gone = asks(&proxy, proxy.connect(), "/", 0);
    eventually("one queues", || queued(&proxy) == 1);
    let refused = proxy.ask(GET);
    assert_eq!((refused.status(), refused.field("retry-after").is_some()), (503, true));
    gone.reset();
    eventually("he has left the queue", || queued(&proxy) == 0);
    proxy.swap(|setup| setup.queue.timeout = Duration::from_millis(1));
    assert_eq!(proxy.ask(GET).status(), 503);
    assert_eq!([Event::Joined, Event::Refused, Event::TimedOut].map(|event| counted(&proxy, event)), [3, 1, 1]);
    drop(go);
    assert_eq!(first.response().status(), 200);
    assert_eq!(proxy.ask(GET).status(), 200);
    drop(first);
    let mut ends = ends(&folder, proxy);
    ends.retain(|end| end.ends_with('B'));
    ends.sort();
    assert_eq!(ends, ["CB", "RB", "sB"]);
}

#[test]
fn whoever_queues_keeps_his_place_over_a_new_snapshot_and_leaves_a_backend_that_has_gone_down() {
    let (busy, go) = Script::held();
    let other = Script::answering(OK);
    let down = vec![Verdict::Up, Verdict::Down];
    let mut proxy = Proxy::start(
        Setup { max_connections: Some(1), verdicts: down, ..Setup::default() },
        &[busy.address, other.address],
    );
    let mut first = proxy.connect();
    first.send(GET);
    eventually("it runs", || busy.heads().len() == 1);
    let mut waiting: Vec<Client> =
        (0..3).map(|turn| asks(&proxy, proxy.connect(), &format!("/{turn}"), turn)).collect();
    eventually("three queue", || queued(&proxy) == 3);
    proxy.swap(|setup| (setup.verdict_bound, setup.queue.most) = (setup.verdict_bound * 2, 1));
    assert_eq!(proxy.ask(GET).status(), 503, "newcomers find as many as may queue by now");
    eventually("they queue again", || queued(&proxy) == 3);
    proxy.swap(|setup| setup.verdicts = vec![Verdict::Up, Verdict::Up]);
    let statuses: Vec<u16> = waiting.iter_mut().map(|client| client.response().status()).collect();
    assert_eq!(statuses, [200; 3], "the other one has come up");
    assert_eq!(other.heads().len(), 3);
    drop(go);
    assert_eq!(first.response().status(), 200);
    assert_eq!(proxy.worker.as_ref().unwrap().counters.unavailable.load(Ordering::Relaxed), 1, "the newcomer alone");
}

#[test]
fn a_request_without_attempts_left_fails_at_once_and_does_not_queue_for_a_backend_that_it_could_not_have() {
    let (full, go) = Script::held();
    let closing = || Script::start(|served, _| drop(served.head()));
    let (second, third) = (closing(), closing());
    let connections = ConnectionsConfig { retries: Some(1), ..ConnectionsConfig::default() };
    let setup = Setup { max_connections: Some(1), connections, ..Setup::default() };
    let proxy = Proxy::start(setup, &[full.address, second.address, third.address]);
    let mut first = proxy.connect();
    // The balance begins with the first.
    first.send(GET);
    eventually("it runs", || full.heads().len() == 1);
    assert_eq!(proxy.ask(GET).status(), 502);
    assert_eq!([&second, &third].map(|backend| backend.heads().len()), [1, 1], "and both have been tried");
    assert_eq!(counted(&proxy, Event::Joined), 0, "it never queued");
    drop(go);
    assert_eq!(first.response().status(), 200);
}

#[test]
fn the_time_in_the_queue_is_none_of_an_attempts() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.starts_with("GET /slow ") {
                served.rest();
                return;
            }
            served.send(OK);
        }
    });
    let retry = RetryConfig { try_timeout: Some(Duration::from_millis(300)), ..RetryConfig::default() };
    let connections = ConnectionsConfig { retries: Some(0), retry, ..ConnectionsConfig::default() };
    let proxy = Proxy::start(Setup { max_connections: Some(1), connections, ..Setup::default() }, &[backend.address]);
    let mut slow = proxy.connect();
    slow.send("GET /slow HTTP/1.1\r\nHost: www.test\r\n\r\n");
    eventually("it runs", || backend.heads().len() == 1);
    // It queues until the first one has had all the time of an attempt.
    assert_eq!(proxy.ask(GET).status(), 200);
    assert_eq!(slow.response().status(), 504);
}

#[test]
fn a_tunnel_takes_a_slot_until_it_ends() {
    let backend = Script::start(|served, _| {
        while let Some(head) = served.head() {
            if head.contains("Upgrade") {
                served.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
                served.rest();
                return;
            }
            served.send(OK);
        }
    });
    let proxy = Proxy::start(Setup { max_connections: Some(1), ..Setup::default() }, &[backend.address]);
    let mut tunnel = proxy.connect();
    tunnel.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert!(tunnel.head().starts_with("HTTP/1.1 101"));
    let mut waiting = asks(&proxy, proxy.connect(), "/", 0);
    eventually("one queues", || queued(&proxy) == 1);
    drop(tunnel);
    assert_eq!(waiting.response().status(), 200);
}

#[tokio::test]
async fn streams_of_http_2_to_backends_and_from_visitors_are_counted_one_by_one() {
    let backend = Script::held();
    let (authority, setup) = www();
    let proxy = Proxy::start(Setup { max_connections: Some(1), ..setup }, &[backend.0.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let mut responses = Vec::new();
    for _ in 0..3 {
        responses.push(client.begin(get("/"), true).await.0);
    }
    h2_client::eventually("two queue, and the third runs", || queued(&proxy) == 2 && backend.0.heads().len() == 1)
        .await;
    drop(backend.1);
    for response in responses {
        assert_eq!(whole(response).await.unwrap().status(), 200);
    }
}
