use super::*;
use crate::api::events::Level;
use crate::api::operator::OperatorState;
use crate::verbs::status::tests::examples;

fn event(at: u64, kind: Kind, subject: &str, words: &str) -> Event {
    Event { at, level: Level::Info, kind, subjects: vec![subject.to_owned()], words: words.to_owned() }
}

/// A night: shop's primary died at 1_000 s, was in maint from 1_100 s on, and came back at 2_000 s.
fn night() -> Vec<Event> {
    let web2 = "check of shop/web2 (192.0.2.22:80, GET /healthz)";
    vec![
        event(1_000_000, Kind::Check, "shop/web2", &format!("{web2}: up -> down: connection refused")),
        event(
            1_000_100,
            Kind::Latch,
            "shop",
            "shop: web2 -> web3 (epoch 1, by px-1): web2 is down (connection refused)",
        ),
        event(1_100_000, Kind::Operator, "shop/web2", "shop/web2 is set to maint by alice@admin-nl: new disk"),
        event(2_000_000, Kind::Check, "shop/web2", &format!("{web2}: down -> up: 200 in 1 ms")),
    ]
}

fn shop_at(at: u64) -> Vec<String> {
    let mut proxy = examples::proxy();
    for backend in &mut proxy.services[0].backends {
        backend.check_since = 500_000;
    }
    let latch = proxy.services[0].latch.as_mut().unwrap();
    (latch.active, latch.at) = (Some("web3".to_owned()), 1_000_100);
    let status = Status::Proxy(Box::new(proxy));
    let (before, after): (Vec<Event>, Vec<Event>) = night().into_iter().partition(|event| event.at <= at);
    Moment { at, before: &before, after: &after, status: &status }.sentences("shop")
}

#[test]
fn a_moment_is_told_by_what_happened_last_before_it() {
    assert_eq!(
        shop_at(1_500_000),
        [
            "latch since 1970-01-01 00:16:40Z: web2 -> web3 (epoch 1, by px-1): web2 is down (connection refused)",
            "shop/web2: down since 1970-01-01 00:16:40Z: connection refused",
            "operator since 1970-01-01 00:18:20Z: shop/web2 is set to maint by alice@admin-nl: new disk",
            "shop/web3: up since 1970-01-01 00:08:20Z, as it still is",
        ]
    );
    assert_eq!(shop_at(2_500_000)[1], "shop/web2: up since 1970-01-01 00:33:20Z: 200 in 1 ms");
}

#[test]
fn before_the_first_event_it_was_as_that_one_found_it() {
    assert_eq!(
        shop_at(600_000),
        [
            "latch: web2 was active, since before the history",
            "shop/web2: up, since before the history",
            "shop/web3: up since 1970-01-01 00:08:20Z, as it still is",
        ]
    );
}

#[test]
fn what_cannot_be_known_is_said_to_be_unknown() {
    assert_eq!(shop_at(400_000)[2], "shop/web3: not known");
}

#[test]
fn what_an_operator_said_before_the_history_and_is_in_force_is_told() {
    let mut proxy = examples::proxy();
    assert_eq!(proxy.services[1].backends[1].operator, OperatorState::Drain);
    proxy.services[1].backends[1].note.as_mut().unwrap().when = 1_000;
    let status = Status::Proxy(Box::new(proxy));
    let told = Moment { at: 2_000, before: &[], after: &[], status: &status }.sentences("www");
    let note =
        "operator since 1970-01-01 00:00:01Z: www/web2 is set to drain by alice@admin-nl: new disk, as it still is";
    assert_eq!(told.last().map(String::as_str), Some(note), "{told:?}");
}
