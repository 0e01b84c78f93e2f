//! Whatever a CA, a clock or a peer does, orders stay few, and what is past is forgotten.

use super::*;

#[test]
fn a_certificate_that_is_not_for_all_that_was_ordered_is_a_failure_and_the_next_order_waits() {
    let mut world = World::with(&["px-1"], BOTH);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    // For the first name alone.
    world.issue("px-1", ticket);
    world.exchange();
    assert!(world.orderers().is_empty());
    let now = world.now;
    let alarms = world.at("px-1").orders.alarms(now).join("\n");
    assert!(alarms.contains("the CA's certificate is for shop.test, and not for all that was ordered"), "{alarms}");
    assert_eq!(world.at("px-1").orders.failures["shop"].cause, Cause::Refused);
    assert_eq!(world.at("px-1").orders.ended(), (0, 1));
}

#[test]
fn whatever_the_ca_suggests_a_new_certificate_is_kept_for_a_day() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    world.issue("px-1", ticket);
    let now = world.now;
    let number = world.at("px-1").orders.certificates["shop"].number();
    let past = Window { start: 0, end: 1 };
    let event = Event::Suggested { service: "shop".into(), number, answer: Some((past, Duration::from_secs(60))) };
    world.at("px-1").take(event, now);
    assert_eq!(world.at("px-1").orders.renewal("shop"), Some(now.unix_ms + DAY));
    world.pass(DAY - 1);
    world.exchange();
    assert!(world.orderers().is_empty());
    world.pass(1);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
}

#[test]
fn with_a_clock_that_is_ahead_of_the_cas_a_new_certificate_is_kept_for_a_day() {
    let mut world = World::new(&["px-1"]);
    world.pass(200 * DAY);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let now = world.now;
    // Over already, as this clock has it.
    let issued = Told { obtained: now.unix_ms, ..told(&["shop.test"], 1, 91) };
    world.at("px-1").take(Event::Ended(ticket, Ok(issued)), now);
    world.exchange();
    assert!(world.orderers().is_empty());
    world.pass(DAY);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
}

#[test]
fn a_peer_whose_clock_is_ahead_puts_no_renewal_off() {
    let mut world = World::new(&["px-1"]);
    let now = world.now;
    let theirs = Told { obtained: u64::MAX, ..told(&["shop.test"], 1, 91) };
    let words =
        crate::acme::message::AcmeMessage { certificates: [("shop".to_owned(), theirs)].into(), ..Default::default() };
    assert_eq!(world.at("px-1").orders.hear("px-2", words, now), Vec::<String>::new());
    assert_eq!(world.at("px-1").orders.certificates["shop"].told().obtained, now.unix_ms);
}

#[test]
fn challenges_of_a_peer_that_is_long_gone_or_out_of_the_document_are_not_answered_any_more() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let now = world.now;
    world.at("px-1").take(challenged(ticket), now);
    world.exchange();
    let orders = &mut world.at("px-2").orders;
    let answers = |orders: &Orders, seconds: u64| {
        let later = Now { running: now.running + Duration::from_secs(seconds), ..now };
        orders.challenges(later).answer(b"/.well-known/acme-challenge/token").is_some()
    };
    assert!(answers(orders, 0) && answers(orders, 599));
    assert!(!answers(orders, 600));
    orders.keep_peers(|peer| peer != "px-1");
    assert!(!answers(orders, 0));
}

#[test]
fn a_proxy_that_does_not_get_as_far_as_the_ca_leaves_the_order_to_the_next_one() {
    let mut world = World::new(&["px-1", "px-2"]);
    let failure = || OrderFailure::without_retry_after(Cause::Unasked, "the CA cannot be reached");
    for _ in 0..4 {
        world.exchange();
        let (name, request) = world.ordered().remove(0);
        assert_eq!(name, "px-1");
        let now = world.now;
        world.at("px-1").take(Event::Ended(request.ticket, Err(failure())), now);
        world.pass(60_000);
    }
    world.exchange();
    let (name, request) = world.ordered().remove(0);
    assert_eq!(name, "px-2");
    world.issue("px-2", request.ticket);
    world.exchange();
    assert!(world.at("px-1").pem().is_some());
    let now = world.now;
    assert_eq!(world.at("px-2").orders.orderer("shop", true, now), Some("px-1"), "what failed is past");
}

