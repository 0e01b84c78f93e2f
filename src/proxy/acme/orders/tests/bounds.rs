//! Whatever a CA, a clock or a peer does, orders stay few, and what is past is forgotten.

use super::*;

#[test]
fn a_certificate_that_is_not_for_all_that_was_ordered_is_a_failure_and_the_next_order_waits() {
    let services = SHOP.replace(r#"["shop.test"]"#, r#"["shop.test", "www.test"]"#);
    let mut world = World::with(&["px-1"], &services);
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
    let words = crate::proxy::acme::message::AcmeMessage {
        certificates: [("shop".to_owned(), theirs)].into(),
        ..Default::default()
    };
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
