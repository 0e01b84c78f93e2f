use super::*;

const KNOWN: [&str; 5] = ["address", "backends", "fast_interval", "name", "rise"];

#[test]
fn a_slip_of_the_finger_is_recognised() {
    for (word, meant) in [
        ("adress", "address"),
        ("backend", "backends"),
        ("bakcends", "backends"),
        ("fast-interval", "fast_interval"),
        ("FAST_INTERVAL", "fast_interval"),
        ("nmae", "name"),
        ("rize", "rise"),
    ] {
        assert_eq!(nearest(word, KNOWN), Some(meant), "{word}");
    }
}

#[test]
fn one_status_is_not_taken_for_another() {
    assert_eq!(nearest("405", ["403", "404"]), None);
    assert_eq!(nearest("maintenence", ["403", "maintenance"]), Some("maintenance"));
}

#[test]
fn another_word_is_not_taken_for_a_slip() {
    for word in ["", "host", "adr", "backup_ends", "raise_it", "naïveté"] {
        assert_eq!(nearest(word, KNOWN), None, "{word}");
    }
}

#[test]
fn what_was_meant_stands_behind_what_is_not_known() {
    assert_eq!(did_you_mean("px1", ["px-1", "web1"]), "; did you mean px-1?");
    assert_eq!(did_you_mean("nothing", ["px-1", "web1"]), "");
}
