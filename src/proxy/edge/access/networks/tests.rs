#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_file_has_a_network_a_line_and_notes() {
    let text = b"# office\n10.0.0.0/8\n\n  192.0.2.7 # the printer\r\n2001:db8::/32\n";
    let networks = parse(text).unwrap();
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
    assert!(parse(b"# nobody today\n").unwrap().is_empty());
}

#[test]
fn what_is_no_network_or_half_a_file_is_refused_with_its_line() {
    for (text, line, why) in [
        (&b"10.0.0.0/8\nexample.net\n"[..], Some(2), "\"example.net\" is not a network"),
        (b"10.0.0.1/8\n", Some(1), "has bits beyond its prefix: expected \"10.0.0.0/8\""),
        (b"\n::ffff:10.0.0.0/104\n", Some(2), "is an IPv4 network in IPv6 form"),
        (b"10.0.0.0/8 192.0.2.0/24\n", Some(1), "is not a network"),
        (b"\xff\n", Some(1), "is not a network"),
        (b"", None, "is empty, as if it was being written"),
        // Of 10.0.0.0/16, of which the rest is still to come.
        (b"192.0.2.0/24\n10.0.0.0/1", None, "does not end with a line's end"),
    ] {
        let (at, found) = parse(text).unwrap_err();
        assert!(at == line && found.contains(why), "{at:?} {found}");
    }
}
