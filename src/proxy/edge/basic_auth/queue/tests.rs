//! Who waits for which hash, and in which order they are made.
#![allow(clippy::unwrap_used)]

use super::*;

type Numbers = Queue<u32, u32, u32>;

/// One of a region of its own.
fn asker(number: u32) -> Asker {
    of("a", Ipv4Addr::from_bits(number << 8).into())
}

fn of(service: &str, address: IpAddr) -> Asker {
    Asker { service: service.into(), network: Network::of(address) }
}

fn at(service: &str, address: &str) -> Asker {
    of(service, address.parse().unwrap())
}

/// The keys in the order in which their hashes are made.
fn order(queue: &mut Numbers) -> Vec<u32> {
    std::iter::from_fn(|| queue.take(|_| true)).map(|(key, _)| key).collect()
}

#[test]
fn those_who_show_the_same_wait_for_one_hash() {
    let mut queue = Numbers::default();
    for reply in 0..50 {
        queue.join(1, asker(1), || 11, reply).unwrap();
    }
    queue.join(2, asker(1), || 22, 99).unwrap();
    assert_eq!(queue.take(|_| true), Some((1, 11)));
    queue.join(1, asker(2), || unreachable!("it is being made"), 50).unwrap();
    assert_eq!(queue.take(|_| true), Some((2, 22)));
    assert_eq!(queue.take(|_| true), None);
    assert_eq!(queue.finish(1), (0..=50).collect::<Vec<_>>());
    assert_eq!(queue.finish(2), [99]);
    queue.join(1, asker(1), || 12, 0).unwrap();
    assert_eq!(queue.take(|_| true), Some((1, 12)), "what was made is made anew for who comes later");
}

#[test]
fn one_network_cannot_take_all_places() {
    let mut queue = Numbers::default();
    for key in 0..MOST_OF_NETWORK as u32 {
        queue.join(key, asker(1), || key, key).unwrap();
    }
    assert_eq!(queue.join(1000, asker(1), || 0, 0), Err(Full));
    assert_eq!(queue.join(1000, of("b", asker(1).network.0), || 0, 0), Err(Full), "at another service, too");
    queue.join(1001, asker(2), || 0, 0).unwrap();
    queue.take(|_| true).unwrap();
    assert_eq!(queue.join(1000, asker(1), || 0, 0), Err(Full), "it is being made");
    queue.finish(0);
    queue.join(1000, asker(1), || 0, 0).unwrap();
}

#[test]
fn neither_can_all_networks_of_one_line_together() {
    for network in [|n: u32| format!("2001:db8:0:{n:x}::1"), |n: u32| format!("192.0.2.{n}")] {
        let mut queue = Numbers::default();
        for key in 0..MOST_OF_REGION as u32 {
            queue.join(key, at("a", &network(key)), || key, key).unwrap();
        }
        assert_eq!(queue.join(1000, at("a", &network(200)), || 0, 0), Err(Full));
        queue.join(1000, at("a", "2001:db8:1::1"), || 0, 0).unwrap();
        queue.join(1001, at("a", "192.0.3.1"), || 0, 0).unwrap();
    }
}

#[test]
fn networks_and_services_take_turns_and_who_has_one_password_waits_for_one_of_each_other() {
    let mut queue = Numbers::default();
    let mut join = |key, asker| queue.join(key, asker, || 0, 0).unwrap();
    for key in 0..8 {
        join(key, at("a", "192.0.2.1"));
    }
    for key in 10..18 {
        join(key, at("a", "192.0.2.2"));
    }
    join(100, at("a", "198.51.100.1"));
    join(101, at("b", "203.0.113.1"));
    join(102, at("a", "192.0.2.3"));
    let order = order(&mut queue);
    assert_eq!(order[..9], [0, 101, 100, 10, 102, 1, 11, 2, 12], "{order:?}");
    assert_eq!(order.len(), 19);
}

#[test]
fn where_all_places_are_taken_the_last_goes_of_those_who_have_most() {
    let mut queue = Numbers::default();
    // Of four lines, as many as each may have.
    for key in 0..MOST as u32 {
        let (line, network) = (key / 32, key % 32);
        queue.join(key, at("a", &format!("2001:db8:{line}:{network:x}::1")), || key, key).unwrap();
    }
    queue.join(1000, at("a", "2001:db8:ffff::1"), || 0, 1000).unwrap();
    assert_eq!(queue.asked.len(), MOST);
    assert_eq!(queue.finish(MOST as u32 - 1), [0; 0], "the last of a line that has most");
    assert_eq!(queue.join(2000, at("a", "2001:db8::ffff:0:0:0:1"), || 0, 0), Err(Full), "it has most");
    assert_eq!(order(&mut queue)[4], 1000);
}

#[test]
fn nobody_keeps_the_visitors_of_another_service_away_however_many_networks_he_has() {
    let mut queue = Numbers::default();
    for key in 0..MOST as u32 {
        queue.join(key, asker(key), || key, key).unwrap();
    }
    assert_eq!(queue.join(1000, asker(1000), || 0, 0), Err(Full), "all have one");
    queue.join(1001, of("b", asker(1001).network.0), || 0, 0).unwrap();
    assert_eq!(order(&mut queue)[1], 1001);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_made_and_takes_no_place() {
    let mut queue = Numbers::default();
    for key in 0..MOST_OF_NETWORK as u32 {
        queue.join(key, asker(1), || key, key).unwrap();
    }
    assert_eq!(queue.take(|reply| *reply == 3), Some((3, 3)));
    for key in 10..10 + MOST_OF_NETWORK as u32 - 5 {
        queue.join(key, asker(1), || key, key).unwrap();
    }
    assert_eq!(queue.take(|_| false), None);
    queue.finish(3);
    assert!(queue.asked.is_empty() && queue.next.len() == 0, "{queue:?}");
}
