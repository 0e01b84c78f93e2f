#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_slot_is_counted_until_it_is_dropped() {
    let admission = Arc::new(Admission::default());
    let (first, second) = (admission.regular(2).unwrap(), admission.regular(2).unwrap());
    assert!(admission.regular(2).is_none());
    let reserved: Vec<_> = std::iter::from_fn(|| admission.reserved()).collect();
    assert_eq!((reserved.len(), admission.connections()), (RESERVE, RESERVE + 2));
    drop(first);
    assert!(admission.regular(2).is_some());
    drop((second, reserved));
    assert_eq!(admission.connections(), 0);
}

#[test]
fn an_address_has_its_share_and_no_more_whichever_thread_counts() {
    let admission = Arc::new(Admission::default());
    let take = || {
        let take = || admission.of_address("192.0.2.1".parse().unwrap(), 50);
        std::iter::from_fn(take).take(100).collect::<Vec<_>>()
    };
    let shares: Vec<AddressSlot> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(shares.len(), 50);
    assert!(admission.of_address("192.0.2.2".parse().unwrap(), 50).is_some(), "another address has its own");
    drop(shares);
    assert_eq!(admission.addresses.len(), 0, "an address without a connection is forgotten");
}
