//! Tests of the judge: every part of a promise is tried with evidence that keeps it and evidence that just does not.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use super::{Bounds, Evidence, Excused, Fact, Notice, Served, judge};
use crate::demo::visitor::record::{Failure, Handshake, Query, Record, Request, Session};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn proxy(last: u8) -> IpAddr {
    IpAddr::from([127, 1, 1, last])
}

fn page(at: u64) -> Request {
    Request {
        handshake: None,
        visitor: 0,
        site: 0,
        safe: true,
        intended: ms(at),
        ended: ms(at + 2),
        via: Some(proxy(1)),
        backend: Some("web1".into()),
        result: Ok(Session::None),
    }
}

fn failure(at: u64, failure: Failure) -> Request {
    Request { backend: None, result: Err(failure), ..page(at) }
}

/// A row from 0 to 1000 ms, broken at 500 ms, a page each 10 ms and a query each 20 ms.
fn quiet() -> Evidence {
    let pages = (0..100).map(|n| Record::Request(page(n * 10)));
    let queries = (0..50)
        .map(|n| Record::Query(Query { intended: ms(n * 20), ended: ms(n * 20 + 1), addresses: Some(3), unproved: 0 }));
    Evidence {
        began: ms(0),
        broke: ms(500),
        ended: ms(1000),
        records: pages.chain(queries).collect(),
        wanted: (100, 50),
        ..Evidence::default()
    }
}

fn with(requests: impl IntoIterator<Item = Request>) -> Evidence {
    let mut evidence = quiet();
    for request in requests {
        evidence.records.push(Record::Request(request));
        evidence.wanted.0 += 1;
    }
    evidence
}

#[track_caller]
fn broken(evidence: &Evidence, reason: &str) {
    let judgement = judge(evidence);
    assert!(!judgement.kept, "the promise was kept");
    assert!(judgement.reasons.iter().any(|given| given.contains(reason)), "{:?}", judgement.reasons);
}

#[track_caller]
fn kept(evidence: &Evidence) {
    let judgement = judge(evidence);
    assert!(judgement.kept, "{:?}", judgement.reasons);
}

#[test]
fn a_quiet_row_keeps_its_promise_and_is_measured() {
    let judgement = judge(&quiet());
    assert!(judgement.kept);
    let figures = judgement.figures;
    assert_eq!((figures.requests, figures.queries), (100, 50));
    assert_eq!((figures.requests_per_s, figures.queries_per_s), (100, 50));
    assert_eq!((figures.failed, figures.excused, figures.longest_gap_ms, figures.slowest_ms), (0, 0, 10, 2));
}

#[test]
fn one_failed_request_breaks_it() {
    broken(&with([failure(510, Failure::Closed)]), "1 x GET of site 0 failed: closed before a response");
    broken(
        &with([Request { safe: false, ..failure(510, Failure::Status(503)) }]),
        "1 x POST of site 0 failed: status 503",
    );
}

#[test]
fn a_failure_is_excused_only_where_everything_fits() {
    let apart = Excused { via: Some(proxy(1)), backend: None, safe: true, wanted_before: ms(550) };
    let allowed = |request: Request| {
        let mut evidence = with([request]);
        evidence.bounds.excused = vec![apart.clone()];
        evidence
    };
    kept(&allowed(failure(549, Failure::TimedOut)));
    assert_eq!(judge(&allowed(failure(549, Failure::TimedOut))).figures.excused, 1);
    broken(&allowed(failure(550, Failure::TimedOut)), "no response in time");
    broken(&allowed(Request { via: Some(proxy(2)), ..failure(549, Failure::TimedOut) }), "no response in time");
    broken(&allowed(Request { via: None, ..failure(549, Failure::Unconnected) }), "no connection");
}

