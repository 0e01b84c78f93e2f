use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use super::{Edits, Values};
use crate::config::proxy::{HeaderEdits, parse};
use crate::proxy::edge::facts::{CertificateFacts, Facts, TlsFacts};
use crate::proxy::request_id::RequestId;

static FACTS: LazyLock<Facts<'static>> = LazyLock::new(|| Facts {
    client: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
    client_port: Some(4711),
    request_id: RequestId::given(b"0123456789abcdef"),
    service: "www",
    host: b"www.test",
    scheme: "https",
    tls: TlsFacts {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        server_name: "www.test",
        certificate: Some(CertificateFacts { subject: "CN=ann", fingerprint: "0a0b" }),
    },
});

/// As the reader of documents makes them of this.
fn edits(edits: &str) -> Edits {
    let text = format!(
        r#"{{ "version": 1, "name": "px", "admin": {{ "socket": "/a.sock" }}, "state_dir": "/s",
        "listeners": [{{ "name": "https", "address": "0.0.0.0:443", "protocol": "https" }}],
        "services": {{ "s": {{ "hosts": ["s.test"], "mode": "stateless", "backends": [{{ "name": "a", "address": "192.0.2.1:80" }}],
            "tls": {{ "certificates": [{{ "chain_file": "/c", "key_file": "/k" }}] }}, "request_headers": {edits} }} }} }}"#
    );
    let document = parse(std::path::Path::new("p"), &text).unwrap();
    Edits::of(&document.services["s"].headers.request).unwrap()
}

fn lines(edits: &Edits, facts: &Facts<'_>) -> String {
    let mut out = Vec::new();
    edits.write(&mut out, facts);
    String::from_utf8(out).unwrap()
}

#[test]
fn values_are_what_the_request_makes_of_them_on_both_ways() {
    let edits = edits(
        r#"{ "set": { "A": "{client}:{client_port}", "B": "id={request_id} {{{service}}}", "C": "plain", "D": "{scheme}://{host}" },
            "add": { "E": "{tls_version}/{tls_cipher}/{tls_server_name}" } }"#,
    );
    let expected = [
        ("A", "192.0.2.7:4711"),
        ("B", "id=0123456789abcdef {www}"),
        ("C", "plain"),
        ("D", "https://www.test"),
        ("E", "TLSv1.3/TLS_AES_128_GCM_SHA256/www.test"),
    ];
    let as_lines: String = expected.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    assert_eq!(lines(&edits, &FACTS), as_lines);
    let mut values = Values::default();
    // Twice: what is left of the message before must not show.
    for _ in 0..2 {
        let applied = edits.applied(&FACTS, &mut values);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields: Vec<(String, String)> = applied.fields().map(|(name, value)| (text(name), text(value))).collect();
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn a_field_without_a_value_is_left_out() {
    let edits = edits(r#"{ "set": { "A": "{tls_version} {tls_cipher}", "B": "{tls_version} b {tls_cipher}" } }"#);
    let facts = Facts { tls: TlsFacts::default(), ..*FACTS };
    assert_eq!(lines(&edits, &facts), "B: b\r\n");
    let mut values = Values::default();
    assert_eq!(edits.applied(&facts, &mut values).fields().collect::<Vec<_>>(), [(&b"B"[..], &b"b"[..])]);
}

#[test]
fn nothing_that_a_visitor_chooses_ends_a_line() {
    let edits = edits(r#"{ "set": { "A": "<{host}>", "B": "<{tls_server_name}>" } }"#);
    for odd in ["a\r\nX: y", "a\n", "a\0", "\u{7f}", "ä"] {
        let facts = Facts { host: odd.as_bytes(), tls: TlsFacts { server_name: odd, ..FACTS.tls }, ..*FACTS };
        assert_eq!(lines(&edits, &facts), "A: <>\r\nB: <>\r\n", "{odd:?}");
    }
}

#[test]
fn what_is_set_or_removed_does_not_go_on_however_it_is_spelt() {
    let edits =
        edits(r#"{ "set": { "X-Real-IP": "{client}" }, "add": { "X-More": "1" }, "remove": ["X-Debug-*", "cookie"] }"#);
    for dropped in ["X-Real-IP", "x-real-ip", "X_Real_IP", "x.real~ip", "Cookie", "X-Debug-", "x_debug_a"] {
        assert!(edits.drop(dropped.as_bytes()), "{dropped}");
    }
    for kept in ["X-More", "X-Real-I", "X-Real-IPs", "X-Debug", "Cookies", "Accept", ""] {
        assert!(!edits.drop(kept.as_bytes()), "{kept}");
    }
}

#[test]
fn another_host_is_no_field_beside_the_visitors() {
    let edits = edits(r#"{ "set": { "host": "app.internal:8080" } }"#);
    assert_eq!(edits.host(), Some(&b"app.internal:8080"[..]));
    assert_eq!(lines(&edits, &FACTS), "");
    assert!(Edits::of(&HeaderEdits::default()).is_none());
}
