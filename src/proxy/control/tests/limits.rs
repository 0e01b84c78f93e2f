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
    assert!(!metrics(&machine.state, &Live::default(), machine.now).contains("rate_limited"));
    machine.take(Event::Reloaded(limited("60/h")));
    let take = |machine: &Machine| limit(machine).take(Ipv4Addr::LOCALHOST.into(), machine.now.running).is_ok();
    assert_eq!([take(&machine), take(&machine), take(&machine)], [true, true, false]);
    machine.take(Event::Reloaded(limited("59/h")));
    assert!(!take(&machine));
    assert_eq!(limit(&machine).refused(Whose::Client), 2);
    let page = metrics(&machine.state, &Live::default(), machine.now);
    let sample = "polder_requests_rate_limited_total{daemon=\"proxy\",service=\"www\",limit=\"client\"} 2\n";
    assert!(page.contains(sample), "{page}");
    let told = explain(&machine.state, "www.example.net", "/", "");
    let sentence = "the service takes 59/h, 2 at once of each client, and 90/m, 2 at once of all together; whoever comes sooner is answered 429";
    assert!(told.because.contains(&sentence.to_owned()), "{told:?}");
}
