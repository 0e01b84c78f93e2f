//! What control tells of limits, and keeps of them across documents.

use std::net::Ipv4Addr;

use super::*;
use crate::proxy::edge::rate_limit::{RateLimit, Whose};

fn limited(rate: &str) -> Arc<Prepared> {
    prepared_from(&DOCUMENT.replace(
        r#""hosts": ["www.example.net""#,
        &format!(r#""rate_limit": {{ "client": {{ "rate": "{rate}", "burst": 2 }}, "service": {{ "rate": "90/m" }} }}, "hosts": ["www.example.net""#),
    ))
}

fn limit(machine: &Machine) -> &RateLimit {
    let front = machine.state.snapshot().fronts.iter().find(|front| &*front.name == "www").unwrap();
    front.edge.as_ref().unwrap().rate_limit.as_ref().unwrap()
}

#[test]
fn a_reload_keeps_what_a_rate_limit_has_counted_and_explain_and_metrics_tell_of_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    assert!(machine.state.snapshot().fronts.iter().all(|front| front.edge.is_none()));
    assert!(!metrics(&machine.state, &Live::default(), machine.now, &Scrape::default()).contains("rate_limited"));
    machine.take(Event::Reloaded(limited("60/h")));
    let take = |machine: &Machine| limit(machine).take(Ipv4Addr::LOCALHOST.into(), machine.now.running).is_ok();
    assert_eq!([take(&machine), take(&machine), take(&machine)], [true, true, false]);
    machine.take(Event::Reloaded(limited("59/h")));
    assert!(!take(&machine));
    assert_eq!(limit(&machine).refused(Whose::Client), 2);
    let page = metrics(&machine.state, &Live::default(), machine.now, &Scrape::default());
    let sample = "polder_requests_rate_limited_total{daemon=\"proxy\",service=\"www\",limit=\"client\"} 2\n";
    assert!(page.contains(sample), "{page}");
    let told = explain(&machine.state, "www.example.net", "/", "");
    let sentence = "the service takes 59/h, 2 at once of each client, and 90/m, 2 at once of all together; whoever comes sooner is answered 429";
    assert!(told.because.contains(&sentence.to_owned()), "{told:?}");
}

#[test]
fn a_backend_that_comes_up_starts_slowly_and_what_runs_and_queues_outlives_the_document() {
    let with = |most: usize| {
        let backend = format!(r#""name": "web1", "max_connections": {most},"#);
        let text = DOCUMENT.replace(r#""name": "web1","#, &backend);
        prepared_from(
            &text.replace(r#""hosts": ["www.example.net""#, r#""slow_start": "30s", "hosts": ["www.example.net""#),
        )
    };
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.take(Event::Reloaded(with(1)));
    let web1 = |machine: &Machine| machine.service("www").backends[0].up_since;
    assert_eq!(web1(&machine), None, "it was there from the start");
    machine.pass(Duration::from_secs(60));
    machine.set("www/web1", Verdict::Down);
    machine.set("www/web1", Verdict::Up);
    assert_eq!(web1(&machine), Some(machine.now.running));
    let came = web1(&machine);
    machine.pass(Duration::from_secs(5));
    let queue = machine.service("www").queue.as_ref().unwrap().queue.clone();
    let slot = machine.service("www").backends[0].slots.as_ref().unwrap().take(&queue);
    machine.take(Event::Reloaded(with(2)));
    let service = machine.service("www");
    let slots = service.backends[0].slots.as_ref().unwrap();
    assert!(slots.are_those_of(slot.as_ref().unwrap()) && Arc::ptr_eq(&queue, &service.queue.as_ref().unwrap().queue));
    assert_eq!((slots.most(), slots.are_taken(), web1(&machine)), (2, false, came));
    let second = slots.take(&queue);
    assert!(service.backends[0].is_full() && second.is_some());
    let told = explain(&machine.state, "www.example.net", "/", "");
    assert!(told.because.iter().any(|words| words.contains("web1 has 2 requests, as many as it takes")), "{told:?}");
    machine.set("www/web2", Verdict::Down);
    let told = explain(&machine.state, "www.example.net", "/", "");
    let words = "web1 has as many requests as it takes: it queues behind 0 others, at most 10s";
    assert_eq!((told.backend, told.because.last().unwrap().as_str()), (None, words));
    let page = metrics(&machine.state, &Live::default(), machine.now, &Scrape::default());
    assert!(
        page.contains("polder_backend_max_connections{daemon=\"proxy\",service=\"www\",backend=\"web1\"} 2\n"),
        "{page}"
    );
}
