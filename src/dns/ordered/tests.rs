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

#[test]
fn nameservers_with_the_same_names_share_a_certificate_whatever_their_order() {
    let one = by_acme(r#""ns1.example.net", "dns.example.net""#);
    assert_eq!(one, by_acme(r#""dns.example.net", "ns1.example.net""#));
    assert_eq!(one.desired.keys().collect::<Vec<_>>(), ["dns.example.net"]);
    let desired = &one.desired["dns.example.net"];
    assert_eq!(desired.names(), ["dns.example.net", "ns1.example.net"]);
    assert_eq!(desired.challenge, ChallengeKind::Dns01, "their own answers are how the CA is convinced");

    let other = by_acme(r#""dns.example.net""#);
    let number = |terms: &Terms| terms.desired["dns.example.net"].number(terms.ca.as_ref().unwrap());
    assert_ne!(number(&one), number(&other), "of other names is another certificate");
}

#[test]
fn what_a_certificate_goes_by_can_be_the_name_of_a_file() {
    let name = |terms: Terms| terms.desired.into_keys().next().unwrap();
    assert_eq!(name(by_acme(r#""*.dns.example.net""#)), "dns.example.net");
    let long = format!("{}.example.net", "a".repeat(63));
    let name = name(by_acme(&format!("{long:?}")));
    assert!(names::name(&name).is_ok() && name.starts_with("names-"), "{name}");
}

#[test]
fn a_document_with_certificates_in_files_orders_none() {
    let terms = of(r#""certificates": [{ "chain_file": "/c", "key_file": "/k" }]"#);
    assert_eq!((terms.ca, terms.desired.len()), (None, 0));
}
