//! Nameservers, which order by dns-01 and answer the CA by themselves.

use super::*;

/// What a nameserver's document says: a certificate for these names, by dns-01. It goes by `shop`, as that of a service.
fn of_nameserver(own: &str, names: &[&str]) -> Terms {
    let mut terms = Terms { daemon: Daemon::Nameserver, ..terms(own, names) };
    terms.desired.values_mut().for_each(|desired| desired.challenge = ChallengeKind::Dns01);
    terms
}

fn nameservers(all: &[(&'static str, &[&str])]) -> World {
    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    let mut world = World::new(&names);
    for (name, of) in all {
        world.at(name).orders = Orders::new(of_nameserver(name, of), Known::default());
    }
    world
}

fn challenged_by_dns(ticket: u64) -> Event {
    Event::Challenged(ticket, vec![Challenge::Dns(record("shop.test", 1))])
}

#[test]
fn the_ca_looks_once_every_nameserver_that_is_heard_answers_and_the_answer_goes_with_the_order() {
    let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", SHOP), ("ns-3", SHOP)]);
    world.exchange();
    let ordered = world.ordered();
    assert_eq!(ordered.len(), 1);
    let ticket = ordered[0].1.ticket;
    let now = world.now;
    world.at("ns-1").take(challenged_by_dns(ticket), now);
    assert!(!world.at("ns-1").went_on(), "nobody knows yet");
    assert!(world.at("ns-1").wanted.is_empty(), "no nameserver is told in any other way");
    let records = TxtRecord::by_name(&[record("shop.test", 1)]);
    assert_eq!(world.at("ns-1").orders.records(now), records);
    world.exchange();
    assert!(world.at("ns-1").went_on());
    assert!(["ns-2", "ns-3"].iter().all(|peer| world.at(peer).orders.records(now) == records));

    world.issue("ns-1", ticket);
    world.exchange();
    for nameserver in &mut world.proxies {
        assert!(nameserver.pem().is_some() && nameserver.orders.records(now).is_empty(), "{}", nameserver.name);
    }
}

#[test]
fn a_nameserver_that_is_gone_is_not_waited_for_and_one_that_is_heard_and_says_nothing_is() {
    let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", SHOP), ("ns-3", SHOP)]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    // One does not answer queries yet.
    world.at("ns-2").ready = false;
    world.exchange();
    let now = world.now;
    world.at("ns-1").take(challenged_by_dns(ticket), now);
    world.exchange();
    assert!(!world.at("ns-1").went_on());
    world.away.push("ns-2");
    world.pass(6_000);
    world.exchange();
    assert!(world.at("ns-1").went_on(), "the others answer, and the CA asks one of them if one does not answer");

    // The one that orders is gone: the next one begins.
    world.away.push("ns-1");
    world.pass(6_000);
    world.exchange();
    assert_eq!(world.ordered().iter().map(|(name, _)| *name).filter(|name| *name == "ns-3").count(), 1);
}

#[test]
fn a_peer_that_does_not_take_the_challenge_ends_the_order_before_the_ca_is_asked() {
    let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", SHOP)]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    world.at("ns-2").ready = false;
    let now = world.now;
    world.at("ns-1").take(challenged_by_dns(ticket), now);
    for _ in 0..5 {
        world.pass(4_000);
        world.exchange();
    }
    assert!(!world.at("ns-1").went_on());
    let now = world.now;
    let alarms = world.at("ns-1").orders.alarms(now);
    assert!(
        alarms[0].contains("ns-2 did not take the challenge in time, and the CA may ask any nameserver"),
        "{alarms:?}"
    );
}

#[test]
fn one_nameserver_that_answers_a_name_is_enough_and_that_none_does_is_said_before_the_ca_is_asked() {
    const WHY: &str = "is in none of this nameserver's zones";
    let refused = || [("_acme-challenge.shop.test".to_owned(), WHY.to_owned())].into();
    for (refusing, is_asked) in [(&["ns-1"][..], true), (&["ns-2"], true), (&["ns-1", "ns-2"], false)] {
        let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", SHOP)]);
        world.exchange();
        let ticket = world.ordered()[0].1.ticket;
        refusing.iter().for_each(|name| world.at(name).orders.note_refused(refused()));
        let now = world.now;
        world.at("ns-1").take(challenged_by_dns(ticket), now);
        world.exchange();
        assert_eq!(world.at("ns-1").went_on(), is_asked, "{refusing:?}");
        if !is_asked {
            let alarms = world.at("ns-1").orders.alarms(now);
            let both = format!(
                "no nameserver answers _acme-challenge.shop.test: nameserver ns-1: _acme-challenge.shop.test {WHY}; \
                 nameserver ns-2: _acme-challenge.shop.test {WHY}"
            );
            assert!(alarms[0].contains(&both), "{alarms:?}");
        }
    }
}

#[test]
fn nameservers_with_names_of_their_own_order_each_for_itself() {
    let mut world = nameservers(&[("ns-1", &["shop.test", "ns1.test"]), ("ns-2", &["shop.test", "ns2.test"])]);
    world.exchange();
    let first = world.ordered();
    assert_eq!(
        first.iter().map(|(name, request)| (*name, request.names.clone())).collect::<Vec<_>>(),
        [
            ("ns-1", vec!["shop.test".to_owned(), "ns1.test".to_owned()]),
            ("ns-2", vec!["shop.test".to_owned(), "ns2.test".to_owned()]),
        ]
    );
}

#[test]
fn a_nameserver_takes_no_certificate_that_lacks_one_of_its_names() {
    for (names, is_taken) in [(SHOP, true), (BOTH, false)] {
        let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", names)]);
        world.exchange();
        let ticket = world.ordered()[0].1.ticket;
        world.issue("ns-1", ticket);
        world.exchange();
        assert_eq!(world.at("ns-2").pem().is_some(), is_taken, "{names:?}");
    }
}

#[test]
fn a_nameserver_whose_document_orders_nothing_answers_for_nobody_and_is_not_waited_for() {
    for answers_itself in [true, false] {
        let mut world = nameservers(&[("ns-1", SHOP), ("ns-2", SHOP)]);
        let nothing = Terms { ca: None, desired: BTreeMap::new(), ..of_nameserver("ns-2", SHOP) };
        world.at("ns-2").orders = Orders::new(nothing, Known::default());
        world.exchange();
        let ticket = world.ordered()[0].1.ticket;
        let now = world.now;
        let orders = &mut world.at("ns-1").orders;
        if !answers_itself {
            let why = "is in none of this nameserver's zones".to_owned();
            orders.note_refused([("_acme-challenge.shop.test".to_owned(), why)].into());
        }
        orders.on_event(challenged_by_dns(ticket), now);
        let at = Circumstances { ready: true, draining: false, knows_peers: true };
        let effects = orders.step(at, now);
        let goes_on = effects.iter().any(|effect| matches!(effect, Effect::GoOn(_)));
        assert_eq!(goes_on, answers_itself, "{effects:?}");
        let silent = "nameserver ns-2: _acme-challenge.shop.test is not answered, for its document has no";
        assert!(format!("{effects:?}").contains(silent), "{effects:?}");
        world.exchange();
        assert!(world.at("ns-2").orders.records(now).is_empty());
    }
}
