use super::*;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_proof_lapses_unless_it_is_renewed_in_time() {
    let mut proof = Proof::new(s(10), s(5));
    let copy = proof.clone();
    assert!(copy.holds(s(15)));
    assert!(!proof.renew(s(12), s(13)));
    assert!(copy.holds(s(17)) && !copy.holds(s(18)));
}

#[test]
fn a_proof_that_has_lapsed_is_replaced_and_never_holds_again() {
    let mut proof = Proof::new(s(10), s(5));
    let copy = proof.clone();
    assert!(proof.renew(s(30), s(30)));
    assert_ne!(proof, copy);
    assert!(proof.holds(s(31)) && !copy.holds(s(31)));
}

#[test]
fn what_began_before_a_pause_bears_nothing_out_after_it() {
    let mut proof = Proof::new(s(10), s(5));
    let copy = proof.clone();
    assert!(!proof.renew(s(11), s(30)));
    assert_eq!(proof, copy);
    assert!(!proof.holds(s(30)));
}

#[test]
fn the_default_never_lapses() {
    let mut proof = Proof::default();
    assert!(!proof.renew(s(1), s(2)) && proof.holds(Duration::MAX));
}
