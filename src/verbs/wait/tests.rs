use super::*;
use crate::api::daemon::PeerStatus;
use crate::api::status::Status;
use crate::verbs::status::tests::examples;

/// How waiting for www/web2 ends when this is what the only daemon says that was asked.
fn seen(status: crate::api::proxy::Status) -> End {
    let endpoint = Endpoint::at(std::path::Path::new("/nowhere"));
    let replies = [DaemonReply { endpoint, answer: Ok(Status::Proxy(Box::new(status))) }];
    let subject = Subject::Backend { service: "www".to_owned(), backend: "web2".to_owned() };
    let mut watches = [Watch::begin(subject, Duration::ZERO, 0)];
    let lefts = [watches[0].see(&replies, 1)];
    verdict(&watches, &lefts, &replies)
}

#[test]
fn where_peers_were_not_asked_nothing_is_said_to_be_safe_to_power_off() {
    let mut status = examples::proxy();
    status.services[0].backends[0].operator = OperatorState::Maint;
    let peer = |name: &str| PeerStatus { name: name.to_owned(), heard: None, error: None, differs: Vec::new() };
    status.daemon.peers = vec![peer("pc"), peer("pb")];
    let End { exit, safe, words } = seen(status);
    assert_eq!((exit, safe), (Exit::No, false));
    assert!(words.contains("what runs elsewhere is not known (not asked: pb, pc)"), "{words}");
}

#[test]
fn a_machine_that_serves_elsewhere_is_not_said_to_be_safe_to_power_off() {
    let mut status = examples::proxy();
    let End { exit, safe, words } = seen(status.clone());
    assert_eq!((exit, safe), (Exit::No, false));
    assert!(words.contains("Not safe to power off: shop/web2 is in use"), "{words}");
    status.services[0].backends[0].operator = OperatorState::Maint;
    status.services[0].backends[0].running = 1;
    assert!(!seen(status.clone()).safe, "a request still runs there");
    status.services[0].backends[0].running = 0;
    let words = "www/web2: safe to power off.".to_owned();
    assert_eq!(seen(status), End { exit: Exit::Done, safe: true, words });
}
