use super::*;
use crate::push::error::Error;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::status::tests::examples;

fn seen(answer: Result<Status, Error>) -> DaemonReply {
    DaemonReply {
        endpoint: Endpoint { name: Some("px-9".to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) },
        answer,
    }
}

#[test]
fn a_fleet_that_is_well_has_no_findings() {
    let replies = [
        seen(Ok(Status::Proxy(Box::new(examples::proxy())))),
        seen(Ok(Status::Nameserver(Box::new(examples::nameserver())))),
    ];
    assert_eq!(all(&replies), Vec::<String>::new());
}

#[test]
fn a_daemon_that_does_not_answer_is_a_finding() {
    assert_eq!(all(&[seen(Err(Error::new("refused")))]), ["px-9 does not answer: refused"]);
}

#[test]
fn a_service_on_its_backup_is_one_finding_that_names_the_way_back() {
    let mut status = examples::proxy();
    for latch in status.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = Some("web3".to_owned());
        latch.reason = "web2 down: connection refused".to_owned();
    }
    let replies = [seen(Ok(Status::Proxy(Box::new(status.clone())))), seen(Ok(Status::Proxy(Box::new(status))))];
    assert_eq!(
        all(&replies),
        [
            "service shop is on its backup web3 (web2 down: connection refused); `polder failback shop` goes back to web2 when that is well"
        ]
    );
}

#[test]
fn proxies_on_different_backends_are_a_finding() {
    let mut other = examples::proxy();
    other.daemon.name = "px-2".to_owned();
    for latch in other.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = Some("web3".to_owned());
    }
    let replies = [seen(Ok(Status::Proxy(Box::new(examples::proxy())))), seen(Ok(Status::Proxy(Box::new(other))))];
    let findings = all(&replies);
    assert!(findings.contains(&"latches differ: service shop: px-1 on web2; px-2 on web3".to_owned()), "{findings:?}");
}

#[test]
fn the_same_dead_backend_seen_by_two_proxies_is_one_finding() {
    let mut status = examples::proxy();
    status.services[1].backends[0].check = Verdict::Down;
    status.services[1].backends[0].check_reason = "connection refused".to_owned();
    let replies = [seen(Ok(Status::Proxy(Box::new(status.clone())))), seen(Ok(Status::Proxy(Box::new(status))))];
    assert_eq!(all(&replies), ["www/web1 is down: connection refused"]);
}
