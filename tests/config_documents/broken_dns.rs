//! What is wrong with a `dns.json`, in words for the operator.

use super::DNS;

#[test]
fn broken_listeners_and_limits_are_refused() {
    DNS.refuses(&[
        (
            &[(r#""listeners": ["192.0.2.1:53", "[2001:db8::1]:53"]"#, r#""listeners": []"#)],
            &["dns.json:4: listeners: needs at least one address and port"],
        ),
        (
            &[(r#""[2001:db8::1]:53"]"#, r#""192.0.2.1:53"]"#)],
            &[r#"dns.json:4: listeners[1]: "192.0.2.1:53" stands twice, also at listeners[0], line 4"#],
        ),
        (
            &[(r#""[2001:db8::1]:53"]"#, r#"{ "address": "[::]:53" }]"#)],
            &["dns.json:4: listeners[1]: expected an address and port, found an object"],
        ),
        (
            &[(r#""address": "127.0.0.1:8453""#, r#""address": "192.0.2.1:53""#)],
            &[r#"dns.json:5: admin.address: "192.0.2.1:53" stands twice, also at listeners[0], line 4"#],
        ),
        (
            &[(r#""connections": 1000"#, r#""connections": 0"#)],
            &["dns.json:7: tcp.connections: 0 is out of range: expected 1 to 1000000"],
        ),
        (
            &[(r#""idle": "10s""#, r#""idle": "0s""#)],
            &[r#"dns.json:7: tcp.idle: "0s" is out of range: expected 1ms to 1h"#],
        ),
        (
            &[(r#""drain": "5s""#, r#""drain": "5""#)],
            &[r#"dns.json:8: drain: "5" is not a duration: expected a whole number and one of ms, s, m, h, d, like "2s" or "500ms""#],
        ),
    ]);
}

#[test]
fn encrypted_transports_without_an_address_a_certificate_or_of_an_address_that_is_taken_are_refused() {
    DNS.refuses(&[
        (
            &[(r#""drain": "5s""#, r#""encrypted": {}"#)],
            &[
                r#"dns.json:8: encrypted: nothing would be spoken: expected addresses and ports in "tls", "https" or "quic""#,
            ],
        ),
        (
            &[(r#""drain": "5s""#, r#""encrypted": { "tls": ["192.0.2.1:853"] }"#)],
            &[
                r#"dns.json:8: encrypted: clients would be shown no certificate: expected "acme", or files in "certificates""#,
            ],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""encrypted": { "tls": ["192.0.2.1:853"], "acme": { "names": ["dns.example.net", "DNS.example.net.", "*", "[2001:db8::1]"] } }"#,
            )],
            &[
                r#"dns.json:8: encrypted.acme.names[1]: "DNS.example.net." stands twice, also at encrypted.acme.names[0], line 8"#,
                r#"dns.json:8: encrypted.acme.names[2]: "*" is not a name that nameservers can show to be theirs: expected one like "dns.example.net""#,
                r#"dns.json:8: encrypted.acme.names[3]: "[2001:db8::1]" is not a name that nameservers can show to be theirs: expected one like "dns.example.net""#,
                r#"dns.json:8: encrypted.acme: the CA gives certificates to those who agree to its terms of service, which https://acme-v02.api.letsencrypt.org/directory links to: read them and write "terms_of_service_agreed": true"#,
            ],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""encrypted": { "tls": ["192.0.2.1:853"], "acme": { "terms_of_service_agreed": true, "challenge": "dns-01", "names": [] } }"#,
            )],
            &[
                r#"dns.json:8: encrypted.acme.challenge: unknown key; known here: ca_file, contact, directory, eab, names, profile, terms_of_service_agreed"#,
                "dns.json:8: encrypted.acme.names: needs at least one name",
            ],
        ),
        (
            &[(r#""drain": "5s""#, r#""encrypted": { "certificates": [{ "chain_file": "c", "key_file": "k" }] }"#)],
            &[r#"dns.json:8: encrypted: nothing would be spoken: expected addresses and ports in "tls", "https" or "quic""#],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""encrypted": { "quic": ["192.0.2.1:53"], "https": ["192.0.2.1:443", "192.0.2.1:443"], "streams": 0,
                    "https_path": "dns?", "certificates": [{ "chain_file": "c", "key_file": "k" }] }"#,
            )],
            &[
                r#"dns.json:8: encrypted.https[1]: "192.0.2.1:443" stands twice, also at encrypted.https[0], line 8"#,
                r#"dns.json:8: encrypted.quic[0]: "192.0.2.1:53" stands twice, also at listeners[0], line 4"#,
                "dns.json:8: encrypted.streams: 0 is out of range: expected 1 to 1000",
                r#"dns.json:9: encrypted.https_path: "dns?" is not a path: expected "/" and then letters, digits and "/-._~", like "/dns-query""#,
            ],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""encrypted": { "tls": ["192.0.2.1:53"], "certificates": [], "idle": "10ms", "connections": 0 }"#,
            )],
            &[
                r#"dns.json:8: encrypted.tls[0]: "192.0.2.1:53" stands twice, also at listeners[0], line 4"#,
                "dns.json:8: encrypted.certificates: needs at least one certificate",
                "dns.json:8: encrypted.connections: 0 is out of range: expected 1 to 1000000",
                r#"dns.json:8: encrypted.idle: "10ms" is out of range: expected 1s to 1h"#,
            ],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""encrypted": { "tls": ["192.0.2.1:853"], "certificates": [{ "chain_file": "c" }] }"#,
            )],
            &[r#"dns.json:8: encrypted.certificates[0]: the key "key_file" is missing"#],
        ),
    ]);
}

#[test]
fn challenges_from_nobody_or_for_no_zone_are_refused() {
    DNS.refuses(&[
        (
            &[(r#""drain": "5s""#, r#""acme_challenges": { "listen": "192.0.2.1:53", "from": {} }"#)],
            &[
                r#"dns.json:8: acme_challenges.listen: "192.0.2.1:53" stands twice, also at listeners[0], line 4"#,
                r#"dns.json:8: acme_challenges: the key "key_file" is missing"#,
                "dns.json:8: acme_challenges.from: needs at least one proxy",
            ],
        ),
        (
            &[(
                r#""drain": "5s""#,
                r#""acme_challenges": { "listen": "192.0.2.1:8455", "key_file": "k", "from": {
                    "a": { "addresses": [], "keys": ["cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA="] },
                    "b": { "addresses": ["192.0.2.7"], "keys": ["cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA="],
                           "zones": ["example.com"] } } }"#,
            )],
            &[
                "dns.json:9: acme_challenges.from.a.addresses: needs at least one address",
                "dns.json:10: acme_challenges.from.b.keys[0]: \"cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA=\" stands \
                 twice, also at acme_challenges.from.a.keys[0], line 9",
                r#"dns.json:11: acme_challenges.from.b.zones[0]: "example.com" is none of the zones of this document"#,
            ],
        ),
    ]);
}

#[test]
fn a_broken_rate_limit_and_broken_cookies_are_refused() {
    DNS.refuses(&[
        (
            &[(r#""drain": "5s""#, r#""rate_limit": { "window": "1500ms", "slip": 11, "exempt": ["10.0.0.1/8"] }"#)],
            &[
                r#"dns.json:8: rate_limit.window: accounts are kept by the second: expected whole seconds, like "15s""#,
                "dns.json:8: rate_limit.slip: 11 is out of range: expected 0 to 10",
                r#"dns.json:8: rate_limit.exempt[0]: "10.0.0.1/8" has bits beyond its prefix: expected "10.0.0.0/8""#,
            ],
        ),
        (
            &[(r#""drain": "5s""#, r#""identity": { "server": "", "version": "ü" }"#)],
            &[
                r#"dns.json:8: identity.server: "" is not 1 to 64 printable ASCII characters"#,
                r#"dns.json:8: identity.version: "ü" is not 1 to 64 printable ASCII characters"#,
            ],
        ),
        (&[(r#""drain": "5s""#, r#""cookies": {}"#)], &[r#"dns.json:8: cookies: the key "key_file" is missing"#]),
    ]);
}

#[test]
fn a_transfer_to_anybody_or_by_a_key_that_is_not_there_is_refused() {
    DNS.refuses(&[
        (
            &[(r#""example.org": { "file""#, r#""example.org": { "transfer": { "allow": [] }, "file""#)],
            &[r#"dns.json:11: zones["example.org"].transfer.allow: needs at least one object that says who gets the zone"#],
        ),
        (
            &[(r#""example.org": { "file""#, r#""example.org": { "transfer": { "allow": [{}] }, "file""#)],
            &[r#"dns.json:11: zones["example.org"].transfer.allow[0]: says nothing, and so would give the zone to anybody: expected "networks", "key" or both"#],
        ),
        (
            &[(r#""example.org": { "file""#, r#""example.org": { "transfer": { "allow": [{ "key": "backup" }] }, "file""#)],
            &[r#"dns.json:11: zones["example.org"].transfer.allow[0].key: "backup" is none of the document's tsig_keys: there is none"#],
        ),
        (
            &[(r#""example.org": { "file""#, r#""example.org": { "transfer": { "allow": [{ "networks": ["192.0.2.1"] }], "notify": [{ "address": "192.0.2.1" }, { "address": "192.0.2.1:53" }] }, "file""#)],
            &[r#"dns.json:11: zones["example.org"].transfer.notify[1].address: "192.0.2.1:53" stands twice, also at zones["example.org"].transfer.notify[0].address, line 11"#],
        ),
        (
            &[(r#""example.org": { "file""#, r#""example.org": { "transfer": { "allow": [{ "networks": ["::ffff:192.0.2.0/120"] }], "pools": "all" }, "file""#)],
            &[
                r#"dns.json:11: zones["example.org"].transfer.allow[0].networks[0]: "::ffff:192.0.2.0/120" is an IPv4 network in IPv6 form: expected "192.0.2.0/24""#,
                r#"dns.json:11: zones["example.org"].transfer.pools: "all" is not one of "present", "left_out""#,
            ],
        ),
    ]);
}

#[test]
fn primaries_that_are_none_stand_beside_a_file_or_have_no_key_of_the_document_are_refused() {
    const ZONE: &str = r#""example.org": { "file": "example.org.zone" }"#;
    DNS.refuses(&[
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone", "primaries": [{ "address": "192.0.2.1" }] }"#)],
            &[r#"dns.json:11: zones["example.org"]: expected only one of "file", "primaries" and "catalog""#],
        ),
        (
            &[(ZONE, r#""example.org": { "primaries": [] }"#)],
            &[r#"dns.json:11: zones["example.org"].primaries: needs at least one object with the address of a nameserver"#],
        ),
        (
            &[(ZONE, r#""example.org": { "primaries": [{ "key": "k" }] }"#)],
            &[
                r#"dns.json:11: zones["example.org"].primaries[0]: the key "address" is missing"#,
                r#"dns.json:11: zones["example.org"].primaries[0].key: "k" is none of the document's tsig_keys: there is none"#,
            ],
        ),
        (
            &[("\"example.net\": { \"file\": \"example.net.zone\" }", r#""example.net": { "primaries": [{ "address": "192.0.2.1" }] }"#)],
            &[
                r#"dns.json:14: pools["http0.l.example.net"]: http0.l.example.net lies in a zone that has no file (it comes from other nameservers, or is a catalog): a pool's names are in zones with one"#,
                r#"dns.json:16: pools["http0.l.example.net"].aliases[0]: example.net lies in a zone that has no file (it comes from other nameservers, or is a catalog): a pool's names are in zones with one"#,
                r#"dns.json:24: pools["http1.l.example.net"]: http1.l.example.net lies in a zone that has no file (it comes from other nameservers, or is a catalog): a pool's names are in zones with one"#,
            ],
        ),
    ]);
}

#[test]
fn a_catalog_that_nobody_gets_or_of_zones_that_nobody_gets_is_refused() {
    const ZONE: &str = r#""example.org": { "file": "example.org.zone" }"#;
    DNS.refuses(&[
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone" }, "catalog.test": { "catalog": {} }"#)],
            &[r#"dns.json:11: zones["catalog.test"].catalog: a catalog that nobody gets is of no use: expected "transfer" beside it"#],
        ),
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone" }, "catalog.test": { "catalog": {}, "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }"#)],
            &[r#"dns.json:11: zones["catalog.test"].catalog: no zone of the document has "transfer": nobody could get what the catalog names"#],
        ),
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone" }, "catalog.test": { "catalog": { "zones": ["example.org", "Example.org", "example.com"], "groups": { "example.net": "a b" } }, "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }"#)],
            &[
                r#"dns.json:11: zones["catalog.test"].catalog.zones[1]: "Example.org" stands twice, also at zones["catalog.test"].catalog.zones[0], line 11"#,
                r#"dns.json:11: zones["catalog.test"].catalog.groups["example.net"]: "a b" is not a group: expected 1 to 255 printable ASCII characters without spaces"#,
            ],
        ),
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone" }, "catalog.test": { "catalog": { "zones": ["example.org", "example.com", "catalog.test"] }, "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }"#)],
            &[
                r#"dns.json:11: zones["catalog.test"].catalog.zones[0]: "example.org" has no "transfer": whoever learns of it here could not get it"#,
                r#"dns.json:11: zones["catalog.test"].catalog.zones[1]: "example.com" is none of the zones of this document"#,
                r#"dns.json:11: zones["catalog.test"].catalog.zones[2]: "catalog.test" is a catalog itself"#,
            ],
        ),
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone", "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }, "catalog.test": { "catalog": { "groups": { "example.net": "g" } }, "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }"#)],
            &[r#"dns.json:11: zones["catalog.test"].catalog.groups["example.net"]: example.net is no member of this catalog"#],
        ),
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone", "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }, ".": { "catalog": {}, "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] } }"#)],
            &[r#"dns.json:11: zones["."].catalog: cannot be a catalog's name: expected one with at most 190 characters that is not "." or "invalid", like "catalog.invalid""#],
        ),
    ]);
}

#[test]
fn members_beside_a_file_or_with_primaries_that_are_none_are_refused() {
    const ZONE: &str = r#""example.org": { "file": "example.org.zone" }"#;
    DNS.refuses(&[
        (
            &[(ZONE, r#""example.org": { "file": "example.org.zone", "members": {} }"#)],
            &[r#"dns.json:11: zones["example.org"]: has "members", and so is a catalog of other nameservers: expected "primaries""#],
        ),
        (
            &[(
                ZONE,
                r#""example.org": { "primaries": [{ "address": "192.0.2.1" }], "members": { "primaries": [], "file": "x", "checks": "none" } }"#,
            )],
            &[
                r#"dns.json:11: zones["example.org"].members.file: unknown key; known here: checks, primaries, transfer"#,
                r#"dns.json:11: zones["example.org"].members.primaries: needs at least one object with the address of a nameserver"#,
                r#"dns.json:11: zones["example.org"].members.checks: "none" is not one of "lenient", "strict""#,
            ],
        ),
    ]);
}

#[test]
fn a_broken_zone_is_refused() {
    DNS.refuses(&[
        (
            &[("\"zones\": {\n    \"example.net\": { \"file\": \"example.net.zone\" },\n    \"example.org\": { \"file\": \"example.org.zone\" }\n  }", r#""zones": {}"#)],
            &["dns.json:9: zones: needs at least one zone"],
        ),
        (
            &[(r#""example.org": { "file""#, r#""Example.net.": { "file""#)],
            &[r#"dns.json:11: zones["Example.net."]: the zone example.net stands twice, also at zones["example.net"], line 10"#],
        ),
        (
            &[(r#""example.org": { "file""#, r#""example org": { "file""#)],
            &[r#"dns.json:11: zones["example org"]: "example org" is not a domain name: it has ' ' in it"#],
        ),
        (
            &[(r#""example.org": { "file": "example.org.zone" }"#, r#""example.org": "example.org.zone""#)],
            &[r#"dns.json:11: zones["example.org"]: expected an object, found the string "example.org.zone""#],
        ),
        (
            &[(r#""example.org": { "file": "example.org.zone" }"#, r#""example.org": { "path": "example.org.zone" }"#)],
            &[
                r#"dns.json:11: zones["example.org"].path: unknown key; known here: catalog, checks, dnssec, file, members, primaries, transfer"#,
                r#"dns.json:11: zones["example.org"]: expected "file", "primaries" that it is got from, or "catalog" that it is made of"#,
            ],
        ),
    ]);
}

#[test]
fn a_broken_member_is_refused() {
    DNS.refuses(&[
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""addresses": []"#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.addresses: needs at least one address"#],
        ),
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""addresses": ["192.0.2.11"]"#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.addresses[0]: "192.0.2.11" stands twice, also at pools["http0.l.example.net"].members.px-nl1.addresses[0], line 19"#],
        ),
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""addresses": ["198.51.100.11:80"]"#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.addresses[0]: "198.51.100.11:80" has a port: expected an address alone"#],
        ),
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""addresses": ["198.51.100"]"#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.addresses[0]: "198.51.100" is not an address, like "192.0.2.21" or "2001:db8::21""#],
        ),
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""addresses": ["::"]"#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.addresses[0]: "::" is not the address of one host"#],
        ),
        (
            &[(r#""addresses": ["198.51.100.11"]"#, r#""address": "198.51.100.11""#)],
            &[r#"dns.json:20: pools["http0.l.example.net"].members.px-ch1.address: unknown key; did you mean "addresses"?"#],
        ),
        (
            &[(r#""members": { "px-nl1": { "addresses": ["192.0.2.11"] } }"#, r#""members": {}"#)],
            &[r#"dns.json:25: pools["http1.l.example.net"].members: needs at least one member"#],
        ),
    ]);
}

#[test]
fn a_broken_when_all_down_is_refused() {
    DNS.refuses(&[
        (
            &[(r#""when_all_down": "all""#, r#""when_all_down": "none""#)],
            &[r#"dns.json:17: pools["http0.l.example.net"].when_all_down: "none" is not one of "all", "last", "empty" or {"fallback": [addresses]}"#],
        ),
        (
            &[(r#""when_all_down": "all""#, r#""when_all_down": { "fallback": [] }"#)],
            &[r#"dns.json:17: pools["http0.l.example.net"].when_all_down.fallback: needs at least one address"#],
        ),
        (
            &[(r#""when_all_down": "all""#, r#""when_all_down": { "fallback": ["192.0.2.1", "192.0.2.1"] }"#)],
            &[r#"dns.json:17: pools["http0.l.example.net"].when_all_down.fallback[1]: "192.0.2.1" stands twice, also at pools["http0.l.example.net"].when_all_down.fallback[0], line 17"#],
        ),
        (
            &[(r#""when_all_down": "all""#, r#""when_all_down": { "fall_back": ["192.0.2.1"] }"#)],
            &[r#"dns.json:17: pools["http0.l.example.net"].when_all_down.fall_back: unknown key; did you mean "fallback"?"#],
        ),
        (
            &[(r#""when_all_down": "all""#, r#""when_all_down": ["192.0.2.1"]"#)],
            &[r#"dns.json:17: pools["http0.l.example.net"].when_all_down: expected "all", "last", "empty" or {"fallback": [addresses]}, found an array"#],
        ),
    ]);
}

#[test]
fn a_broken_name_ttl_or_check_of_a_pool_is_refused() {
    DNS.refuses(&[
        (
            &[(r#""ttl": 300"#, r#""ttl": 86401"#)],
            &[r#"dns.json:15: pools["http0.l.example.net"].ttl: 86401 is out of range: expected 0 to 86400"#],
        ),
        (
            &[(r#""ttl": 300"#, r#""ttl": "5m""#)],
            &[r#"dns.json:15: pools["http0.l.example.net"].ttl: expected a whole number from 0 to 86400, found the string "5m""#],
        ),
        (
            &[(r#""aliases": ["example.net"]"#, r#""aliases": ["www.example.com"]"#)],
            &[r#"dns.json:16: pools["http0.l.example.net"].aliases[0]: www.example.com lies in none of this document's zones: example.net, example.org"#],
        ),
        (
            &[(r#""aliases": ["example.net"]"#, r#""aliases": ["http0.l.example.net"]"#)],
            &[r#"dns.json:16: pools["http0.l.example.net"].aliases[0]: the name http0.l.example.net stands twice, also at pools["http0.l.example.net"], line 14"#],
        ),
        (
            &[(r#""aliases": ["example.net"]"#, r#""aliases": ["http1.l.example.net"]"#)],
            &[r#"dns.json:24: pools["http1.l.example.net"]: the name http1.l.example.net stands twice, also at pools["http0.l.example.net"].aliases[0], line 16"#],
        ),
        (
            &[(r#""aliases": ["example.net"]"#, r#""aliases": ["a*.example.net"]"#)],
            &[r#"dns.json:16: pools["http0.l.example.net"].aliases[0]: "a*.example.net" is not a domain name: it has '*' in it"#],
        ),
        (
            &[(r#""aliases": ["example.net"]"#, r#""aliases": ["notexample.net"]"#)],
            &[r#"dns.json:16: pools["http0.l.example.net"].aliases[0]: notexample.net lies in none of this document's zones: example.net, example.org"#],
        ),
        (
            &[(r#""http1.l.example.net": {"#, r#""HTTP0.l.example.net": {"#)],
            &[r#"dns.json:24: pools["HTTP0.l.example.net"]: the name http0.l.example.net stands twice, also at pools["http0.l.example.net"], line 14"#],
        ),
        (
            &[(r#""http1.l.example.net": {"#, r#""http1.l.example.com": {"#)],
            &[r#"dns.json:24: pools["http1.l.example.com"]: http1.l.example.com lies in none of this document's zones: example.net, example.org"#],
        ),
        (
            &[(r#""port": 80, "path""#, r#""path""#)],
            &[r#"dns.json:22: pools["http0.l.example.net"].check: the key "port" is missing"#],
        ),
        (
            &[("      \"check\": { \"port\": 80 }\n", "      \"ttl\": 1\n")],
            &[r#"dns.json:24: pools["http1.l.example.net"]: the key "check" is missing"#],
        ),
        (
            &[(r#""port": 80 }"#, r#""port": 65536 }"#)],
            &[r#"dns.json:26: pools["http1.l.example.net"].check.port: 65536 is out of range: expected 1 to 65535"#],
        ),
    ]);
}

#[test]
fn checks_over_tls_that_believe_nobody_or_whoever_answers_without_saying_so_are_refused() {
    const PORT: &str = r#""port": 80, "path""#;
    DNS.refuses(&[
        (&[(PORT, r#""port": 80, "tls": true, "path""#)], &[r#"dns.json:22: pools["http0.l.example.net"].check.tls: which member is believed has to be said: { "ca_file": "/etc/ssl/certs/ca-certificates.crt", "server_name": "www.example.net" }, or { "verify": false } for whoever answers"#]),
        (&[(PORT, r#""port": 80, "tls": {}, "path""#)], &[r#"dns.json:22: pools["http0.l.example.net"].check.tls: the key "ca_file" is missing"#]),
        (&[(PORT, r#""port": 80, "tls": { "verify": false, "ca_file": "/ca.pem" }, "path""#)], &[r#"dns.json:22: pools["http0.l.example.net"].check.tls.ca_file: has no meaning where nothing is verified; leave it out"#]),
        (
            &[(PORT, r#""port": 80, "tls": { "ca": "/ca.pem" }, "path""#)],
            &[
                r#"dns.json:22: pools["http0.l.example.net"].check.tls.ca: unknown key; known here: ca_file, client_certificate, server_name, verify"#,
                r#"dns.json:22: pools["http0.l.example.net"].check.tls: the key "ca_file" is missing"#,
            ],
        ),
    ]);
}

#[test]
fn a_receiver_of_dnstap_without_a_path_and_messages_that_there_are_none_of_are_refused() {
    const DRAIN: &str = r#""drain": "5s""#;
    DNS.refuses(&[
        (&[(DRAIN, r#""dnstap": { "on": false }"#)], &[r#"dns.json:8: dnstap: the key "socket" is missing"#]),
        (
            &[(DRAIN, r#""dnstap": { "socket": "dnstap.sock" }"#)],
            &[r#"dns.json:8: dnstap.socket: "dnstap.sock" is not an absolute path: it must begin with "/""#],
        ),
        (
            &[(DRAIN, r#""dnstap": { "socket": "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }"#)],
            &["dns.json:8: dnstap.socket: a socket's path has at most 107 bytes, this has 108"],
        ),
        (
            &[(DRAIN, r#""dnstap": { "socket": "/d", "messages": [], "sample": 0, "on": "yes" }"#)],
            &[
                r#"dns.json:8: dnstap.on: expected true or false, found the string "yes""#,
                "dns.json:8: dnstap.messages: needs at least one kind of message",
                "dns.json:8: dnstap.sample: 0 is out of range: expected 1 to 1000000",
            ],
        ),
        (
            &[(
                DRAIN,
                r#""dnstap": { "socket": "/d", "messages": ["AUTH_QUERY", "CLIENT_QUERY", "AUTH_QUERY"], "rate": 2 }"#,
            )],
            &[
                "dns.json:8: dnstap.rate: unknown key; known here: messages, on, sample, socket",
                r#"dns.json:8: dnstap.messages[1]: "CLIENT_QUERY" is not one of "AUTH_QUERY", "AUTH_RESPONSE""#,
                "dns.json:8: dnstap.messages[2]: this kind of message stands here already: take it out",
            ],
        ),
    ]);
}
