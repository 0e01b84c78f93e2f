//! Certificates that nameservers get by themselves for DNS over TLS.

use std::process::Command;

use serde_json::json;

use super::ca::Ca;
use super::nameservers::{NAME, Nameservers};
use super::{LOOKS, eventually};

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn a_lone_nameserver_answers_the_ca_by_itself_and_then_over_tls_without_a_reload() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(1, &ca);
    // The CA is not there yet: plain DNS does not mind.
    nameservers.start(0);
    let refused = nameservers.asked(0, &ca.unrelated_roots()).unwrap_err();
    assert!(refused.contains("AccessDenied") || refused.contains("HandshakeFailure"), "{refused}");
    eventually("the alarm says why", || nameservers.alarms(0).contains("the CA cannot be reached"));
    assert!(nameservers.alarms(0).contains("clients over TLS, HTTPS and QUIC who need it are refused"));

    let ca = ca.start_asking(nameservers.address(0), 1, "3600");
    eventually("it answers over TLS", || nameservers.asked(0, &ca.roots()).is_ok());
    assert!(!nameservers.log(0).contains("reloaded"));
    let status = nameservers.status(0).unwrap();
    let certificate = &status["certificates"][0];
    assert_eq!(certificate["hosts"][0], NAME, "{status}");
    assert_eq!((&certificate["acme"]["service"], &certificate["acme"]["orderer"]), (&NAME.into(), &"ns-1".into()));
    assert!(certificate["acme"]["renewal"].is_u64(), "{status}");
    eventually("the alarm ends", || nameservers.alarms(0) == "[]");
    assert_eq!(nameservers.orders(0), 1);
    let metrics = nameservers.call(0, "/metrics");
    assert!(metrics.contains("polder_certificate_expiry_timestamp_seconds{daemon=\"nameserver\",file="), "{metrics}");
    assert!(nameservers.call(0, "/").contains("Certificates"));

    let key = std::fs::read_to_string(nameservers.certificate_file(0)).unwrap();
    let key = key.lines().skip_while(|line| !line.contains("BEGIN PRIVATE KEY")).nth(1).unwrap();
    for shown in [nameservers.call(0, "/status"), nameservers.call(0, "/"), metrics, nameservers.log(0)] {
        assert!(!shown.contains(key), "a key is shown: {shown}");
    }

    // After a restart it is there from the first query on, and nothing is ordered.
    let before = nameservers.asked(0, &ca.roots()).unwrap();
    nameservers.kill(0);
    nameservers.start(0);
    assert_eq!(nameservers.asked(0, &ca.roots()).unwrap(), before);
    assert_eq!(nameservers.orders(0), 0);
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn one_of_several_nameservers_orders_the_ca_finds_its_challenge_at_another_one_and_all_show_the_same_certificate() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(3, &ca);
    // The CA asks one nameserver, and comes when that is there: one that does not order.
    nameservers.start_all();
    let ca = ca.start_asking(nameservers.address(2), 1, "3600");
    eventually("all answer over TLS", || (0..3).all(|one| nameservers.asked(one, &ca.roots()).is_ok()));
    let first = nameservers.asked(0, &ca.roots()).unwrap();
    assert!((1..3).all(|one| nameservers.asked(one, &ca.roots()).unwrap() == first));
    assert_eq!([0, 1, 2].map(|one| nameservers.orders(one)).iter().sum::<u64>(), 1, "one certificate was ordered");
    eventually("nobody answers the challenge any more", || {
        (0..3).all(|one| nameservers.status(one).unwrap()["challenges"].as_array().unwrap().is_empty())
    });

    // One is reinstalled: it has the certificate again before it is ready.
    nameservers.kill(1);
    nameservers.reinstall(1);
    nameservers.start(1);
    assert_eq!(nameservers.asked(1, &ca.roots()).unwrap(), first, "at its first ready");
    assert_eq!(nameservers.orders(1), 0);
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn with_a_nameserver_down_the_others_get_a_certificate_and_the_one_that_comes_back_gets_it_from_them() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(3, &ca);
    // The one whose turn it would be is not there.
    (1..3).for_each(|one| nameservers.start(one));
    let ca = ca.start_asking(nameservers.address(2), 1, "3600");
    eventually("both answer over TLS", || (1..3).all(|one| nameservers.asked(one, &ca.roots()).is_ok()));
    let served = nameservers.asked(1, &ca.roots()).unwrap();
    nameservers.start(0);
    assert_eq!(nameservers.asked(0, &ca.roots()).unwrap(), served);
    assert_eq!(nameservers.orders(0), 0);
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn the_certificate_of_nameservers_is_renewed_before_it_ends_also_after_a_takeover() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(2, &ca);
    nameservers.start_all();
    let ca = ca.start_asking(nameservers.address(1), 1, "24");
    eventually("both answer over TLS", || (0..2).all(|one| nameservers.asked(one, &ca.roots()).is_ok()));
    let first = nameservers.asked(0, &ca.roots()).unwrap();
    nameservers.hand_over(0);
    assert!(nameservers.asked(0, &ca.roots()).is_ok());
    eventually("both show another one", || {
        (0..2).all(|one| nameservers.asked(one, &ca.roots()).is_ok_and(|shown| shown != first))
    });
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn a_name_that_no_nameserver_answers_is_an_alarm_and_the_ca_is_not_asked_to_look() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(2, &ca);
    for one in 0..2 {
        nameservers.change(one, |document| document["encrypted"]["acme"]["names"] = json!(["dns.elsewhere.test"]));
    }
    let ca = ca.start_asking(nameservers.address(1), 1, "3600");
    nameservers.start_all();
    eventually("the alarm says who does not answer, and why", || {
        let alarms = nameservers.alarms(0);
        ["ns-1", "ns-2"].iter().all(|name| {
            let why =
                format!("nameserver {name}: _acme-challenge.dns.elsewhere.test is in none of this nameserver's zones");
            alarms.contains(&why)
        })
    });
    assert!(!ca.log().contains(LOOKS), "{}", ca.log());
}

