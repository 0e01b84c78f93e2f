#![allow(clippy::unwrap_used)]

use super::*;

const ORIGIN: &[u8] = b"\x07example\x03net\x00";

#[test]
fn names_are_absolute_relative_or_the_origin() {
    for (text, wire) in [
        ("@", &b"\x07example\x03net\x00"[..]),
        (".", b"\x00"),
        ("www", b"\x03www\x07example\x03net\x00"),
        ("a.b", b"\x01a\x01b\x07example\x03net\x00"),
        ("Www.Example.ORG.", b"\x03Www\x07Example\x03ORG\x00"),
        ("*", b"\x01*\x07example\x03net\x00"),
        ("_25._tcp", b"\x03_25\x04_tcp\x07example\x03net\x00"),
        ("a\\.b\\@\\032\\255.", b"\x06a.b@\x20\xff\x00"),
        ("a\\.", b"\x02a.\x07example\x03net\x00"),
        ("\\@.", b"\x01@\x00"),
        ("net", b"\x03net\x07example\x03net\x00"),
        ("myexample.net", b"\x09myexample\x03net\x07example\x03net\x00"),
    ] {
        assert_eq!(parse(text.as_bytes(), ORIGIN).unwrap(), wire, "{text}");
    }
}

#[test]
fn a_name_of_255_bytes_is_read_and_a_longer_one_refused() {
    let label = format!("{}.", "x".repeat(63));
    let name = format!("{}{}.", label.repeat(3), "x".repeat(61));
    assert_eq!(parse(name.as_bytes(), ROOT).unwrap().len(), 255);
    let name = format!("{}{}.", label.repeat(3), "x".repeat(62));
    assert!(parse(name.as_bytes(), ROOT).unwrap_err().to_string().ends_with("takes 256 bytes: at most 255"));
    let name = format!("{}{}", label.repeat(3), "x".repeat(50));
    assert!(parse(name.as_bytes(), ORIGIN).is_err(), "the origin counts too");
}

#[test]
fn any_name_shown_reads_as_itself() {
    let seed = 0x6e61_6d65;
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..2000 {
        let mut wire = Vec::new();
        for _ in 0..random.usize(..6) {
            let length = random.u8(1..=10);
            wire.push(length);
            wire.extend((0..length).map(|_| random.u8(..)));
        }
        wire.push(0);
        assert_eq!(parse(to_absolute_text(&wire).as_bytes(), ORIGIN), Ok(wire.clone()), "seed {seed}, round {round}");
        assert_eq!(measure(&wire), Ok(wire.len()));
    }
}

#[test]
fn a_name_lies_within_itself_and_its_ancestors_only() {
    let www = b"\x03WWW\x07Example\x03net\x00";
    for (other, within) in [
        (&www[..], true),
        (ORIGIN, true),
        (ROOT, true),
        (b"\x03ftp\x07example\x03net\x00", false),
        (b"\x02ww\x07example\x03net\x00", false),
        (b"\x01a\x03www\x07example\x03net\x00", false),
    ] {
        assert_eq!(is_within(www, other), within, "{}", to_absolute_text(other));
    }
}

#[test]
fn compressed_endless_and_overlong_names_have_no_length() {
    let long = [b"\x01a".repeat(127), vec![0]].concat();
    assert_eq!(measure(&long), Ok(255));
    let longer = [b"\x01a".repeat(128), vec![0]].concat();
    for wire in [&b""[..], b"\x01", b"\x01a", b"\xc0\x0c", b"\x40", &longer] {
        assert!(measure(wire).is_err(), "{wire:?}");
    }
}

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

#[test]
fn names_are_ordered_as_rfc_4034_has_them() {
    let ordered = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        "\\001.z.example",
        "*.z.example",
        "\\200.z.example",
    ];
    let wire = ordered.map(|text| parse(text.as_bytes(), ROOT).unwrap());
    for (n, one) in wire.iter().enumerate() {
        for (m, other) in wire.iter().enumerate() {
            assert_eq!(compare(one, other), n.cmp(&m), "{} and {}", ordered[n], ordered[m]);
        }
    }
    assert_eq!(compare(&wire[1], &parse(b"A.Example", ROOT).unwrap()), std::cmp::Ordering::Equal);
    assert_eq!(compare(ROOT, &wire[0]), std::cmp::Ordering::Less);
}

#[test]
fn a_compressed_name_is_read_whole_and_pointers_lead_back_only() {
    let message = b"\x03Net\x00\x07example\xc0\x00\x03www\xc0\x05\xc0\x18\xc0\x0f";
    assert_eq!(expand(message, 0), Some((b"\x03Net\x00".to_vec(), 5)));
    assert_eq!(expand(message, 15), Some((b"\x03www\x07example\x03Net\x00".to_vec(), 21)));
    assert_eq!(expand(message, 23), Some((b"\x03www\x07example\x03Net\x00".to_vec(), 25)));
    assert_eq!(expand(message, 21), None, "forward");
    assert_eq!(expand(b"\xc0\x00", 0), None, "to itself");
    assert_eq!(expand(b"\x01a\xc0\x00", 0), None, "round and round");
    assert_eq!(expand(b"\x01a\xc0", 0), None, "cut off");
    assert_eq!(expand(b"\x41a\x00", 0), None, "no kind of label");
    let label = [&[63][..], &[b'a'; 63]].concat();
    let longest = [&label[..], &label, &label, &label[..0], &[61], &[b'a'; 61], &[0]].concat();
    assert_eq!(expand(&longest, 0).map(|(name, _)| name.len()), Some(255));
    assert_eq!(expand(&[&[1, b'a'][..], &longest].concat(), 0), None, "256 bytes or more");
}
