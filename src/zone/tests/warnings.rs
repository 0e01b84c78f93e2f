//! Text that can be served and is hardly meant: loaded with a warning, or refused where checks are strict.

use super::*;

/// What follows [`HEAD`], and a part of the warning with its line.
static DOUBTFUL: &[(&str, &str)] = &[
    ("lab NS ns1\nlab TXT x", "6: lab.example.net. TXT: never answered: lab.example.net. is delegated on line 5"),
    ("lab NS ns1\na.b.lab A 192.0.2.1\na.b.lab MX 1 x", "7: a.b.lab.example.net. MX: never answered"),
    ("old DNAME new\nwww.old A 192.0.2.1", "6: www.old.example.net. A: never answered: the DNAME"),
    ("@ MX 10 www\nwww CNAME ns1", "5: example.net. MX: www.example.net. is an alias"),
    ("lab NS alias\nalias CNAME ns1", "5: lab.example.net. NS: alias.example.net. is an alias"),
    ("_http._tcp SRV 0 0 80 www\nwww CNAME ns1", "5: _http._tcp.example.net. SRV: www.example.net. is an alias"),
    ("www.example.org. A 192.0.2.1", "5: www.example.org. A: lies outside of the zone example.net. and is left out"),
    ("lab NS ns.lab", "5: lab.example.net. NS: ns.lab.example.net. lies below its own delegation and needs glue"),
    ("lab NS ns3", "5: lab.example.net. NS: ns3.example.net. has no address in this zone"),
    ("www 2147483648 A 192.0.2.1", "5: www.example.net. A: the TTL 2147483648 is above 2147483647 and counts as 0"),
    ("$TTL 3000000000\nwww A 192.0.2.1", "5: $TTL: the TTL 3000000000 is above 2147483647 and counts as 0"),
    ("www.example.net A 192.0.2.1", "5: www.example.net.example.net. A: the name \"www.example.net\" has no final dot"),
    ("www CNAME web.example.net", "5: www.example.net. CNAME: the name \"web.example.net\" has no final dot"),
    ("b\u{fc}cher A 192.0.2.1", "is not ASCII"),
    ("@ RP a@b .", "has an @ inside"),
    (
        "www KEY 256 3 8 AAAA\nftp KEY 256 3 8 AAAA",
        "5: www.example.net. KEY: belongs to a zone that is signed by rules from before",
    ),
];

#[test]
fn doubtful_text_is_loaded_with_one_warning_and_refused_where_checks_are_strict() {
    for (text, expected) in DOUBTFUL {
        let files = Files::new(&[("main", &format!("{HEAD}{text}\n"))]);
        let zone = files.load_leniently().unwrap_or_else(|findings| panic!("{text}\n{findings}"));
        let warnings: Vec<String> = zone.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
        assert!(warnings[0].contains(expected), "{text}: {warnings:?}");
        let findings = files.findings();
        assert!(findings.contains(expected), "{text}: {findings}");
    }
}

#[test]
fn what_is_left_out_is_not_in_the_zone_and_all_else_is() {
    let text = "www.example.org. A 192.0.2.1\n AAAA 2001:db8::1\nold DNAME new\nx.old A 192.0.2.2\nlab NS ns1\nx.lab TXT kept\n\
                www SIG x\nwww 4294967295 A 192.0.2.3\n";
    let files = Files::new(&[("main", &format!("{HEAD}{text}"))]);
    let zone = files.load_leniently().unwrap();
    let owners: Vec<String> =
        shown(&zone)[3..].iter().map(|record| record.split(" \u{0}").next().unwrap().to_owned()).collect();
    assert_eq!(owners.len(), 4, "{owners:?}");
    assert!(owners[0].starts_with("old.example.net. 3600 DNAME"), "{owners:?}");
    assert!(owners[2].starts_with("x.lab.example.net. 3600 TXT"), "{owners:?}");
    assert!(owners[3].starts_with("www.example.net. 0 A"), "{owners:?}");
}

#[test]
fn without_any_ttl_the_last_field_of_the_soa_counts() {
    let files = Files::new(&[(
        "main",
        "@ SOA ns1 admin 1 2h 15m 2w 5m\n NS ns1\nns1 A 192.0.2.53\nwww 60 A 192.0.2.1\nftp A 192.0.2.2\n",
    )]);
    let zone = files.load_leniently().unwrap();
    let ttls: Vec<u32> = zone.records.iter().map(|record| record.ttl).collect();
    assert_eq!(ttls, [300, 300, 300, 60, 300]);
    assert_eq!(zone.warnings.len(), 1, "{:?}", zone.warnings);
}

#[test]
fn what_cannot_be_served_is_refused_whatever_the_checks() {
    for text in
        ["www A x", "www CNAME a\nwww A 192.0.2.1", "@ NS ns2", "*.lab NS ns1", "www CH TXT x", "@ SOA a b 1 2 3 4 5"]
    {
        let files = Files::new(&[("main", &format!("{HEAD}{text}\n"))]);
        assert!(files.load_leniently().is_err(), "{text}");
    }
}

#[test]
fn the_root_is_a_zone() {
    let text = "$TTL 1h\n@ SOA a.root-servers.test. admin. 1 2 3 4 5\n NS a.root-servers.test.\ntest NS ns.test.\nns.test A 192.0.2.1\n";
    let text = format!("{text}a.root-servers.test. A 192.0.2.2\n");
    let zone = parse(".", Path::new("root.zone"), text, Checks::Lenient).unwrap();
    assert_eq!((&*zone.apex, zone.records.len()), (&[0][..], 5));
}
