#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn two_fleets_never_share_a_network() {
    let first = Addresses::claim().unwrap();
    let refused = Addresses::claim_network(first.network).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    let second = Addresses::claim().unwrap();
    assert_ne!(first.network, second.network);
}

#[test]
fn a_released_network_can_be_claimed_again() {
    let first = Addresses::claim().unwrap();
    let network = first.network;
    drop(first);
    Addresses::claim_network(network).unwrap();
}
