use super::*;
use crate::api::dns::{GivenBy, ZoneKeyChange, ZoneKeyRole, ZoneKeyStatus, ZoneKeyStep};
use crate::api::operator::OperatorState;
use crate::api::proxy;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::push::error::Error;
use crate::verbs::endpoint::Endpoint;
use crate::verbs::status::tests::examples;

fn seen(answer: Result<Status, Error>) -> DaemonReply {
    DaemonReply {
        endpoint: Endpoint { name: Some("px-9".to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) },
        answer,
    }
}

/// A proxy of a fleet that is well.
fn well(name: &str) -> proxy::Status {
    let mut status = examples::proxy();
    status.daemon.name = name.to_owned();
    for backend in status.services.iter_mut().flat_map(|service| &mut service.backends) {
        (backend.operator, backend.note) = (OperatorState::Ready, None);
    }
    status
}

fn in_words(replies: &[DaemonReply]) -> Vec<String> {
    all(replies).into_iter().map(String::from).collect()
}

fn found(proxies: &[&proxy::Status]) -> Vec<String> {
    let replies: Vec<_> = proxies.iter().map(|one| seen(Ok(Status::Proxy(Box::new((*one).clone()))))).collect();
    in_words(&replies)
}

#[test]
fn a_fleet_that_is_well_has_no_findings() {
    let replies = [
        seen(Ok(Status::Proxy(Box::new(well("px-1"))))),
        seen(Ok(Status::Proxy(Box::new(well("px-2"))))),
        seen(Ok(Status::Nameserver(Box::new(examples::nameserver())))),
    ];
    assert_eq!(in_words(&replies), Vec::<String>::new());
}

#[test]
fn a_daemon_that_does_not_answer_is_a_finding() {
    assert_eq!(in_words(&[seen(Err(Error::new("refused")))]), ["px-9 does not answer: refused"]);
}

#[test]
fn proxies_that_do_not_answer_are_said_once_and_first_what_that_means() {
    let silent = |name: &str| {
        let mut reply = seen(Err(Error::new("refused")));
        (reply.endpoint.name, reply.endpoint.role) = (Some(name.to_owned()), Some(crate::api::daemon::Daemon::Proxy));
        reply
    };
    let mut nameserver = examples::nameserver();
    for address in nameserver.pools.iter_mut().flat_map(|pool| &mut pool.members).flat_map(|one| &mut one.addresses) {
        (address.check, address.check_reason) = (Verdict::Down, "connection refused".to_owned());
    }
    nameserver.pools.iter_mut().for_each(|pool| pool.members.truncate(1));
    let member = nameserver.pools[0].members[0].name.clone();
    let nameserver = seen(Ok(Status::Nameserver(Box::new(nameserver))));
    assert_eq!(
        in_words(&[silent(&member), silent("px-9"), nameserver]),
        [
            "no proxy that was asked answers: as far as is known, no service has visitors".to_owned(),
            format!("{member} does not answer: refused"),
            "px-9 does not answer: refused".to_owned()
        ]
    );
}

#[test]
fn a_service_that_is_not_served_for_another_reason_than_its_backends_is_told_with_that() {
    let mut status = well("px-1");
    let shop = status.services.iter_mut().find(|service| service.name == "shop").unwrap();
    (shop.usable, shop.why_unusable) = (false, Some("what etcd has of its latch cannot be read".to_owned()));
    assert_eq!(found(&[&status]), ["shop: 503 at px-1: what etcd has of its latch cannot be read"]);
}

#[test]
fn a_service_on_its_backup_is_one_finding_that_says_since_when_why_and_the_way_back() {
    let mut status = well("px-1");
    for latch in status.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = Some("web3".to_owned());
        latch.reason = "web2 down: connection refused".to_owned();
    }
    assert_eq!(
        found(&[&status, &status]),
        ["shop serves from web3 since 2023-11-14 22:13:20Z (px-1: web2 down: connection refused); web2 is up: \
             `polder failback shop` goes back"]
    );
}

#[test]
fn what_an_operator_has_taken_out_is_a_finding_that_says_who_when_and_why() {
    let mut status = examples::proxy();
    assert_eq!(
        found(&[&status, &status]),
        [
            "www/web2 is in drain since 2023-11-14 22:13:20Z, by alice@admin-nl: new disk; `polder ready www/web2` puts it back"
        ]
    );
    status.services[1].backends[1].note.as_mut().unwrap().until = Some(1_700_000_060_000);
    let ends = "by alice@admin-nl: new disk, until 2023-11-14 22:14:20Z; `polder ready www/web2` puts it back";
    assert!(found(&[&status])[0].ends_with(ends), "{:?}", found(&[&status]));
}

