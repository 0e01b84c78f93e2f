//! A zone that is signed on several threads is the one that a single thread makes.

use super::*;
use crate::dns::signing::zone::sign_on;

const POOL: &str =
    r#""p.example.net": { "check": { "port": 80 }, "members": { "a": { "addresses": ["192.0.2.1"] } } }"#;

/// All of a zone's signatures and proofs, as they are laid out.
fn all(zone: &Zone) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let sets = zone.nodes().flat_map(|node| {
        let owner = [node.name(), node.denial_owner()].concat();
        node.sets().chain(made(zone, node)).map(move |set| (owner.clone(), set)).collect::<Vec<_>>()
    });
    sets.map(|(owner, set)| (owner, set.wire.to_vec(), set.signatures.to_vec())).collect()
}

#[test]
fn one_thread_and_several_make_the_same_zone_and_the_same_one_of_it_later() {
    let hosts: String =
        (0..500).map(|n| format!("h{n} A 192.0.2.{}\nd{n} NS ns.d{n}\nns.d{n} A 192.0.2.9\n", n % 250)).collect();
    let zone = compiled(&format!("{TEXT}{hosts}"), &document(POOL));
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let signer = signer_by(vec![key(Role::Ksk, Algorithm::EcdsaP256, Times::default())], denial);
        let by = |threads, hour: u64, before: Option<&Zone>| {
            let signatures = sign_on(threads, &zone, &signer.at(NOW + hour * 3600), before).unwrap();
            zone.signed(Arc::new(signatures))
        };
        let one = by(1, 0, None);
        let later = by(1, 50, Some(&one));
        assert!(all(&one).iter().any(|(_, _, signatures)| !signatures.is_empty()) && all(&one) != all(&later));
        for threads in [2, 4, 64] {
            let several = by(threads, 0, None);
            assert_eq!(all(&several), all(&one), "{threads} threads, {denial:?}");
            assert_eq!(all(&by(threads, 50, Some(&several))), all(&later), "{threads} threads, {denial:?}");
        }
    }
}