#[test]
fn a_failure_counts_for_those_alone_that_would_order_the_same_of_the_same_ca() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    world.refuse("px-1", ticket);
    world.exchange();
    assert!(world.at("px-2").orders.failures.contains_key("shop"));
    // The operator mends the document, which reaches the proxies one after the other.
    let mended = |name: &str| {
        let terms = terms(name, SHOP);
        let ca = terms.ca.map(|ca| Arc::new(CaConfig { profile: Some("shortlived".into()), ..(*ca).clone() }));
        Terms { ca, ..terms }
    };
    let (first, second) = (mended("px-1"), mended("px-2"));
    world.at("px-1").orders.reload(first);
    assert!(world.at("px-1").orders.failures.is_empty());
    world.exchange();
    assert!(world.at("px-1").orders.failures.is_empty(), "it does not come back from the peer");
    assert_eq!(world.orderers(), ["px-1"]);
    world.at("px-2").orders.reload(second);
    assert!(world.at("px-2").orders.failures.is_empty());
    world.refuse("px-1", 2);
    world.exchange();
    assert!(world.at("px-2").orders.failures.contains_key("shop"));
}

#[test]
fn a_failure_is_void_once_another_proxy_has_got_the_certificate_on_the_disk_too() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
    // It is killed in the middle of its order, and the other one gets the certificate.
    world.away = vec!["px-1"];
    world.pass(6_000);
    world.exchange();
    let (name, request) = world.ordered().remove(0);
    assert_eq!(name, "px-2");
    world.issue("px-2", request.ticket);
    world.at("px-1").restart_without_certificates();
    assert_eq!(world.at("px-1").orders.failures.len(), 1);
    world.away.clear();
    world.exchange();
    assert_eq!(world.at("px-1").pem().cloned(), world.at("px-2").pem().cloned());
    assert!(world.at("px-1").stored_failures().is_empty());

    // The files of the certificate are lost everywhere: it is ordered anew at once.
    world.proxies.iter_mut().for_each(Proxy::restart_without_certificates);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
}

#[test]
fn a_failure_from_before_the_certificate_beside_it_is_void_from_the_start() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    let beginning = world.at("px-1").stored_failures();
    world.pass(1_000);
    let issued = Issued::new(Told { obtained: world.now.unix_ms, ..told(&["shop.test"], 1, 91) }).unwrap();
    let known = Known { failures: beginning, certificates: [("shop".to_owned(), issued)].into(), ..Known::default() };
    let (orders, now) = (Orders::new(terms("px-1", SHOP), known), world.now);
    assert_eq!(orders.alarms(now), Vec::<String>::new());
}

#[test]
fn a_failure_that_comes_after_another_proxys_success_is_void_whatever_the_clocks_are() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.away = vec!["px-2"];
    world.exchange();
    let mut both = world.ordered();
    both.sort_by_key(|(name, _)| *name);
    world.issue("px-2", both[1].1.ticket);
    world.pass(1_000);
    world.refuse("px-1", both[0].1.ticket);
    assert_eq!(world.at("px-1").orders.failures.len(), 1);
    world.away.clear();
    world.exchange();
    for proxy in &world.proxies {
        assert!(proxy.pem().is_some() && proxy.orders.failures.is_empty(), "{}", proxy.name);
    }

    // One of a renewal stays until that one is there.
    world.pass(70 * DAY);
    world.exchange();
    let (name, request) = world.ordered().remove(0);
    world.refuse(name, request.ticket);
    world.exchange();
    assert!(world.proxies.iter().all(|proxy| proxy.orders.failures.len() == 1));
}

#[test]
fn the_certificate_of_a_service_that_has_left_is_there_when_it_is_back_and_is_removed_after_a_month() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    world.issue("px-1", ticket);
    let removed = |world: &mut World| {
        let now = world.now;
        world.at("px-1").step(now);
        world.at("px-1").wanted.iter().any(|effect| matches!(effect, Effect::Remove(service) if service == "shop"))
    };
    let (with, without) = (|| terms("px-1", SHOP), || Terms { desired: BTreeMap::new(), ..terms("px-1", SHOP) });
    let unwanted = |world: &mut World| world.at("px-1").disk[&File::Unwanted].reveal().to_owned();

    world.at("px-1").orders.reload(without());
    assert!(!removed(&mut world));
    world.pass(29 * DAY);
    assert!(!removed(&mut world));
    assert!(unwanted(&mut world).contains("shop"), "a restart does not begin anew");
    world.at("px-1").orders.reload(with());
    assert!(!removed(&mut world) && world.at("px-1").pem().is_some(), "it needs no new one");
    assert!(!unwanted(&mut world).contains("shop"));

    world.at("px-1").orders.reload(without());
    assert!(!removed(&mut world));
    world.pass(29 * DAY);
    assert!(!removed(&mut world));
    world.pass(DAY);
    assert!(removed(&mut world) && world.at("px-1").pem().is_none());
}
