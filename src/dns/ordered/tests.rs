#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use super::*;
use crate::config::dns;

fn of(encrypted: &str) -> Terms {
    let text = format!(
        r#"{{ "version": 1, "name": "ns-1", "state_dir": "/state", "admin": {{ "socket": "/admin.sock" }},
          "listeners": ["192.0.2.1:53"], "zones": {{ "example.net": {{ "file": "zone" }} }},
          "encrypted": {{ "tls": ["192.0.2.1:853"], {encrypted} }} }}"#
    );
    terms(&dns::parse(Path::new("dns.json"), &text).unwrap_or_else(|findings| panic!("{findings}")))
}

fn by_acme(names: &str) -> Terms {
    of(&format!(r#""acme": {{ "terms_of_service_agreed": true, "names": [{names}] }}"#))
}

fn name(terms: Terms) -> String {
    terms.desired.into_keys().next().unwrap()
}

#[test]
fn nameservers_with_the_same_names_share_a_certificate_whatever_their_order() {
    let one = by_acme(r#""ns1.example.net", "dns.example.net""#);
    assert_eq!(one, by_acme(r#""dns.example.net", "ns1.example.net""#));
    let desired = one.desired.values().next().unwrap();
    assert_eq!(desired.names(), ["dns.example.net", "ns1.example.net"]);
    assert_eq!(desired.challenge, ChallengeKind::Dns01, "their own answers are how the CA is convinced");
}

#[test]
fn of_other_names_is_another_certificate_though_the_first_one_is_the_same() {
    let all = [
        r#""dns.example.net""#,
        r#""*.dns.example.net""#,
        r#""dns.example.net", "ns1.example.net""#,
        r#""dns.example.net", "ns2.example.net""#,
        r#""dns.example.net", "*.dns.example.net""#,
        r#""dns.example.net", "ns1.example.net", "ns2.example.net""#,
    ];
    let names: std::collections::BTreeSet<_> = all.map(|names| name(by_acme(names))).into();
    assert_eq!(names.len(), all.len(), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("dns.example.net")), "{names:?}");
    assert!(names.contains("dns.example.net"), "one alone goes by its own name");
}

#[test]
fn what_a_certificate_goes_by_can_be_the_name_of_a_file() {
    let wild = name(by_acme(r#""*.dns.example.net""#));
    assert!(names::name(&wild).is_ok() && wild.starts_with("dns.example.net-"), "{wild}");
    let long = format!("{}.example.net", "a".repeat(63));
    for names in [format!("{long:?}"), format!("{long:?}, \"b.example.net\"")] {
        let name = name(by_acme(&names));
        assert!(names::name(&name).is_ok() && name.starts_with("names-"), "{name}");
    }
}

#[test]
fn a_document_with_certificates_in_files_orders_none() {
    let terms = of(r#""certificates": [{ "chain_file": "/c", "key_file": "/k" }]"#);
    assert_eq!((terms.ca, terms.desired.len()), (None, 0));
}
