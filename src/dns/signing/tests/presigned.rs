//! Zones that come signed are laid out as those are that are signed here.

use std::collections::BTreeSet;

use super::*;
use crate::config::Findings;
use crate::dns::history::put;
use crate::dns::secondary::made;
use crate::dns::signing::fixture::{compiled as unpooled, presigned_text, text_of};

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_zone_that_comes_signed_has_the_records_that_it_came_with_and_so_has_its_copy() {
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let text = presigned_text("example.net", TEXT, NOW, denial);
        let zone = unpooled("example.net", &text);
        assert!(zone.is_presigned());
        assert_eq!(zone.others().count(), 0, "each signature has its place");
        assert_eq!(lines(&text_of(&zone)), lines(&text));
        let mut copy = Vec::new();
        zone.write_text(&mut copy).unwrap();
        let copy = unpooled("example.net", std::str::from_utf8(&copy).unwrap());
        assert_eq!(lines(&text_of(&copy)), lines(&text));
        let signatures = zone.signatures().unwrap();
        assert_eq!(signatures.is_hashed(), denial == Denial::Nsec3);
        assert_eq!(signatures.first_life().unwrap().begins / DAY, NOW / DAY - 9);
    }
}

#[test]
fn what_no_answer_has_goes_to_whoever_gets_the_zone_whole() {
    let text = presigned_text("example.net", TEXT, NOW, Denial::Nsec3);
    let rrsig = text.lines().find(|line| line.contains("RRSIG SOA")).unwrap();
    let stray = rrsig.replace("example.net. 300", "www.example.net. 300").replace("RRSIG SOA", "RRSIG AAAA");
    let zone = unpooled("example.net", &format!("{text}{stray}\n"));
    assert_eq!(zone.others().count(), 1);
    assert!(lines(&text_of(&zone)).contains(&stray));
}

#[test]
fn a_zone_of_primaries_may_come_signed_and_what_is_wrong_with_it_is_told() {
    let text = presigned_text("example.net", TEXT, NOW, Denial::Nsec);
    let made = |text: &str| {
        let zone = unpooled("example.net", text);
        let mut records = Vec::new();
        let soa = zone.node(0).set(rtype::SOA).unwrap();
        put(&mut records, zone.node(0).name(), rtype::SOA, soa.ttl, soa.first());
        for (owner, set) in zone.whole().filter(|(_, set)| set.rtype != rtype::SOA) {
            set.rdatas().for_each(|rdata| put(&mut records, owner, set.rtype, set.ttl, rdata));
        }
        made::zone("example.net", &records, Checks::Lenient).unwrap().zone
    };
    let sound = made(&text);
    assert!(sound.is_presigned() && sound.warnings.is_empty() && sound.bogus.is_none(), "{:?}", sound.bogus);
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("Www") || !line.contains(" NSEC ")).collect();
    let damaged = made(&without.join("\n"));
    let why = damaged.bogus.as_ref().unwrap();
    assert!(damaged.is_presigned() && why.starts_with("Www.example.net. NSEC is missing"), "{why}");
    let changed = made(&text.replace("hostmaster.example.net. 1 ", "hostmaster.example.net. 2 "));
    let why = changed.bogus.unwrap();
    assert!(
        why.starts_with("example.net. RRSIG (of SOA) is none that key "),
        "who changes a zone has no key of it: {why}"
    );
}

#[test]
fn a_pool_in_a_zone_that_comes_signed_is_refused_and_so_are_too_many_iterations_and_another_signature() {
    let text = presigned_text("example.net", TEXT, NOW, Denial::Nsec3);
    let compile = |text: &str, pools: &str| -> Result<Zone, Findings> {
        let config = document(pools);
        let file = zone::parse("example.net", Path::new("z"), text, Checks::Lenient).unwrap();
        let owners = PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &config.pools).unwrap();
        compile_zone(&file, &owners)
    };
    let pool = r#""pool.example.net": { "members": { "a": { "addresses": ["192.0.2.1"] } }, "check": { "type": "tcp", "port": 80 } }"#;
    let refused = compile(&text, pool).unwrap_err().to_string();
    assert!(refused.contains("pools.pool.example.net") && refused.contains("signed already"), "{refused}");
    let often = text.replace(" 1 0 0 - ", " 1 0 151 - ").replace("NSEC3PARAM 1 0 0 -", "NSEC3PARAM 1 0 151 -");
    assert!(compile(&often, "").unwrap_err().to_string().contains("151 iterations"));
    let zone = compile(&text, "").unwrap();
    assert_eq!(sign_zone(&zone, &csk().at(NOW), None).unwrap_err(), Unsignable::Presigned);
}
