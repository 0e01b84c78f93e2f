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

#[test]
fn what_stands_since_nobody_could_be_asked_may_be_acted_on_and_is_not_told() {
    let mut proof = Proof::new(s(10), s(5));
    proof.prolong(s(14), s(14));
    assert!(proof.holds(s(18)) && !proof.is_borne_out(s(18)));
    proof.prolong(s(30), s(30));
    assert!(!proof.holds(s(30)), "what has lapsed is not revived");
    proof.renew(s(40), s(40));
    assert!(proof.is_borne_out(s(45)) && !proof.is_borne_out(s(46)));
}

#[test]
fn a_proof_says_whether_anything_has_borne_it_out_since_a_moment() {
    let mut proof = Proof::new(s(10), s(5));
    assert!(proof.is_borne_out_since(s(10)) && !proof.is_borne_out_since(s(11)));
    proof.prolong(s(12), s(12));
    assert!(!proof.is_borne_out_since(s(11)), "nobody was asked");
    proof.renew(s(12), s(13));
    assert!(proof.is_borne_out_since(s(12)) && !proof.is_borne_out_since(s(13)));
}
