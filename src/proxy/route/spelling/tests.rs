use std::collections::BTreeSet;

use super::*;

fn reads(path: &str, plain: &str) -> bool {
    readings(path.as_bytes()).any(|reading| reading == plain.as_bytes())
}

#[test]
fn a_path_in_its_plain_form_is_read_as_it_stands() {
    for path in ["/", "/private", "/private/page.html", "/a-b/c_d/e.f", "/a/b/"] {
        assert_eq!(readings(path.as_bytes()).count(), 0, "{path}");
    }
}

#[test]
fn other_spellings_are_read_as_what_a_server_may_make_of_them() {
    for (path, plain) in [
        ("/%70rivate/x", "/private/x"),
        ("/privat%65", "/private"),
        ("//private/x", "/private/x"),
        ("/./private", "/private"),
        ("/a/../private/x", "/private/x"),
        ("/a/%2e%2E/private", "/private"),
        ("/a/..%2fprivate", "/private"),
        ("/..\\private", "/private"),
        ("/private;v=1/x", "/private/x"),
        ("/a/..;/private", "/private"),
        ("/../../private", "/private"),
        ("/x\\y/../private/s", "/private/s"),
        ("/x%5cy/../private/s", "/private/s"),
        ("/x%2fy/../private/s", "/private/s"),
        ("/z/../private/;/../s", "/private/s"),
        ("/z/../private/q/..;/../s", "/private/q/s"),
        ("/z/../private//../s", "/private/s"),
    ] {
        assert!(reads(path, plain), "{path}");
    }
}

#[test]
fn what_is_no_encoding_stays() {
    for path in ["/a%2", "/a%zz%", "/%"] {
        assert!(readings(path.as_bytes()).all(|reading| reading == path.as_bytes()), "{path}");
    }
}

#[test]
fn no_reading_is_left_out_for_being_thought_the_same_as_another() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let parts = ["/", "/", "..", ".", ";", "\\", "%2f", "%5C", "%3b", "%2e", "%70", "%", "a", "b"];
    for _ in 0..2_000 {
        let path: String = std::iter::once("/").chain((0..8).map(|_| parts[random.usize(..parts.len())])).collect();
        let path = path.as_bytes();
        let all = || (0..16).map(|bits| Reader::of(bits).read(path)).collect::<BTreeSet<_>>();
        let found: BTreeSet<_> = readings(path).collect();
        assert!(found == all() || !may_be_read_otherwise(path), "seed {seed}: {path:?}: {found:?}");
    }
}
