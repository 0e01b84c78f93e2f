//! Tests of what counts as a change.
#![allow(clippy::unwrap_used)]

use super::between;
use crate::api;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::verbs::status::tests::examples;

fn proxy_after(change: impl FnOnce(&mut api::proxy::Status)) -> Vec<String> {
    let (before, mut after) = (examples::proxy(), examples::proxy());
    change(&mut after);
    between(Some(&Status::Proxy(Box::new(before))), Some(&Status::Proxy(Box::new(after))))
}

fn nameserver_after(change: impl FnOnce(&mut api::dns::Status)) -> Vec<String> {
    let (before, mut after) = (examples::nameserver(), examples::nameserver());
    change(&mut after);
    between(Some(&Status::Nameserver(Box::new(before))), Some(&Status::Nameserver(Box::new(after))))
}

#[test]
fn counters_alone_are_no_news() {
    assert_eq!(proxy_after(|status| status.requests += 1), [] as [String; 0]);
    assert_eq!(nameserver_after(|status| status.queries += 1), [] as [String; 0]);
}

#[test]
fn a_daemon_that_falls_silent_or_speaks_again_is_news() {
    let seen = Status::Proxy(Box::new(examples::proxy()));
    assert_eq!(between(Some(&seen), None), ["does not answer"]);
    assert_eq!(between(None, Some(&seen)), ["answers"]);
}

#[test]
fn a_new_verdict_comes_with_its_reason() {
    let news = proxy_after(|status| {
        let backend = &mut status.services[0].backends[0];
        backend.check = if backend.check == Verdict::Up { Verdict::Down } else { Verdict::Up };
        backend.check_reason = "connection refused".into();
    });
    assert_eq!(news.len(), 1);
    assert!(news[0].ends_with("connection refused"), "{news:?}");
}

#[test]
fn the_order_of_an_answer_is_no_news_but_its_content_is() {
    assert_eq!(nameserver_after(|status| status.pools[0].answers.reverse()), [] as [String; 0]);
    let news = nameserver_after(|status| status.pools[0].answers = vec!["192.0.2.99".into()]);
    assert_eq!(news.len(), 1);
    assert!(news[0].ends_with("with 192.0.2.99"), "{news:?}");
}

#[test]
fn another_process_is_news() {
    assert_eq!(nameserver_after(|status| status.daemon.pid += 1).len(), 1);
}
