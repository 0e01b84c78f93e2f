use super::*;

#[test]
fn names_are_known_in_any_case_and_other_spellings_of_known_ones_are_never_passed_on() {
    for (name, kind) in [
        ("HOST", FieldKind::Host),
        ("Transfer-Encoding", FieldKind::TransferEncoding),
        ("Transfer_Encoding", FieldKind::Never),
        ("content_length", FieldKind::Never),
        ("Content.Length", FieldKind::Never),
        ("keep_alive", FieldKind::Never),
        ("Cache_Control", FieldKind::Never),
        ("X-Forwarded-For", FieldKind::ForwardedFor),
        ("x_forwarded_for", FieldKind::Never),
        ("X-FORWARDED_HOST", FieldKind::Never),
        ("X_Forwarded_Port", FieldKind::Never),
        ("X-Forwarded-Client_Cert", FieldKind::Never),
        ("X_Real_IP", FieldKind::Never),
        ("X-Original_URL", FieldKind::Never),
        ("x-forwarded-port", FieldKind::ForwardedOther),
        ("X-Forwarde", FieldKind::Other),
        ("X_Forwarde", FieldKind::Other),
        ("Proxy", FieldKind::Never),
        ("http2-settings", FieldKind::Never),
        ("x", FieldKind::Other),
        ("", FieldKind::Other),
        ("X_Custom", FieldKind::Other),
    ] {
        assert_eq!(FieldKind::of(name.as_bytes()), kind, "{name}");
    }
    assert!(matches!(FieldKind::of(b"X-REAL-IP"), FieldKind::Withheld(field) if field.names_client()));
    assert!(matches!(FieldKind::of(b"x-rewrite-url"), FieldKind::Withheld(field) if !field.names_client()));
}

#[test]
fn a_span_finds_its_part_again_and_nothing_else() {
    let head = b"GET / HTTP/1.1".to_vec();
    assert_eq!(Span::of(&head, &head[4..5]).of_head(&head), b"/");
    assert!(Span::of(&head, b"elsewhere").is_empty());
}
