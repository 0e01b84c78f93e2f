use super::*;

#[test]
fn both_escapes_are_resolved() {
    assert_eq!(decode(b"a\\.b\\\\\\\"\\032\\255\\000z"), Ok(b"a.b\\\"\x20\xff\x00z".to_vec()));
    assert_eq!(decode(b""), Ok(Vec::new()));
}

#[test]
fn half_an_escape_is_refused() {
    for raw in [&b"\\"[..], b"a\\", b"\\1", b"\\12", b"\\12a", b"\\256", b"\\999"] {
        assert!(decode(raw).is_err(), "{raw:?}");
    }
}

#[test]
fn quoted_text_stays_on_one_line_and_short() {
    assert_eq!(quote(b"a\nb\x07\xff"), "\"a\u{fffd}b\u{fffd}\u{fffd}\"");
    assert_eq!(quote(&[b'x'; 61]), format!("\"{}…\"", "x".repeat(60)));
}
