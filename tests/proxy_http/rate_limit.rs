//! How many requests a service takes of each client, and in all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use polder::config::proxy::{ClientRateConfig, RateConfig, RateLimitConfig};
use polder::proxy::edge::Edge;
use polder::proxy::edge::rate_limit::RateLimit;

use crate::h2_client::{H2, get};
use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually};
use crate::logged::{ends, with_log};
use crate::tls::www;

const HOUR: Duration = Duration::from_secs(3600);

fn rate(requests: u32, per: Duration, burst: u32) -> RateConfig {
    RateConfig { requests, per, burst }
}

/// What a service with this limit asks of requests.
fn edge(client: Option<RateConfig>, service: Option<RateConfig>) -> Option<Arc<Edge>> {
    let of_client = |rate| ClientRateConfig { rate, prefix4: 32, prefix6: 64, entries: 1024, exempt: Vec::new() };
    let config = RateLimitConfig { client: client.map(of_client), service };
    Some(Arc::new(Edge { rate_limit: Some(RateLimit::new(config)), ..Edge::default() }))
}

fn statuses(client: &mut Client, count: usize) -> Vec<u16> {
    let ask = |_| {
        client.send(GET);
        client.response().status()
    };
    (0..count).map(ask).collect()
}

#[test]
fn who_asks_too_often_is_answered_429_on_the_same_connection_and_others_are_served() {
    let backend = Script::answering(OK);
    let edge = edge(Some(rate(1, HOUR, 2)), Some(rate(1, HOUR, 3)));
    let (folder, setup) = with_log(Setup { edge, ..Setup::default() });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut greedy = proxy.connect();
    assert_eq!(statuses(&mut greedy, 4), [200, 200, 429, 429]);
    greedy.send(GET);
    let refused = greedy.response();
    let wait: u64 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{}", refused.head);
    let mut other = proxy.connect_from([127, 0, 0, 9]);
    assert_eq!(statuses(&mut other, 2), [200, 429], "the third of the service, and one more");
    assert_eq!(backend.heads().len(), 3);
    drop((greedy, other));
    let mut ends = ends(&folder, proxy);
    ends.retain(|end| end.ends_with('L'));
    ends.sort();
    assert_eq!(ends, ["PL", "PL", "PL", "RL"]);
}

#[test]
fn who_waits_as_long_as_he_was_told_is_served() {
    let backend = Script::answering(OK);
    let edge = edge(Some(rate(1, Duration::from_secs(1), 1)), None);
    let proxy = Proxy::start(Setup { edge, ..Setup::default() }, &[backend.address]);
    let mut client = proxy.connect();
    assert_eq!(statuses(&mut client, 2), [200, 429]);
    let told = Instant::now();
    eventually("the second has passed", || told.elapsed() >= Duration::from_secs(1));
    assert_eq!(statuses(&mut client, 1), [200]);
}

#[test]
fn behind_a_trusted_proxy_each_of_its_visitors_is_a_client() {
    let backend = Script::answering(OK);
    let setup = Setup {
        edge: edge(Some(rate(1, HOUR, 1)), None),
        trusted: vec!["127.0.0.0/8".parse().unwrap()],
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = proxy.connect();
    let ask = |visitor: &str| {
        client.send(&format!("GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-For: {visitor}\r\n\r\n"));
        client.response().status()
    };
    assert_eq!(["192.0.2.1", "192.0.2.2", "192.0.2.2", "9.9.9.9, 192.0.2.1"].map(ask), [200, 200, 429, 429]);
}

#[test]
fn both_workers_count_together() {
    let backend = Script::answering(OK);
    let edge = edge(Some(rate(1, HOUR, 3)), None);
    let proxy = Proxy::start(Setup { edge, ..Setup::default() }, &[backend.address]);
    let (_second, address) = proxy.second_worker();
    let mut clients = [proxy.connect(), Client::connect(address)];
    let all: Vec<u16> = (0..6).flat_map(|turn| statuses(&mut clients[turn % 2], 1)).collect();
    assert_eq!(all, [200, 200, 200, 429, 429, 429]);
}

#[tokio::test]
async fn streams_of_http_2_are_counted_one_by_one() {
    let backend = Script::answering(OK);
    let (authority, setup) = www();
    let setup = Setup { edge: edge(Some(rate(1, HOUR, 2)), None), ..setup };
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = client.ask(get("/")).await;
        statuses.push((response.status(), response.field("retry-after").is_some()));
    }
    assert_eq!(statuses, [(200, false), (200, false), (429, true)]);
}
