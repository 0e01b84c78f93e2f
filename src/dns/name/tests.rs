#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_name_is_lower_cased_and_cut_at_its_labels() {
    let (name, end) = Name::read(b"..\x03WwW\x07eXample\x03net\x00tail", 2).unwrap();
    assert_eq!(end, 19);
    assert_eq!(name.as_bytes(), b"\x03www\x07example\x03net\x00");
    assert_eq!(name.labels(), 3);
    assert_eq!(name.from_label(1), b"\x07example\x03net\x00");
    assert_eq!(name.from_label(3), b"\x00");
}

#[test]
fn a_cut_off_a_pointed_and_a_too_long_name_are_none() {
    assert!(Name::read(b"\x03ww", 0).is_none());
    assert!(Name::read(b"", 0).is_none());
    assert!(Name::read(b"\xc0\x00", 0).is_none());
    assert!(Name::read(b"\x40", 0).is_none());
    let mut long = Vec::new();
    for _ in 0..127 {
        long.extend_from_slice(b"\x01a");
    }
    long.push(0);
    assert_eq!(Name::from_wire(&long).unwrap().labels(), 127);
    long.splice(0..0, *b"\x01a");
    assert!(Name::from_wire(&long).is_none());
}

#[test]
fn text_and_wire_agree() {
    let wire = from_text("WWW.example.net.").unwrap();
    assert_eq!(&*wire, b"\x03www\x07example\x03net\x00");
    assert_eq!(to_text(&wire), "www.example.net");
    assert_eq!(from_text(".").as_deref(), Some(&b"\x00"[..]));
    assert_eq!(to_text(b"\x00"), ".");
    assert_eq!(to_text(b"\x03a.\x01\x00"), "a\\.\\001");
    assert!(from_text("a..b").is_none());
}
