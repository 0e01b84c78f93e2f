use super::*;
use crate::zone::name;

fn labelled(owner: &str, salt: &[u8], iterations: u16) -> String {
    let hash = hash(&name::from_text(owner).unwrap(), salt, iterations);
    String::from_utf8(label(&hash).to_vec()).unwrap()
}

#[test]
fn names_are_hashed_as_in_the_examples_of_the_standard() {
    // RFC 5155, appendix A.
    for (owner, hashed) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("ai.example", "gjeqe526plbf1g8mklp59enfd789njgi"),
        ("ns1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("ns2.example", "q04jkcevqvmu85r014c7dkba38o0ji5r"),
        ("w.example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"),
        ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ("x.w.example", "b4um86eghhds6nea196smvmlo4ors995"),
        ("y.w.example", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"),
        ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
        ("xx.example", "t644ebqk9bibcna874givr6joj62mlhv"),
        ("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"),
    ] {
        assert_eq!(labelled(owner, &[0xaa, 0xbb, 0xcc, 0xdd], 12), hashed, "{owner}");
    }
}

#[test]
fn without_salt_and_iterations_it_is_sha_1_of_the_name() {
    // What nsec3hash(1) of BIND says: `nsec3hash - 1 0 example.com`.
    assert_eq!(labelled("example.com", &[], 0), "onib9mgub9h0rml3cdf5bgrj59dkjhvk");
}

#[test]
fn labels_stand_in_the_order_of_their_hashes() {
    let mut random = fastrand::Rng::with_seed(5155);
    let mut hashes: Vec<[u8; HASH]> = (0..1000).map(|_| std::array::from_fn(|_| random.u8(..))).collect();
    hashes.extend([[0; HASH], [0xff; HASH]]);
    hashes.sort();
    let labels: Vec<[u8; LABEL]> = hashes.iter().map(label).collect();
    assert!(labels.is_sorted());
    assert_eq!((&labels[0], &labels[1001]), (&[b'0'; LABEL], &[b'v'; LABEL]));
}