#[test]
fn proxies_on_different_backends_are_a_finding() {
    let mut other = well("px-2");
    for latch in other.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = Some("web3".to_owned());
    }
    assert_eq!(found(&[&well("px-1"), &other]), ["latches differ: service shop: px-1 on web2; px-2 on web3"]);
}

#[test]
fn the_same_dead_backend_seen_by_two_proxies_is_one_finding_and_by_one_of_them_names_that() {
    let mut status = well("px-1");
    status.services[1].backends[0].check = Verdict::Down;
    status.services[1].backends[0].check_reason = "connection refused".to_owned();
    assert_eq!(found(&[&status, &status]), ["www/web1 is down: connection refused"]);
    assert_eq!(found(&[&status, &well("px-2")]), ["www/web1 is down at px-1: connection refused"]);
}

#[test]
fn an_alarm_of_several_daemons_and_a_webserver_that_several_services_use_are_one_line_each() {
    let sick = |name: &str| {
        let mut status = well(name);
        status.daemon.alarms = vec!["the disk is full".to_owned()];
        for backend in status.services.iter_mut().map(|service| &mut service.backends[1]) {
            (backend.check, backend.check_reason) = (Verdict::Down, "timed out".to_owned());
        }
        status
    };
    assert_eq!(
        found(&[&sick("px-1"), &sick("px-2")]),
        ["px-1, px-2: the disk is full", "shop/web3, www/web2 are down: timed out"]
    );
}

#[test]
fn a_service_that_nobody_gets_is_one_line_with_its_cause() {
    let down = |name: &str| {
        let mut status = well(name);
        status.services[1].usable = false;
        for backend in &mut status.services[1].backends {
            backend.check = Verdict::Down;
            backend.check_reason = "connection refused".to_owned();
        }
        status
    };
    assert_eq!(found(&[&down("px-1"), &down("px-2")]), ["www: 503 at px-1, px-2: web1, web2 down: connection refused"]);
    let mut maint = well("px-1");
    maint.services[1].usable = false;
    maint.services[1].backends[0].operator = OperatorState::Maint;
    maint.services[1].backends.truncate(1);
    assert_eq!(found(&[&maint])[0], "www: 503 at px-1: web1 in maint");
}

#[test]
fn what_visitors_do_not_get_stands_first_and_no_cause_is_said_twice() {
    let mut sick = well("px-1");
    sick.services[1].usable = false;
    for backend in &mut sick.services[1].backends {
        (backend.check, backend.check_reason) = (Verdict::Down, "connection refused".to_owned());
    }
    let silent = crate::api::alarms::silent_peer(Some(20), "px-9 (192.0.2.9:8405): connection refused");
    sick.daemon.alarms = vec![crate::api::alarms::no_usable_backend("www"), silent];
    let replies = [seen(Err(Error::new("refused"))), seen(Ok(Status::Proxy(Box::new(sick))))];
    assert_eq!(
        in_words(&replies),
        ["www: 503 at px-1: web1, web2 down: connection refused", "px-9 does not answer: refused"]
    );
}

#[test]
fn proxies_with_different_documents_are_a_finding_that_says_what_differs() {
    let mut other = well("px-2");
    other.services[1].backends.pop();
    other.services.remove(0);
    assert_eq!(
        found(&[&well("px-1"), &other]),
        [
            "service shop is on px-1 and not on px-2: their documents differ",
            "service www: not the same backends: px-1 has web2 192.0.2.21:80 weight 100; px-2 has no web2 192.0.2.21:80 weight 100",
        ]
    );
}

#[test]
fn what_no_status_shows_of_a_service_is_compared_too() {
    let with = |name: &str, fingerprint: &str| {
        let mut status = well(name);
        status.services[1].fingerprint = fingerprint.to_owned();
        status
    };
    let differ =
        "service www: not the same settings: what the documents of px-1 and px-2 have under services.www differs";
    assert_eq!(found(&[&with("px-1", "0a"), &with("px-2", "0b")]), [differ]);
    assert_eq!(found(&[&with("px-1", "0a"), &with("px-2", "")]), Vec::<String>::new(), "of an earlier version");
}

#[test]
fn settings_that_are_of_no_service_are_compared_too() {
    let with = |name: &str, settings: &[(&str, &str)]| {
        let mut status = well(name);
        let settings = settings.iter().map(|(key, number)| ((*key).to_owned(), (*number).to_owned()));
        status.daemon.settings = settings.collect();
        status
    };
    let one = with("px-1", &[("timeouts", "0a"), ("trusted_proxies", "01"), ("via", "00")]);
    let other = with("px-2", &[("timeouts", "0b"), ("trusted_proxies", "02"), ("via", "00")]);
    let of_an_earlier_version = with("px-3", &[]);
    assert_eq!(
        found(&[&one, &of_an_earlier_version, &other]),
        ["the documents of px-1 and px-2 differ in timeouts, trusted_proxies"]
    );
}