#[test]
#[ignore = "needs Pebble: see CONTRIBUTING.md"]
fn nameservers_with_other_names_get_each_a_certificate_of_its_own_and_answer_for_each_other() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(2, &ca);
    let names = |one: usize| [NAME.to_owned(), format!("ns{}.fleet.test", one + 1)];
    (0..2)
        .for_each(|one| nameservers.change(one, |document| document["encrypted"]["acme"]["names"] = json!(names(one))));
    nameservers.start_all();
    // It asks one of them for what either has ordered.
    let ca = ca.start_asking(nameservers.address(1), 1, "3600");
    let hosts = |one: usize| {
        let status = nameservers.status(one).unwrap();
        let mut hosts: Vec<String> = serde_json::from_value(status["certificates"][0]["hosts"].clone()).unwrap();
        hosts.sort();
        hosts
    };
    eventually("each has its own", || (0..2).all(|one| hosts(one) == names(one)));
    let shown = [0, 1].map(|one| nameservers.asked(one, &ca.roots()).unwrap());
    assert_ne!(shown[0], shown[1]);
    assert_eq!([0, 1].map(|one| nameservers.orders(one)), [1, 1]);
    eventually("nothing is an alarm", || (0..2).all(|one| nameservers.alarms(one) == "[]"));
}

#[test]
#[ignore = "needs Pebble and kdig: see CONTRIBUTING.md"]
fn kdig_verifies_the_certificate_that_a_nameserver_got_by_itself() {
    let ca = Ca::new();
    let mut nameservers = Nameservers::new(1, &ca);
    nameservers.start(0);
    let ca = ca.start_asking(nameservers.address(0), 1, "3600");
    eventually("it answers over TLS", || nameservers.asked(0, &ca.roots()).is_ok());
    let at = nameservers.over_tls(0);
    let arguments = [
        format!("@{}", at.ip()),
        format!("-p{}", at.port()),
        format!("+tls-ca={}", ca.roots_file().display()),
        format!("+tls-hostname={NAME}"),
        NAME.to_owned(),
        "A".to_owned(),
    ];
    let printed = Command::new("kdig").args(&arguments).output().expect("kdig can be started");
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned() + &String::from_utf8_lossy(&printed.stderr);
    assert!(printed.contains("192.0.2.7") && printed.contains("TLS session"), "{printed}");
}
