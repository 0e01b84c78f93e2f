#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use super::rates::{Rates, between};
use super::screen::frame;
use super::watched::Standing;
use super::*;
use crate::api::counters::{Counted, NameserverCounters, ProxyCounters, ServiceCounters, Unavailable};

const INTERVAL: Duration = Duration::from_secs(2);

/// So many requests of 3 to 5 ms, so many answered 503 for want of a backend, so many a backend answered 500.
fn service(good: u64, unavailable: u64, failed: u64) -> ServiceCounters {
    let causes = [("SC".to_owned(), Unavailable { count: unavailable, words: "no backend was usable".to_owned() })];
    ServiceCounters {
        running: 1,
        responses: [0, 0, good, 0, 0, unavailable + failed],
        backends_errors: failed,
        unavailable: causes.into_iter().filter(|(_, cause)| cause.count > 0).collect(),
        requests: vec![0, good, 0],
        waits: vec![0, 0, 0],
        backends: vec![good, failed, 0],
    }
}

fn proxy(process: &str, seconds: u64, services: &[(&str, ServiceCounters)]) -> Counters {
    let all = |service: &ServiceCounters| service.responses.iter().sum::<u64>();
    Counters {
        name: "px-1".to_owned(),
        process: process.to_owned(),
        at_us: seconds * 1_000_000,
        of: Counted::Proxy(ProxyCounters {
            connections: 7,
            requests: services.iter().map(|(_, service)| all(service)).sum(),
            bounds_us: vec![3_000, 5_000],
            services: services.iter().map(|(name, service)| ((*name).to_owned(), service.clone())).collect(),
        }),
    }
}

fn nameserver(seconds: u64, good: u64, servfail: u64) -> Counters {
    let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(rcode, count)| ((*rcode).to_owned(), *count)).collect();
    let zone: BTreeMap<String, u64> =
        counts(&[("NOERROR", good), ("NXDOMAIN", 0), ("SERVFAIL", servfail), ("other", 0)]);
    Counters {
        name: "ns-1".to_owned(),
        process: "b".to_owned(),
        at_us: seconds * 1_000_000,
        of: Counted::Nameserver(NameserverCounters {
            responses: counts(&[("NOERROR", good), ("NXDOMAIN", 0), ("REFUSED", 4), ("SERVFAIL", servfail)]),
            zones: BTreeMap::from([("example.net".to_owned(), zone)]),
            dropped: 0,
        }),
    }
}

fn watched(readings: impl IntoIterator<Item = Counters>) -> Watched {
    let now = Instant::now();
    let mut watched = Watched::new(&Endpoint::at(Path::new("/nowhere/admin.sock")), now);
    readings.into_iter().for_each(|reading| watched.take(Ok(reading), now));
    watched
}

/// Two proxies of one service that fails in both ways, and a nameserver.
fn fleet() -> Vec<Watched> {
    let www = |more: u64| ("www", service(100 + more, more / 10, more / 20));
    let shop = |more: u64| ("shop.with-a-very-long-name.example", service(more / 4, 0, 0));
    let named = |name: &str, counters: Counters| Counters { name: name.to_owned(), ..counters };
    let proxy = |name: &str, more| {
        watched([
            named(name, proxy("a", 10, &[www(0), shop(0)])),
            named(name, proxy("a", 12, &[www(more), shop(more)])),
        ])
    };
    vec![proxy("px-1", 200), proxy("px-2", 400), watched([nameserver(5, 0, 0), nameserver(7, 90, 2)])]
}

fn shown(fleet: &[Watched], width: usize, order: Order) -> String {
    let totals = Totals::of(fleet);
    let text = Table { totals: &totals, interval: INTERVAL, order, width }.text();
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    text
}

#[test]
fn services_are_told_over_all_proxies_with_whose_errors_they_are_and_why() {
    assert_eq!(
        shown(&fleet(), 80, Order::Requests),
        "\
420 requests/s, 46 queries/s, over 2s

                             5XX/S BY    WHOLE TIME  WAITS  BACKEND TIME
SERVICE           REQ/S PROXY BACKEND    P50    P99    P99    P50    P99 RUNNING
www                 345    30      15  4.0ms  5.0ms      -  1.6ms  4.6ms       2
shop.with-a-ver…     75     0       0  4.0ms  5.0ms      -  1.5ms  3.0ms       2

! 503 www 30/s: no backend was usable (SC)

PROXY  REQ/S  5XX/S  CONNECTIONS
px-1     140     15            7
px-2     280     30            7

ZONE        QUERIES/S NXDOMAIN SERVFAIL
example.net        46        0      1.0

NAMESERVER QUERIES/S NXDOMAIN SERVFAIL  REFUSED    OTHER  DROPPED
ns-1              46        0      1.0        0        0        0
"
    );
}

