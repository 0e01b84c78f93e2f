//! Zones that are to be signed and cannot be.

use crate::DNS;

const ZONE: &str = r#""example.org": { "file": "example.org.zone" }"#;

/// What is found where a zone of the usual document is written like that.
fn findings(zone: &str) -> Vec<String> {
    assert!(DNS.document.contains(ZONE));
    let found = (DNS.findings)(&DNS.document.replace(ZONE, &format!(r#""example.org": {{ {zone} }}"#)));
    let of_zone = |finding: String| finding.trim_start_matches(r#"dns.json:11: zones["example.org"]."#).to_owned();
    found.into_iter().map(of_zone).collect()
}

#[test]
fn a_zone_that_cannot_be_signed_as_it_says_is_refused() {
    let signed = |dnssec: &str| findings(&format!(r#""file": "example.org.zone", "dnssec": {dnssec}"#));
    assert_eq!(
        signed(r#"{ "lifetime": "47h", "denial": "nsec4", "key": "k", "serial": "daily" }"#),
        [
            r#"dnssec.key: unknown key; did you mean "keys"?"#,
            r#"dnssec.lifetime: "47h" is out of range: expected 2d to 90d"#,
            r#"dnssec.denial: "nsec4" is not one of "nsec", "nsec3"; did you mean "nsec"?"#,
            r#"dnssec.serial: "daily" is not one of "file", "hourly""#,
        ]
    );
    assert_eq!(
        signed(r#"{ "keys": "", "lifetime": "91d" }"#),
        [
            "dnssec.keys: expected the path of a folder, found an empty string",
            r#"dnssec.lifetime: "91d" is out of range: expected 2d to 90d"#,
        ]
    );
    assert_eq!(signed("{}"), [r#"dnssec: the key "keys" is missing"#]);
    assert_eq!(signed(r#"{ "keys": "keys" }"#), [""; 0]);
}

#[test]
fn a_zone_that_does_not_come_from_a_file_is_not_signed_here() {
    const DNSSEC: &str = r#""dnssec": { "keys": "keys" }"#;
    const PRIMARIES: &str = r#""primaries": [{ "address": "192.0.2.1" }]"#;
    const TRANSFER: &str = r#""transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] }"#;
    let of_others = [r#"dnssec: has no meaning beside "primaries": a zone is signed where its file is; leave it out"#];
    assert_eq!(findings(&format!("{PRIMARIES}, {DNSSEC}")), of_others);
    assert_eq!(findings(&format!(r#"{PRIMARIES}, "members": {{}}, {DNSSEC}"#)), of_others);
    assert_eq!(
        findings(&format!(r#"{PRIMARIES}, "members": {{ {DNSSEC} }}"#)),
        ["members.dnssec: unknown key; known here: checks, primaries, transfer"]
    );
    assert_eq!(
        findings(&format!(r#""catalog": {{}}, {TRANSFER}, {DNSSEC}"#)),
        [r#"dnssec: has no meaning beside "catalog", which no resolver asks for; leave it out"#]
    );
}

#[test]
fn copies_of_a_signed_zone_are_told_of_new_signatures_and_have_no_holes() {
    let given_with = |serial: &str, rest: &str| {
        findings(&format!(
            r#""file": "z", "dnssec": {{ "keys": "keys"{serial} }}, "transfer": {{ "allow": [{{ "networks": ["192.0.2.0/24"] }}]{rest} }}"#
        ))
    };
    let given = |rest: &str| given_with("", rest);
    assert_eq!(given(""), [""; 0]);
    assert_eq!(given_with(r#", "serial": "hourly""#, r#", "notify": [{ "address": "192.0.2.1" }]"#), [""; 0]);
    let [notify] = &given(r#", "notify": [{ "address": "192.0.2.1" }]"#)[..] else { panic!() };
    assert!(
        notify.starts_with(r#"transfer: cannot have "notify" beside "dnssec" with the serial of the file"#),
        "{notify}"
    );
    let [holes] = &given(r#", "pools": "left_out""#)[..] else { panic!() };
    assert!(holes.starts_with(r#"transfer: cannot leave out pools beside "dnssec""#), "{holes}");
}
