use super::*;

#[test]
fn names_are_known_in_any_case_and_other_spellings_of_known_ones_are_never_passed_on() {
    for (name, kind) in [
        ("HOST", Kind::Host),
        ("Transfer-Encoding", Kind::TransferEncoding),
        ("Transfer_Encoding", Kind::Never),
        ("content_length", Kind::Never),
        ("Content.Length", Kind::Never),
        ("keep_alive", Kind::Never),
        ("Cache_Control", Kind::Never),
        ("X-Forwarded-For", Kind::ForwardedFor),
        ("x_forwarded_for", Kind::Never),
        ("X-FORWARDED_HOST", Kind::Never),
        ("X_Forwarded_Port", Kind::Never),
        ("X-Forwarded-Client_Cert", Kind::Never),
        ("X_Real_IP", Kind::Never),
        ("X-Original_URL", Kind::Never),
        ("x-forwarded-port", Kind::ForwardedOther),
        ("X-Forwarde", Kind::Other),
        ("X_Forwarde", Kind::Other),
        ("Proxy", Kind::Never),
        ("http2-settings", Kind::Never),
        ("x", Kind::Other),
        ("", Kind::Other),
        ("X_Custom", Kind::Other),
    ] {
        assert_eq!(Kind::of(name.as_bytes()), kind, "{name}");
    }
    assert!(matches!(Kind::of(b"X-REAL-IP"), Kind::Withheld(field) if field.names_client()));
    assert!(matches!(Kind::of(b"x-rewrite-url"), Kind::Withheld(field) if !field.names_client()));
}

#[test]
fn a_span_finds_its_part_again_and_nothing_else() {
    let head = b"GET / HTTP/1.1".to_vec();
    assert_eq!(Span::of(&head, &head[4..5]).of_head(&head), b"/");
    assert!(Span::of(&head, b"elsewhere").is_empty());
}
