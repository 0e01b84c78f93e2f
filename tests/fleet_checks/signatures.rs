//! Zones whose files come signed, as validators would find them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use polder::config::dns::{Checks, Denial, DnssecConfig, SerialRule};
use polder::dns::compiled::{PoolOwners, compile_zone};
use polder::dns::signing::{ZoneSigner, sign_zone};
use polder::dnssec::{Algorithm, Role, Times, make};
use polder::unix_time::unix_ms;
use polder::zone::{self, name};
use serde_json::json;

use crate::example::{Example, told};

/// The example's zone, signed with a new key so many days ago.
fn signed(text: &str, days: u64) -> String {
    let file = zone::parse("example.net", Path::new("zone"), text, Checks::Lenient).unwrap();
    let none = BTreeMap::new();
    let owners = PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &none).unwrap();
    let zone = compile_zone(&file, &owners).unwrap();
    let key = make(&zone.apex, Role::Ksk, Algorithm::EcdsaP256, Times::default(), &[]).unwrap().into_key();
    let lifetime = Duration::from_secs(14 * 86_400);
    let config =
        DnssecConfig { keys: "/keys".into(), lifetime, denial: Denial::Nsec, serial: SerialRule::File, zonemd: false };
    let signer = ZoneSigner::new(zone.apex.clone(), vec![Arc::new(key)], &config);
    let at = unix_ms() / 1000 - days * 86_400;
    let zone = zone.signed(Arc::new(sign_zone(&zone, &signer.at(at), None).unwrap()));
    let mut text = String::new();
    for (owner, set) in zone.whole() {
        for rdata in set.rdatas() {
            let (rtype, data) = (zone::rdata::types::to_text(set.rtype), zone::rdata::show(set.rtype, rdata));
            writeln!(text, "{} {} {rtype} {data}", name::to_absolute_text(owner), set.ttl).unwrap();
        }
    }
    text
}

/// What is found of the example with its zone signed so many days ago, and then changed.
fn findings(days: u64, change: impl Fn(&str) -> String) -> Vec<String> {
    let mut example = Example::new();
    example.zone = change(&signed(&example.zone, days));
    told(&example.checked().findings)
}

fn says(findings: &[String], what: &str) -> bool {
    findings.iter().any(|finding| finding.contains(what))
}

#[test]
fn a_zone_that_comes_signed_is_verified_and_cannot_have_a_pool() {
    let sound = findings(0, str::to_owned);
    assert!(!says(&sound, "RRSIG") && !says(&sound, "NSEC"), "{sound:#?}");
    assert!(says(&sound, "whose file is signed already: what the pool answers changes"), "{sound:#?}");
    let forged = findings(0, |text| text.replace("198.51.100.1\n", "198.51.100.2\n"));
    assert!(says(&forged, "ns-ch.example.net. RRSIG: (of A) is none that key"), "{forged:#?}");
    let over = findings(40, str::to_owned);
    assert!(says(&over, "signatures have run out, the first one, of "), "{over:#?}");
}

#[test]
fn a_zone_that_is_signed_here_has_no_digest_beside_a_pool() {
    let mut example = Example::new();
    let dnssec = json!({ "keys": "/var/lib/polder-keys/dnssec", "zonemd": true });
    example.nameservers(|dns| dns["zones"]["example.net"]["dnssec"] = dnssec.clone());
    let found = told(&example.checked().findings);
    assert!(says(&found, "zone example.net: is to have a digest (\"zonemd\"), and "), "{found:#?}");
}

#[test]
fn a_file_that_is_signed_is_not_signed_again() {
    let mut example = Example::new();
    example.zone = signed(&example.zone, 0);
    example.nameservers(|dns| {
        dns["pools"] = json!({});
        dns["zones"]["example.net"]["dnssec"] = json!({ "keys": "/var/lib/polder-keys/dnssec" });
    });
    let found = told(&example.checked().findings);
    assert!(says(&found, "zone example.net: its file is signed already, and ns-"), "{found:#?}");
}
