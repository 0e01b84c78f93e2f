use super::*;

const VISIT: Visit =
    Visit { status: 200, end: End::Done, waited: None, responded: None, took: Duration::from_millis(3) };

fn counted(visits: &[Visit]) -> ServiceCounters {
    let counters = ServiceCounters::default();
    visits.iter().for_each(|visit| counters.count(*visit));
    counters
}

#[test]
fn every_status_has_its_class_and_no_response_one_of_its_own() {
    let visits = [0, 101, 200, 299, 304, 404, 499, 500, 599, 999].map(|status| Visit { status, ..VISIT });
    let counters = counted(&visits);
    assert_eq!(std::array::from_fn::<_, 6, _>(|class| counters.responses(class)), [1, 1, 2, 1, 2, 3]);
}

#[test]
fn a_503_is_counted_by_its_cause_and_nothing_else_is() {
    let of = |status, end| Visit { status, end, ..VISIT };
    let counters = counted(&[
        of(503, End::NoBackend),
        of(503, End::NoBackend),
        of(503, End::Done),
        of(503, End::ClientInData),
        of(502, End::NoBackend),
        of(200, End::Done),
    ]);
    let named = || counters.unavailable().map(|(cause, count)| (name_of(cause), count));
    let found: Vec<_> = named().filter(|(_, count)| *count > 0).collect();
    assert_eq!(found, [("--", 1), ("SC", 2), ("other", 1)]);
    let names: std::collections::BTreeSet<_> = named().map(|(cause, _)| cause).collect();
    assert_eq!(names.len(), CAUSES.len() + 1, "a cause twice");
}

#[test]
fn an_error_is_a_backends_if_one_has_sent_it_and_else_the_proxys() {
    let responded = Some(Duration::ZERO);
    let of = |status, end, responded| Visit { status, end, responded, ..VISIT };
    let counters = counted(&[
        of(500, End::Done, responded),
        of(503, End::Done, responded),
        of(502, End::ClientInData, responded),
        // Its last attempt found nobody, though one before had been answered.
        of(503, End::NoBackend, responded),
        // The proxy's own answer, as the document wants it.
        of(503, End::Local, None),
        of(503, End::Done, None),
        of(404, End::Done, responded),
    ]);
    assert_eq!((counters.responses(5), counters.backends_errors()), (6, 3));
}

#[test]
fn times_are_those_of_requests_that_have_them_and_a_tunnel_has_none() {
    let waited = Some(Duration::from_secs(2));
    let counters = counted(&[
        VISIT,
        Visit { waited, ..VISIT },
        Visit { responded: Some(Duration::ZERO), ..VISIT },
        Visit { status: 101, responded: Some(Duration::ZERO), took: Duration::from_secs(3600), ..VISIT },
    ]);
    let [requests, waits, backends] = [&counters.requests, &counters.waits, &counters.backends].map(Histogram::read);
    assert_eq!((requests.buckets.iter().sum::<u64>(), requests.sum), (3, Duration::from_millis(9)));
    assert_eq!((waits.buckets.iter().sum::<u64>(), waits.sum), (1, Duration::from_secs(2)));
    assert_eq!(backends.buckets[0], 2);
}
