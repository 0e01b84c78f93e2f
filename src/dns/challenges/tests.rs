use std::path::Path;

use super::*;
use crate::config::dns::{ChallengesFrom, Checks};
use crate::dns::compiled::compile;
use crate::dns::signing::Signers;

const NAME: &str = "_acme-challenge.www.example.net";

fn zones() -> Zones {
    let zone = |apex: &str| {
        let text = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.53\n";
        crate::zone::parse(apex, Path::new("zone"), text, Checks::Strict).expect("a zone")
    };
    let files = ["example.net", "example.org"].map(zone);
    compile(Path::new("dns.json"), &files, &BTreeMap::new()).expect("zones")
}

#[test]
fn a_name_in_a_zone_that_comes_signed_is_refused_for_nobody_could_sign_it() {
    let text = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.53\nown NS ns1\n";
    let signed = crate::dns::signing::fixture::presigned_text(
        "example.net",
        text,
        1_795_000_000,
        crate::config::dns::Denial::Nsec,
    );
    let zone = crate::dns::signing::fixture::compiled("example.net", &signed);
    let zones = Zones::new(vec![std::sync::Arc::new(zone)], Vec::new());
    let refused = |name: &str| {
        let name = challenges::Name::try_from(name.to_owned()).unwrap();
        refusal("px1", &name, Some(&listed(None)), &zones).unwrap().to_string()
    };
    assert!(refused(NAME).contains("which comes signed"), "{}", refused(NAME));
    assert!(refused("_acme-challenge.own.example.net").contains("is delegated"));
}

fn told(hold: u64, names: &[&str]) -> Told {
    let value = challenges::Value::try_from("v".repeat(43)).expect("a value");
    let challenge =
        |name: &&str| (challenges::Name::try_from((*name).to_owned()).expect("a name"), [value.clone()].into());
    Told { hold: Duration::from_secs(hold), challenges: names.iter().map(challenge).collect() }
}

/// A document in which px1 and px2 may tell names of these zones, or of all.
fn listed(zones: Option<&[&str]>) -> AcmeChallengesConfig {
    let zones: Option<BTreeSet<_>> = zones.map(|zones| zones.iter().map(|zone| (*zone).to_owned()).collect());
    let from = ChallengesFrom { addresses: vec![], keys: vec![], zones };
    let (listen, key_file) = ("127.0.0.1:1".parse().expect("an address"), "key".into());
    AcmeChallengesConfig { listen, key_file, from: ["px1", "px2"].map(|proxy| (proxy.to_owned(), from.clone())).into() }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_is_not_told_again_in_time_is_gone() {
    let zones = zones();
    let mut challenges = Challenges::default();
    challenges.tell("px1", told(60, &[NAME]), (Some(&listed(None)), &zones), at(0));
    challenges.tell("px1", told(60, &[NAME]), (Some(&listed(None)), &zones), at(30));
    assert_eq!(challenges.wakes(), Some(at(90)));
    assert_eq!(challenges.expire(at(89)), [""; 0]);
    assert!(challenges.answers(&BTreeMap::new(), &zones, (&Signers::default(), 0), None).is_some());
    assert_eq!(challenges.expire(at(90)), ["px1 has not told its ACME challenges again in time: they are gone"]);
    assert_eq!(
        (challenges.answers(&BTreeMap::new(), &zones, (&Signers::default(), 0), None), challenges.wakes()),
        (None, None)
    );
}

#[test]
fn a_change_is_one_line_and_the_same_again_is_none() {
    let zones = zones();
    let mut challenges = Challenges::default();
    let mut tell = |names: &[&str]| {
        let (changed, _) = challenges.tell("px1", told(60, names), (Some(&listed(None)), &zones), at(0));
        changed.map(|Changed { line, is_warning }| (line, is_warning))
    };
    assert_eq!(tell(&[]), None);
    assert_eq!(tell(&[NAME]), Some((format!("px1 has ACME challenges answered: {NAME} (1 value)"), false)));
    assert_eq!(tell(&[NAME]), None);
    assert_eq!(tell(&[]), Some(("px1 has no ACME challenge answered".to_owned(), false)));
    let refused = "_acme-challenge.example.com";
    let words = format!("px1 has no ACME challenge answered; refused: {refused} is in none of this nameserver's zones");
    assert_eq!(tell(&[refused]), Some((words, true)));
    assert_eq!(tell(&[refused]), None);
}

#[test]
fn what_two_proxies_tell_is_answered_together_and_each_ends_its_own() {
    let zones = zones();
    let mut challenges = Challenges::default();
    challenges.tell("px1", told(60, &[NAME]), (Some(&listed(None)), &zones), at(0));
    challenges.tell("px2", told(60, &[NAME]), (Some(&listed(None)), &zones), at(0));
    challenges.tell("px1", told(60, &[]), (Some(&listed(None)), &zones), at(0));
    assert_eq!(challenges.held(at(0)).map(|held| held.proxy).collect::<Vec<_>>(), ["px2"]);
    assert!(challenges.answers(&BTreeMap::new(), &zones, (&Signers::default(), 0), None).is_some());
}

#[test]
fn a_proxy_that_is_limited_to_zones_has_no_name_of_others_answered_also_after_a_reload() {
    let zones = zones();
    let both = told(60, &[NAME, "_acme-challenge.example.org"]);
    let (all, one) = (listed(None), listed(Some(&["example.org"])));
    let mut challenges = Challenges::default();
    let (_, refused) = challenges.tell("px1", both.clone(), (Some(&one), &zones), at(0));
    let words = "is in the zone example.net, for which this proxy's `acme_challenges.from.NAME.zones` does not stand";
    assert_eq!(refused, [(NAME.to_owned(), words.to_owned())].into());

    let (_, refused) = challenges.tell("px1", both, (Some(&all), &zones), at(0));
    assert_eq!((refused.len(), challenges.held(at(0)).count()), (0, 2));
    challenges.reload(Some(&one), &zones);
    assert_eq!(challenges.held(at(0)).map(|held| held.name).collect::<Vec<_>>(), ["_acme-challenge.example.org"]);
    challenges.reload(None, &zones);
    assert_eq!(challenges.held(at(0)).count(), 0);
}

#[test]
fn a_proxy_that_the_document_does_not_name_has_nothing_answered() {
    let zones = zones();
    for config in [None, Some(&listed(None))] {
        let mut challenges = Challenges::default();
        let (_, refused) = challenges.tell("px3", told(60, &[NAME]), (config, &zones), at(0));
        assert!(refused[NAME].contains("does not name"), "{refused:?}");
        assert_eq!(
            (
                challenges.answers(&BTreeMap::new(), &zones, (&Signers::default(), 0), None),
                challenges.held(at(0)).count()
            ),
            (None, 0)
        );
    }
}