#[test]
fn failures_of_one_backend_are_told_from_those_of_another() {
    let mut evidence = with([Request { backend: Some("web1".into()), ..failure(600, Failure::Status(500)) }]);
    evidence.bounds.excused =
        vec![Excused { via: None, backend: Some("web1".into()), safe: true, wanted_before: ms(700) }];
    kept(&evidence);
    evidence.bounds.excused[0].backend = Some("web2".into());
    broken(&evidence, "status 500");
}

#[test]
fn requests_that_may_not_be_sent_twice_are_excused_without_the_safe_ones() {
    let apart = vec![Excused { via: None, backend: None, safe: false, wanted_before: ms(700) }];
    let mut post = with([Request { safe: false, ..failure(600, Failure::Status(502)) }]);
    post.bounds.excused.clone_from(&apart);
    kept(&post);
    let mut get = with([failure(600, Failure::Status(502))]);
    get.bounds.excused = apart;
    broken(&get, "GET");
}

#[test]
fn a_notice_has_to_come_and_come_in_time() {
    let notice = |after| {
        let mut evidence = quiet();
        evidence.notices =
            vec![Notice { who: "px-1".into(), what: "web1 is down".into(), after, within: Some(ms(815)) }];
        evidence
    };
    kept(&notice(Some(ms(815))));
    broken(&notice(Some(ms(816))), "px-1 noticed after 816 ms, the bound is 815 ms: web1 is down");
    broken(&notice(None), "px-1 did not notice: web1 is down");
    assert_eq!(judge(&notice(Some(ms(300)))).figures.noticed_ms, Some(300));
}

#[test]
fn without_bounds_on_time_what_had_to_be_noticed_must_be_but_may_take_any_time() {
    let untimed = |after| {
        let mut evidence = with([Request { ended: ms(900), ..page(500) }]);
        evidence.notices =
            vec![Notice { who: "px-1".into(), what: "web1 is down".into(), after, within: Some(ms(815)) }];
        evidence.bounds = Bounds {
            gap: Some(ms(1)),
            wait: Some(ms(1)),
            query_wait: Some(ms(0)),
            rates: (9_999, 9_999),
            ..Bounds::default()
        };
        evidence.without_time_bounds()
    };
    kept(&untimed(Some(ms(60_000))));
    broken(&untimed(None), "px-1 did not notice: web1 is down");
    let mut failing = untimed(Some(ms(1)));
    failing.records.push(Record::Request(failure(600, Failure::Closed)));
    failing.wanted.0 += 1;
    broken(&failing, "closed before a response");
}

#[test]
fn a_fact_that_is_not_so_breaks_it() {
    let mut evidence = quiet();
    evidence.facts = vec![Fact { what: "no latch has moved".into(), held: false }];
    broken(&evidence, "not so: no latch has moved");
}

#[test]
fn a_gap_is_found_site_by_site_and_at_both_ends() {
    let mut evidence = quiet();
    evidence.bounds.gap = Some(ms(100));
    kept(&evidence);
    let without = |span: std::ops::Range<u64>| {
        let mut evidence = evidence.clone();
        evidence.records.retain(|record| {
            !matches!(record, Record::Request(request) if span.contains(&(request.intended.as_millis() as u64)))
        });
        evidence.wanted.0 = evidence.records.iter().filter(|record| matches!(record, Record::Request(_))).count();
        evidence
    };
    broken(&without(400..520), "the longest time without a page of one site: 130 ms");
    broken(&without(880..1000), "the longest time without a page");
    broken(&without(0..120), "the longest time without a page");
    let mut other_site = evidence.clone();
    other_site.records.push(Record::Request(Request { site: 1, ..page(300) }));
    other_site.wanted.0 += 1;
    broken(&other_site, "the longest time without a page of one site: 698 ms");
}

