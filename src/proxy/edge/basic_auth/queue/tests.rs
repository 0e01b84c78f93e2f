//! Who waits for which hash.
#![allow(clippy::unwrap_used)]

use super::*;

type Numbers = Queue<u32, u32, u32>;

fn network(number: u32) -> Network {
    Network::of(std::net::Ipv4Addr::from_bits(number).into())
}

#[test]
fn those_who_show_the_same_wait_for_one_hash() {
    let mut queue = Numbers::default();
    for reply in 0..50 {
        queue.join(1, network(1), || 11, reply).unwrap();
    }
    queue.join(2, network(1), || 22, 99).unwrap();
    assert_eq!(queue.take(|_| true), Some((1, 11)));
    queue.join(1, network(2), || unreachable!("it is being made"), 50).unwrap();
    assert_eq!(queue.take(|_| true), Some((2, 22)));
    assert_eq!(queue.take(|_| true), None);
    assert_eq!(queue.finish(1), (0..=50).collect::<Vec<_>>());
    assert_eq!(queue.finish(2), [99]);
    queue.join(1, network(1), || 12, 0).unwrap();
    assert_eq!(queue.take(|_| true), Some((1, 12)), "what was made is made anew for who comes later");
}

#[test]
fn one_network_cannot_take_all_places() {
    let mut queue = Numbers::default();
    for key in 0..MOST_OF_NETWORK as u32 {
        queue.join(key, network(1), || key, key).unwrap();
    }
    assert_eq!(queue.join(1000, network(1), || 0, 0), Err(Full));
    queue.join(1001, network(2), || 0, 0).unwrap();
    queue.take(|_| true).unwrap();
    assert_eq!(queue.join(1000, network(1), || 0, 0), Err(Full), "it is being made");
    queue.finish(0);
    queue.join(1000, network(1), || 0, 0).unwrap();
    let mut queue = Numbers::default();
    for key in 0..MOST as u32 {
        queue.join(key, network(key), || key, key).unwrap();
    }
    assert_eq!(queue.join(1000, network(1000), || 0, 0), Err(Full));
}

#[test]
fn what_nobody_waits_for_any_more_is_not_made_and_takes_no_place() {
    let mut queue = Numbers::default();
    for key in 0..MOST_OF_NETWORK as u32 {
        queue.join(key, network(1), || key, key).unwrap();
    }
    assert_eq!(queue.take(|reply| *reply == 3), Some((3, 3)));
    for key in 10..10 + MOST_OF_NETWORK as u32 - 5 {
        queue.join(key, network(1), || key, key).unwrap();
    }
    assert_eq!(queue.take(|_| false), None);
    queue.finish(3);
    assert!(queue.asked.is_empty() && queue.of_network.is_empty(), "{queue:?}");
}

#[test]
fn a_line_of_ipv6_is_one_network() {
    let of = |text: &str| Network::of(text.parse().unwrap());
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
    assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
}
