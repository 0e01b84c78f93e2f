#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn only_fields_that_change_nothing_go_on() {
    let section = b"X-Sum: 1\r\nContent-Length: 5\r\nHost: b\r\nX-Forwarded-For: 1.2.3.4\r\nSet-Cookie: a=b\r\nX_Client-Cert.Subject: CN=root\r\n\r\n";
    let mut out = Vec::new();
    write(section, &mut out).unwrap();
    assert_eq!(out, b"X-Sum: 1\r\n");
}

#[test]
fn broken_and_endless_sections_are_malformed() {
    for section in [&b"X-Sum : 1\r\n\r\n"[..], b" folded\r\n\r\n", b"a: b\rc\r\n\r\n", b"no colon\r\n\r\n"] {
        assert_eq!(write(section, &mut Vec::new()), Err(Malformed), "{section:?}");
    }
    assert_eq!(end(&[b'a'; MOST_BYTES]), Err(Malformed));
    assert_eq!(end(b"a: b\n"), Err(Malformed));
    assert_eq!(end(b"a: b\r\n"), Ok(None));
    assert_eq!(end(b"\r\nnext"), Ok(Some(2)));
}