#[test]
fn a_page_from_another_backend_is_seen_within_its_span_alone() {
    let mut evidence = with([Request { backend: Some("shop1".into()), site: 1, ..page(600) }]);
    let span = |from, until| Served { site: 1, backend: "shop2".into(), from: ms(from), until: ms(until) };
    evidence.bounds.served = vec![span(500, 1000)];
    broken(&evidence, "1 pages came from another backend (shop1) than shop2");
    evidence.bounds.served = vec![span(601, 1000)];
    kept(&evidence);
    evidence.bounds.served = vec![span(500, 601)];
    kept(&evidence);
}

#[test]
fn sessions_may_be_lost_as_often_as_stated() {
    let lost = |at| Request { result: Ok(Session::Lost), ..page(at) };
    let began = Request { result: Ok(Session::New), ..page(100) };
    let mut evidence = with([began, lost(600), lost(700)]);
    evidence.bounds.lost_sessions = 2;
    kept(&evidence);
    evidence.bounds.lost_sessions = 1;
    broken(&evidence, "2 sessions were lost, 1 at most could be");
}

#[test]
fn a_session_that_was_lost_before_the_row_began_is_not_lost_in_it() {
    let back_at_last = Request { visitor: 7, result: Ok(Session::Lost), ..page(600) };
    kept(&with([back_at_last.clone()]));
    let bought_something = Request { visitor: 7, safe: false, ..page(100) };
    kept(&with([bought_something, back_at_last.clone()]));
    let here_before = Request { visitor: 7, result: Ok(Session::Known), ..page(100) };
    broken(&with([here_before, back_at_last]), "1 sessions were lost, 0 at most could be");
}

#[test]
fn a_query_without_an_address_breaks_it() {
    let mut evidence = quiet();
    evidence.records.push(Record::Query(Query { intended: ms(1), ended: ms(2), addresses: None, unproved: 0 }));
    evidence.wanted.1 += 1;
    broken(&evidence, "1 queries gave no address");
}

#[test]
fn an_answer_that_is_not_proved_breaks_it_though_another_one_is_found() {
    let mut evidence = quiet();
    evidence.records.push(Record::Query(Query { intended: ms(1), ended: ms(2), addresses: Some(3), unproved: 1 }));
    evidence.wanted.1 += 1;
    broken(&evidence, "1 answers were not proved to resolvers that validate");
}

#[test]
fn slow_pages_and_slow_answers_break_it_where_there_is_a_bound() {
    let mut evidence = with([Request { ended: ms(900), ..page(500) }]);
    kept(&evidence);
    evidence.bounds.wait = Some(ms(399));
    broken(&evidence, "the longest wait for a page: 400 ms");
    let mut evidence = quiet();
    evidence.bounds.query_wait = Some(ms(0));
    broken(&evidence, "the longest wait for an answer to a query: 1 ms");
}

#[test]
fn records_that_never_came_break_it() {
    let mut evidence = quiet();
    evidence.wanted = (101, 50);
    broken(&evidence, "of 101 requests and 50 queries, 100 and 50 ended");
}

#[test]
fn too_little_load_gives_no_verdict() {
    let mut evidence = quiet();
    evidence.bounds = Bounds { rates: (100, 50), ..Bounds::default() };
    kept(&evidence);
    evidence.bounds.rates = (101, 50);
    broken(&evidence, "the load was 100 requests/s");
}

#[test]
fn a_ticket_that_is_refused_after_the_break_breaks_the_promise_to_resume() {
    let begun = |at: u64, handshake: Handshake| Request { handshake: Some(handshake), ..page(at) };
    let mut evidence = with([begun(499, Handshake::Refused), begun(510, Handshake::Full)]);
    kept(&evidence);
    evidence.bounds.resumes = true;
    broken(&evidence, "no visitor came back with a ticket");
    let mut came_back = |request: Request| {
        evidence.records.push(Record::Request(request));
        evidence.wanted.0 += 1;
        evidence.clone()
    };
    kept(&came_back(begun(520, Handshake::Resumed)));
    broken(&came_back(begun(530, Handshake::Refused)), "full handshakes that were asked of visitors with a ticket: 1");
}
