use super::*;

fn limits(connections: usize, connections_per_address: usize) -> Limits {
    Limits { connections, connections_per_address, idle: Duration::from_secs(1) }
}

#[test]
fn a_client_has_so_many_connections_and_all_clients_together_so_many() {
    let admission = Rc::<Admission>::default();
    let limits = limits(3, 2);
    let take = |client: &str| admission.admit(&limits, client.parse().unwrap());
    let first = take("192.0.2.1");
    let second = take("192.0.2.1");
    assert!(first.is_some() && second.is_some());
    assert!(take("192.0.2.1").is_none(), "a third of one client");
    assert!(take("::ffff:192.0.2.1").is_none(), "which is the same client");
    let third = take("2001:db8::1");
    assert!(third.is_some() && take("192.0.2.2").is_none(), "a fourth of all");
    drop(first);
    assert_eq!(admission.open(), 2);
    assert!(take("2001:db8::2").is_some(), "the second of a network");
    drop((second, third));
    assert_eq!((admission.open(), admission.by_client.borrow().len()), (0, 0), "nothing is left of them");
}
