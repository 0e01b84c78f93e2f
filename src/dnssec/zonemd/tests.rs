use super::*;

use crate::config::dns::Checks;
use crate::zone;

fn check_text(apex: &str, text: &str) -> Checked {
    let file = zone::parse(apex, std::path::Path::new("z"), text, Checks::Lenient).unwrap();
    check(&file.apex, &file.records.iter().collect::<Vec<_>>())
}

/// RFC 8976, A.1.
const SIMPLE: &str = "$ORIGIN example.
@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400
@ 86400 NS ns1
@ 86400 NS ns2
@ 86400 ZONEMD 2018031900 1 1 ( c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c )
ns1 3600 A 203.0.113.63
ns2 3600 AAAA 2001:db8::63
";

#[test]
fn the_example_of_the_standard_is_good_and_anything_changed_in_it_is_bad() {
    assert_eq!(check_text("example", SIMPLE), Checked::Good);
    for (from, to) in [
        ("203.0.113.63", "203.0.113.64"),
        ("ns2 3600", "ns2 3601"),
        ("ns2 3600 AAAA", "ns3 3600 A 192.0.2.1\nns2 3600 AAAA"),
        ("2018031900 1800", "2018031901 1800"),
        ("2018031900 1 1 ( c6", "2018031900 1 1 ( c7"),
    ] {
        assert_eq!(check_text("example", &SIMPLE.replacen(from, to, 1)), Checked::Bad, "{from} {to}");
    }
    let upper = SIMPLE.replace("ns1 3600", "NS1 3600").replace("NS ns1", "NS NS1");
    assert_eq!(check_text("example", &upper), Checked::Good, "case does not count");
}

#[test]
fn without_a_digest_nothing_is_known_nor_with_one_of_another_kind() {
    let without: String =
        SIMPLE.lines().filter(|line| !line.contains("ZONEMD")).map(|line| format!("{line}\n")).collect();
    assert_eq!(check_text("example", &without), Checked::Absent);
    let private = SIMPLE.replace("2018031900 1 1 (", "2018031900 240 1 (");
    assert_eq!(check_text("example", &private), Checked::Unknown);
}
