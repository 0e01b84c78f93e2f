//! What a service says is sent again, and how much of it.

use std::time::Duration;

use polder::config::proxy::Redispatch;
use polder::config::proxy::{ConnectionsConfig, RetryConfig, RetryOn};

use crate::h2_client::{H2, get, soon};
use crate::harness::{GET, OK, Proxy, Script, Setup, eventually};
use crate::logged::{ends, with_log};
use crate::tls::www;

const POST: &str = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 0\r\n\r\n";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nX-From: web0\r\nContent-Length: 4\r\n\r\nbusy";

fn connections(retry: RetryConfig) -> ConnectionsConfig {
    ConnectionsConfig { retry, ..ConnectionsConfig::default() }
}

fn on(on: RetryOn) -> RetryConfig {
    RetryConfig { on, budget: Some(100), try_timeout: None, hedge_after: None }
}

#[test]
fn a_status_that_a_service_names_is_not_the_last_word_for_a_request_that_may_be_sent_twice() {
    let (busy, well) = (Script::answering(BUSY), Script::answering(OK));
    let statuses = |setup: Setup, request: &str, backends: &[std::net::SocketAddr]| {
        let proxy = Proxy::start(setup, backends);
        // The balance begins with the first.
        proxy.ask(request).status()
    };
    let with = |retry| Setup { connections: connections(retry), ..Setup::default() };
    let both = [busy.address, well.address];
    assert_eq!(statuses(with(on(RetryOn::UNAVAILABLE)), GET, &both), 200);
    assert_eq!(statuses(with(on(RetryOn::UNAVAILABLE)), POST, &both), 503, "a POST is never sent twice");
    assert_eq!(statuses(with(on(RetryOn::BAD_GATEWAY)), GET, &both), 503, "that status is not named");
    assert_eq!(statuses(Setup::default(), GET, &both), 503, "nor is any by default");
    let never = ConnectionsConfig { redispatch: Redispatch::Never, ..connections(on(RetryOn::UNAVAILABLE)) };
    let bound = format!("GET / HTTP/1.1\r\nHost: www.test\r\nCookie: polder-www={}\r\n\r\n", busy.address);
    let sticky = |connections| Setup { connections, sticky: true, ..Setup::default() };
    assert_eq!(statuses(sticky(never), &bound, &both), 503, "a visitor never leaves his backend there");
    assert_eq!(statuses(sticky(connections(on(RetryOn::UNAVAILABLE))), &bound, &both), 200);
}

#[test]
fn the_last_answer_goes_to_the_visitor_as_the_backend_gave_it() {
    let backends = [Script::answering(BUSY), Script::answering(BUSY)];
    let setup = Setup { connections: connections(on(RetryOn::UNAVAILABLE)), ..Setup::default() };
    let proxy = Proxy::start(setup, &backends.each_ref().map(|backend| backend.address));
    let response = proxy.ask(GET);
    assert_eq!(
        (response.status(), response.body.as_slice(), response.field("x-from")),
        (503, &b"busy"[..], Some("web0"))
    );
    assert_eq!(backends.map(|backend| backend.heads().len()), [1, 1]);
}

#[test]
fn a_backend_that_talks_nonsense_or_nothing_is_left_where_the_service_says_so() {
    let junk = Script::answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    let silent = Script::start(|served, _| {
        served.head();
        served.rest();
    });
    let well = Script::answering(OK);
    let ask = |retry, first: &Script, request| {
        let setup = Setup { connections: connections(retry), ..Setup::default() };
        Proxy::start(setup, &[first.address, well.address]).ask(request).status()
    };
    assert_eq!(ask(on(RetryOn::JUNK_RESPONSE), &junk, GET), 200);
    assert_eq!(ask(on(RetryOn::RESPONSE_TIMEOUT), &junk, GET), 502);
    let soon = |on| RetryConfig { try_timeout: Some(Duration::from_millis(50)), on, budget: None, hedge_after: None };
    assert_eq!(ask(soon(RetryOn::RESPONSE_TIMEOUT), &silent, GET), 200);
    assert_eq!(ask(soon(RetryOn::RESPONSE_TIMEOUT), &silent, POST), 504);
    assert_eq!(ask(soon(RetryOn::NONE), &silent, GET), 504);
}

#[test]
fn when_the_budget_is_spent_nothing_is_sent_again_and_the_log_says_so() {
    let closing = Script::start(|served, _| drop(served.head()));
    let well = Script::answering(OK);
    let retry = RetryConfig { budget: Some(1), ..RetryConfig::default() };
    let (folder, setup) = with_log(Setup { connections: connections(retry), ..Setup::default() });
    let proxy = Proxy::start(setup, &[closing.address, well.address]);
    // Each second one meets the closing backend. Should a window of ten seconds end meanwhile, there is room again: so as many as it takes.
    let mut statuses = Vec::new();
    eventually("the budget is spent", || {
        statuses.push(proxy.ask(GET).status());
        statuses.contains(&502)
    });
    assert!(statuses.iter().filter(|status| **status == 200).count() >= 20, "ten may be sent again: {statuses:?}");
    let spent = proxy.shared.snapshot.load().services[0].retry_budget.as_ref().unwrap().spent();
    assert_eq!(spent, 1);
    let ends = ends(&folder, proxy);
    assert_eq!(ends.iter().filter(|end| *end == "RE").count(), 1, "{ends:?}");
}

#[tokio::test]
async fn over_http_2_too_another_backend_is_tried() {
    let (busy, well) = (Script::answering(BUSY), Script::answering(OK));
    let (authority, setup) = www();
    let setup = Setup { connections: connections(on(RetryOn::UNAVAILABLE)), ..setup };
    let proxy = Proxy::start(setup, &[busy.address, well.address]);
    let mut client = H2::connect(&proxy, &authority).await;
    assert_eq!(soon(client.ask(get("/"))).await.status(), 200);
    assert_eq!((busy.heads().len(), well.heads().len()), (1, 1));
}