#[test]
fn forty_columns_have_room_for_what_matters_most() {
    assert_eq!(
        shown(&fleet(), 40, Order::Requests),
        "\
420 requests/s, 46 queries/s, over 2s

SERVICE       REQ/S  5XX/S    P50    P99
www             345     45  4.0ms  5.0ms
shop.with-a…     75      0  4.0ms  5.0ms

! 503 www 30/s: no backend was usable
  (SC)

PROXY  REQ/S  5XX/S  CONNECTIONS
px-1     140     15            7
px-2     280     30            7

ZONE        QUERIES/S NXDOMAIN SERVFAIL
example.net        46        0      1.0

NAMESERVER QUERIES/S NXDOMAIN SERVFAIL
ns-1              46        0      1.0
"
    );
}

#[test]
fn whatever_the_width_no_line_is_longer() {
    (20..200).for_each(|width| drop(shown(&fleet(), width, Order::Name)));
}

/// The services in their order, of three that differ in what they are sorted by.
fn order(order: Order) -> Vec<String> {
    let of = |name: &str, requests: u64, failed: u64, slow: u64| {
        let mut service = service(requests, 0, failed);
        service.requests = vec![requests, 0, slow];
        (name.to_owned(), service)
    };
    let later = [of("a", 30, 0, 9), of("b", 10, 5, 0), of("c", 50, 0, 0)];
    let later: Vec<(&str, ServiceCounters)> =
        later.iter().map(|(name, counted)| (name.as_str(), counted.clone())).collect();
    let earlier = ["a", "b", "c"].map(|name| (name, service(0, 0, 0)));
    let text = shown(&[watched([proxy("a", 1, &earlier), proxy("a", 3, &later)])], 40, order);
    let names = text.lines().skip_while(|line| !line.starts_with("SERVICE")).skip(1).take(3);
    names.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn services_are_sorted_as_the_operator_asks() {
    assert_eq!(order(Order::Requests), ["c", "a", "b"]);
    assert_eq!(order(Order::Errors), ["b", "a", "c"]);
    assert_eq!(order(Order::Times), ["a", "b", "c"]);
    assert_eq!(order(Order::Name), ["a", "b", "c"]);
}

fn rates_of(earlier: &Counters, later: &Counters) -> super::rates::ServiceRates {
    match between(earlier, later) {
        Some(Rates::Proxy(rates)) => rates.services["www"].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rates_are_by_the_daemons_own_clock() {
    let (earlier, later) =
        (proxy("a", 10, &[("www", service(5, 0, 0))]), proxy("a", 14, &[("www", service(25, 4, 2))]));
    let rates = rates_of(&earlier, &later);
    assert_eq!((rates.requests, rates.own_errors, rates.backends_errors), (6.5, 1.0, 0.5));
    assert_eq!(rates.whole, [0, 20, 0]);
    assert_eq!(rates.unavailable["SC"].0, 1.0);
}

#[test]
fn between_two_processes_nothing_is_reckoned() {
    let earlier = proxy("a", 10, &[("www", service(5, 0, 0))]);
    // One that was taken over counts anew, and may be older than the one before was when it was asked.
    for seconds in [1, 10, 12] {
        assert_eq!(between(&earlier, &proxy("b", seconds, &[("www", service(900, 0, 0))])), None);
    }
    assert_eq!(between(&earlier, &proxy("a", 10, &[("www", service(6, 0, 0))])), None, "no time has passed");
    assert_eq!(between(&earlier, &nameserver(12, 1, 0)), None);
}

#[test]
fn a_service_that_was_taken_away_and_has_come_back_counts_from_nothing() {
    let (earlier, later) =
        (proxy("a", 10, &[("www", service(500, 9, 9))]), proxy("a", 12, &[("www", service(4, 2, 0))]));
    let rates = rates_of(&earlier, &later);
    assert_eq!((rates.requests, rates.own_errors, rates.backends_errors), (3.0, 1.0, 0.0));
    assert_eq!(rates_of(&proxy("a", 10, &[]), &later).requests, 3.0, "one that is new, too");
}

#[test]
fn a_daemon_that_was_restarted_is_told_of_as_such_and_has_numbers_from_its_second_reading_on() {
    let read = |process, seconds| proxy(process, seconds, &[("www", service(seconds * 10, 0, 0))]);
    let mut one = watched([read("a", 100), read("a", 102), read("b", 1)]);
    let text = shown(std::slice::from_ref(&one), 80, Order::Requests);
    assert_eq!(text, "over 2s\n\n* px-1 was restarted or taken over, and counts anew\n");
    one.take(Ok(read("b", 3)), Instant::now());
    assert!(shown(std::slice::from_ref(&one), 80, Order::Requests).starts_with("10 requests/s, over 2s\n"));
}

#[test]
fn a_daemon_that_fails_has_no_numbers_over_the_time_in_which_it_did() {
    let read = |seconds| proxy("a", seconds, &[("www", service(seconds * 10, 0, 0))]);
    let mut one = watched([read(100), read(102)]);
    one.take(Err(Error::new("no answer in time")), Instant::now());
    assert!(one.is_silent() && one.is_settled());
    assert_eq!(shown(std::slice::from_ref(&one), 80, Order::Requests), "over 2s\n\n! px-1 does not answer\n");
    one.take(Ok(read(200)), Instant::now());
    assert!(matches!(one.standing, Standing::New) && !one.is_settled());
    one.take(Ok(read(202)), Instant::now());
    assert!(matches!(one.standing, Standing::Known(_)));
}

#[test]
fn a_daemon_that_is_silent_is_named_and_the_numbers_of_the_others_have_the_room() {
    let mut one = watched([proxy("a", 1, &[])]);
    one.take(Err(Error::new("it is not there ".repeat(20))), Instant::now());
    for width in [40, 80] {
        let text = shown(std::slice::from_ref(&one), width, Order::Requests);
        assert!(text.ends_with("\n\n! px-1 does not answer\n"), "{text}");
    }
}

#[test]
fn services_that_look_equal_keep_their_places() {
    let order = |www: u64, shop: u64| {
        let of = |good: [u64; 2]| [("shop", service(good[0], 0, 0)), ("www", service(good[1], 0, 0))];
        let text =
            shown(&[watched([proxy("a", 10, &of([0, 0])), proxy("a", 19, &of([shop, www]))])], 80, Order::Requests);
        text.find("\nwww").unwrap() < text.find("\nshop").unwrap()
    };
    assert!(!order(451, 450) && !order(450, 451), "50 a second both");
    assert!(order(470, 450));
}

#[test]
fn a_daemon_from_which_nothing_comes_is_named_after_a_second() {
    let mut one = watched([proxy("a", 1, &[]), proxy("a", 3, &[])]);
    let heard = Instant::now();
    one.look(heard + INTERVAL + Duration::from_millis(900), INTERVAL);
    assert!(!one.is_silent());
    one.look(heard + INTERVAL + Duration::from_millis(1200), INTERVAL);
    assert_eq!(one.complaint().as_deref(), Some("px-1 does not answer: nothing has come from it for 3 s"));
}

#[test]
fn a_screen_of_24_rows_shows_what_fits_and_scrolls_to_the_rest() {
    let services: Vec<String> = (0..40).map(|number| format!("service-{number:02}")).collect();
    let of = |good: u64| services.iter().map(|name| (name.as_str(), service(good, 0, 0))).collect::<Vec<_>>();
    let fleet = [watched([proxy("a", 1, &of(0)), proxy("a", 3, &of(8))])];
    let totals = Totals::of(&fleet);
    for width in [80, 40] {
        let table = Table { totals: &totals, interval: INTERVAL, order: Order::Name, width };
        let mut first = 0;
        let mut shown = || frame(&table, 24, &mut first).join("\n");
        let top = anstream::adapter::strip_str(&shown()).to_string();
        assert_eq!(top.lines().count(), 24, "{top}");
        assert!(top.contains("service-00") && !top.contains("service-39") && top.contains(" below  q quit"), "{top}");
        assert!(top.lines().all(|line| line.chars().count() <= width), "{width}:\n{top}");
        let mut first = usize::MAX;
        let end = frame(&table, 24, &mut first).join("\n");
        assert!(end.contains("service-39") && end.contains("px-1") && !end.contains("below"), "{end}");
        assert!(first < 60, "it ends at its last line: {first}");
    }
}

#[test]
fn what_others_have_named_steers_no_terminal() {
    let named = |more| proxy("a", 1 + more, &[("\u{1b}[2Jwww", service(more, 0, 0))]);
    let text = shown(&[watched([named(0), named(2)])], 80, Order::Requests);
    assert!(!text.contains('\u{1b}') && text.contains("www"), "{text:?}");
}