#[test]
fn nameservers_with_different_zones_are_a_finding() {
    let with = |name: &str, serial, signed: &str| {
        let mut status = examples::nameserver();
        status.daemon.name = name.to_owned();
        let zone = crate::api::dns::ZoneStatus {
            name: "example.net".to_owned(),
            serial,
            records: 9,
            copy_because: None,
            catalog: None,
            signed: signed.to_owned(),
            dnssec: None,
            queries: None,
        };
        status.zones.push(zone);
        seen(Ok(Status::Nameserver(Box::new(status))))
    };
    assert_eq!(
        in_words(&[with("ns-1", 7, ""), with("ns-2", 8, "")]),
        ["zone example.net: not the same serial: ns-1 has 7; ns-2 has 8"]
    );
    assert_eq!(
        in_words(&[with("ns-1", 7, "nsec with signatures of 14d"), with("ns-2", 7, "")]),
        ["zone example.net: not the same DNSSEC: ns-1 has nsec with signatures of 14d; ns-2 has none"]
    );
}

#[test]
fn a_copy_of_a_zone_that_its_primary_signs_is_none_that_is_signed_otherwise() {
    let with = |name: &str, given_by: Option<GivenBy>| {
        let mut status = examples::nameserver();
        status.daemon.name = name.to_owned();
        let mut zone = examples::signed_zone(Vec::new());
        zone.signed = given_by.map_or("nsec with signatures of 14d", |_| "").to_owned();
        zone.dnssec.as_mut().unwrap().given_by = given_by;
        status.zones.push(zone);
        seen(Ok(Status::Nameserver(Box::new(status))))
    };
    let of_dnssec = |given_by| {
        let words = in_words(&[with("ns-1", None), with("ns-3", Some(given_by))]);
        words.iter().any(|words| words.contains("not the same DNSSEC"))
    };
    assert!(!of_dnssec(GivenBy::Primaries));
    assert!(of_dnssec(GivenBy::File));
}

#[test]
fn nameservers_that_sign_with_different_keys_are_a_finding_that_says_what_to_do() {
    let with = |name: &str, keys: Vec<ZoneKeyStatus>| {
        let mut status = examples::nameserver();
        status.daemon.name = name.to_owned();
        status.zones.push(examples::signed_zone(keys));
        seen(Ok(Status::Nameserver(Box::new(status))))
    };
    let old = || examples::zone_key(59013, ZoneKeyRole::Zsk);
    let new = || ZoneKeyStatus { signs: false, ..examples::zone_key(7413, ZoneKeyRole::Zsk) };
    assert_eq!(
        in_words(&[with("ns-1", vec![old(), new()]), with("ns-2", vec![new(), old()])]),
        Vec::<String>::new(),
        "the same ones in another order"
    );
    assert_eq!(
        in_words(&[with("ns-1", vec![old(), new()]), with("ns-2", vec![old()]), with("ns-3", vec![old()])]),
        [
            "zone example.net: not the same keys: key 7413 is on ns-1 and not on ns-2 and ns-3: resolvers that validate refuse what is signed \
             with a key that another nameserver does not show them; bring the same key files to all of its nameservers, then `polder reload`"
        ]
    );
    // The file of the key that goes was not copied again.
    let next = Some(ZoneKeyChange { at_ms: 1_700_000_000_000, to: ZoneKeyStep::Inactive });
    assert_eq!(
        in_words(&[with("ns-1", vec![ZoneKeyStatus { next, ..old() }]), with("ns-2", vec![old()])]),
        [
            "zone example.net: not the same times of key 59013: signs on ns-2; signs until 2023-11-14 22:13:20Z on ns-1: sooner or later they do \
             not show the same keys; bring the same key files to all of its nameservers, then `polder reload`"
        ]
    );
}

#[test]
fn daemons_that_are_not_ready_are_one_finding_with_the_reason() {
    let unready = |name: &str, change: &dyn Fn(&mut proxy::Status)| {
        let mut status = well(name);
        status.daemon.ready = false;
        change(&mut status);
        status
    };
    let dead = |status: &mut proxy::Status| {
        for service in &mut status.services {
            service.usable = false;
            service.backends.iter_mut().for_each(|backend| backend.check = Verdict::Down);
        }
    };
    let (pa, pb) = (unready("pa", &dead), unready("pb", &dead));
    let said = found(&[&pa, &pb]);
    assert!(said.contains(&"pa, pb are not ready: no backend may serve shop, www".to_owned()), "{said:?}");
    let starting = unready("pa", &|status| status.services[0].backends[0].check = Verdict::Unchecked);
    let said = found(&[&starting]);
    assert!(
        said.contains(&"pa is not ready: it is starting, and one first check has not ended yet".to_owned()),
        "{said:?}"
    );
    assert!(found(&[&unready("pa", &|_| {})]).contains(&"pa is not ready".to_owned()));
}
