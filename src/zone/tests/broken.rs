//! Files that are no zones, and the findings about each.

use super::*;

/// What follows [`HEAD`], and the findings without the file's name.
static BROKEN: &[(&str, &str)] = &[
    // The text.
    ("www A ( 192.0.2.1", "5: this ( has no ) up to the end of the file"),
    ("www A 192.0.2.1 )", "5: a ) without its ("),
    (
        "www A ( 192.0.2.1\nftp TXT ( x\n )\nmail A x",
        "6: a ( inside the parentheses of line 5: its ) is missing\n\
         8: mail.example.net. A: the address: \"x\" is not an IPv4 address",
    ),
    ("www TXT \"open", "5: a quoted string is not closed on its line"),
    ("www TXT a\"b\"", "5: a quote inside a word: quote the whole, or write \\\""),
    ("www TXT a\\", "5: a backslash ends the line: it escapes nothing"),
    ("www A 192.0.2.1\0", "5: a byte with the value 0: this is no text file"),
    (
        "www CNAME a\"b\"\n A x\n TXT a\"b\"\n A y\nftp A z",
        "5: a quote inside a word: quote the whole, or write \\\"\n\
         7: a quote inside a word: quote the whole, or write \\\"\n\
         9: ftp.example.net. A: the address: \"z\" is not an IPv4 address",
    ),
    (
        "www TXT x\n TXT a\"b\"\n A y",
        "6: a quote inside a word: quote the whole, or write \\\"\n\
         7: www.example.net. A: the address: \"y\" is not an IPv4 address",
    ),
    // What an entry is made of.
    ("www", "5: www.example.net.: the type is missing"),
    ("www 1h IN", "5: www.example.net.: the type is missing"),
    (
        "www 192.0.2.1",
        "5: www.example.net.: the TTL: \"192.0.2.1\" is not a time: seconds (3600), or w, d, h, m and s (1h30m)",
    ),
    (
        "www \"A\" 192.0.2.1",
        "5: www.example.net.: \"A\" stands where the type should: expected a type like A, AAAA or CNAME, without quotes",
    ),
    ("\"www\" A 192.0.2.1", "5: the owner: \"www\" stands in quotes: write it without"),
    (
        "www 2147483648 A 192.0.2.1",
        "5: www.example.net. A: the TTL 2147483648 is above 2147483647 and counts as 0 (RFC 2181, 8)",
    ),
    (
        "www 4294967296 A 192.0.2.1",
        "5: www.example.net.: the TTL: \"4294967296\" is too long: at most 4294967295 seconds",
    ),
    (
        "www 1h30 A 192.0.2.1",
        "5: www.example.net.: the TTL: \"1h30\" is not a time: seconds (3600), or w, d, h, m and s (1h30m)",
    ),
    ("www CH TXT x", "5: www.example.net.: class CH: only class IN is served"),
    ("www 60 CLASS3 TXT x", "5: www.example.net.: class CLASS3: only class IN is served"),
    (
        "www AA 192.0.2.1",
        "5: www.example.net.: \"AA\" is no record type known here; did you mean A?: any type can be written as TYPEnnn \\# LENGTH HEX \
         (RFC 3597)",
    ),
    (
        "www SINK 1 0 0 AA==",
        "5: www.example.net.: the fields of SINK are not known here: write it as TYPE40 \\# LENGTH HEX (RFC 3597)",
    ),
    (
        "www SIG @ A",
        "5: www.example.net. SIG: belongs to a zone that is signed by rules from before RFC 4034, and is left out, as are all others of this type",
    ),
    ("www TYPE255 \\# 0", "5: www.example.net.: TYPE255 is for messages, not for zones"),
    (
        "www MX (\n 10 ; preference\n mail..example.net. )",
        "7: www.example.net. MX: the mail server: the name \"mail..example.net.\" has an empty label",
    ),
    ("www A 192.0.2.1 ; one\n A x ; two", "6: www.example.net. A: the address: \"x\" is not an IPv4 address"),
    // Owners.
    ("www.example.org. A 192.0.2.1", "5: www.example.org. A: lies outside of the zone example.net. and is left out"),
    (
        "www.example.org. A 192.0.2.1\n AAAA x",
        "5: www.example.org. A: lies outside of the zone example.net. and is left out\n\
         6: www.example.org. AAAA: the address: \"x\" is not an IPv6 address",
    ),
    (
        "www.example.net A 192.0.2.1",
        "5: www.example.net.example.net. A: the name \"www.example.net\" has no final dot and is \
         www.example.net.example.net.: add the dot, or write that in full",
    ),
    ("a..b A 192.0.2.1", "5: the name \"a..b\" has an empty label"),
    (".www A 192.0.2.1", "5: the name \".www\" has an empty label"),
    (
        "a123456789a123456789a123456789a123456789a123456789a123456789abcd A 192.0.2.1",
        "5: the name \"a123456789a123456789a123456789a123456789a123456789a123456789…\" has a label of 64 bytes: at most 63",
    ),
    (
        "b\u{fc}cher A 192.0.2.1",
        "5: b\\195\\188cher.example.net. A: the name \"b\u{fc}cher\" is not ASCII: write it in its xn-- form, or single bytes as \\DDD",
    ),
    ("w\\300 A 192.0.2.1", "5: the name \"w\\300\": \\300 is not a byte: \\000 to \\255"),
    // Directives.
    ("$TTL", "5: $TTL: the TTL is missing"),
    ("$TTL soon", "5: $TTL: \"soon\" is not a time: seconds (3600), or w, d, h, m and s (1h30m)"),
    ("$TTL 1h 2h", "5: $TTL: \"2h\" is left over at the end"),
    ("$ORIGIN", "5: $ORIGIN: the new origin is missing"),
    ("$ORIGIN a..", "5: $ORIGIN: the name \"a..\" has an empty label"),
    ("$INCLUDE", "5: $INCLUDE: the file's name is missing"),
    ("$INCLUDE no.inc", "5: $INCLUDE: no.inc cannot be read: No such file or directory"),
    ("$INCLUDE main", "5: $INCLUDE: main is being read already: it includes itself"),
    ("$INCLUDE no.inc a. b", "5: $INCLUDE: \"b\" is left over at the end"),
    ("$GENERATE", "5: $GENERATE: the range is missing, as in 1-127"),
    ("$GENERATE 1-9", "5: $GENERATE: the owner is missing"),
    (
        "$generate 9-1 host$ A 192.0.2.$",
        "5: $GENERATE: \"9-1\" is not a range: START-STOP or START-STOP/STEP, as in 1-127",
    ),
    (
        "$GENERATE 254-300 host$ A 192.0.2.$",
        "5: $GENERATE: for 256: host256.example.net. A: the address: \"192.0.2.256\" is not an IPv4 address",
    ),
    ("$INLINE x", "5: $INLINE: is no directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are"),
    ("$\x17TTL 1h", "5: \"$\u{fffd}TTL\": is no directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are"),
    // One SOA, one CNAME, one DNAME.
    ("@ SOA ns1 other 1 2 3 4 5", "5: example.net. SOA: a second SOA at this name: the first is on line 2"),
    ("sub SOA ns1 other 1 2 3 4 5", "5: sub.example.net. SOA: an SOA stands only at the zone's apex"),
    ("www CNAME a\nwww CNAME b", "6: www.example.net. CNAME: a second CNAME at this name: the first is on line 5"),
    ("www DNAME a\nwww DNAME b", "6: www.example.net. DNAME: a second DNAME at this name: the first is on line 5"),
    // Aliases.
    (
        "www CNAME ns1\nwww A 192.0.2.1\n TXT x",
        "5: www.example.net. CNAME: an alias stands alone, but this name also has A, TXT",
    ),
    ("www DNAME ns1\nwww CNAME ns1", "6: www.example.net. CNAME: an alias stands alone, but this name also has DNAME"),
    (
        "@ CNAME www.example.org.",
        "5: example.net. CNAME: the apex has SOA and NS and cannot be an alias: give it addresses, or list it in a \
         pool's aliases",
    ),
    (
        "@ MX 10 www\nwww CNAME ns1",
        "5: example.net. MX: www.example.net. is an alias (CNAME on line 6): point to its target",
    ),
    (
        "_http._tcp SRV 0 0 80 WWW\nwww CNAME ns1",
        "5: _http._tcp.example.net. SRV: WWW.example.net. is an alias (CNAME on line 6): point to its target",
    ),
    (
        "@ MX 10 any.dyn\n*.dyn CNAME ns1",
        "5: example.net. MX: any.dyn.example.net. is an alias (CNAME on line 6): point to its target",
    ),
    (
        "@ MX 10 mail.old\nold DNAME new",
        "5: example.net. MX: mail.old.example.net. is an alias (DNAME on line 6): point to its target",
    ),
    (
        "lab NS alias\nalias CNAME ns1",
        "5: lab.example.net. NS: alias.example.net. is an alias (CNAME on line 6): point to its target",
    ),
    // Nameservers and delegations.
    ("@ NS ns2", "5: example.net. NS: ns2.example.net. has no address in this zone: add its A or AAAA"),
    ("@ NS ns2\nns2 TXT x", "5: example.net. NS: ns2.example.net. has no address in this zone: add its A or AAAA"),
    ("@ NS 192.0.2.1", "5: example.net. NS: 192.0.2.1.example.net. has no address in this zone: add its A or AAAA"),
    ("lab NS ns3", "5: lab.example.net. NS: ns3.example.net. has no address in this zone: add its A or AAAA"),
    (
        "lab NS ns.lab",
        "5: lab.example.net. NS: ns.lab.example.net. lies below its own delegation and needs glue: add its A or AAAA",
    ),
    (
        "lab NS lab",
        "5: lab.example.net. NS: lab.example.net. lies below its own delegation and needs glue: add its A or AAAA",
    ),
    (
        "lab NS ns1\nlab TXT x",
        "6: lab.example.net. TXT: never answered: lab.example.net. is delegated on line 5, and only addresses have a \
         use there",
    ),
    (
        "lab NS ns1\na.b.lab MX 1 x",
        "6: a.b.lab.example.net. MX: never answered: lab.example.net. is delegated on line 5, and only addresses have \
         a use there",
    ),
    (
        "lab NS ns1\nsub.lab NS ns1",
        "6: sub.lab.example.net. NS: never answered: lab.example.net. is delegated on line 5, and only addresses have \
         a use there",
    ),
    ("lab NS ns1\nlab CNAME ns1", "6: lab.example.net. CNAME: an alias stands alone, but this name also has NS"),
    (
        "@ DS 1 8 1 0123456789012345678901234567890123456789",
        "5: example.net. DS: a DS stands in the zone above, not at the zone's own apex",
    ),
    ("*.lab NS ns1", "5: *.lab.example.net. NS: NS at a wildcard has no defined meaning"),
    ("*.lab DNAME ns1", "5: *.lab.example.net. DNAME: DNAME at a wildcard has no defined meaning"),
    (
        "old DNAME new\nwww.old A 192.0.2.1\nold A 192.0.2.2",
        "6: www.old.example.net. A: never answered: the DNAME of old.example.net. on line 5 redirects all names below it",
    ),
];

#[test]
fn each_broken_zone_gives_its_findings_in_exact_words() {
    for (text, expected) in BROKEN {
        let files = Files::new(&[("main", &format!("{HEAD}{text}\n"))]);
        let found = files.findings().replace("main:", "");
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn what_a_zone_must_hold_is_missed() {
    for (text, expected) in [
        (
            "",
            "main: example.net.: no SOA at the apex: a zone has exactly one SOA\n\
              main: example.net.: no NS at the apex: a zone names its nameservers",
        ),
        ("$TTL 1h\n@ SOA a. b. 1 2 3 4 5\n", "main: example.net.: no NS at the apex: a zone names its nameservers"),
        ("$TTL 1h\n@ NS a.\n", "main: example.net.: no SOA at the apex: a zone has exactly one SOA"),
        (
            "@ SOA a. b. 1 2 3 4 5\n NS a.\nwww A 192.0.2.1\n",
            "main:1: example.net. SOA: has no TTL, and no $TTL stands above it: its last field counts for all records without one",
        ),
        (
            "@ NS a.\n@ SOA a. b. 1 2 3 4 5\n",
            "main:1: example.net. NS: has no TTL, and neither $TTL nor the SOA stands above it: begin the file with, say, $TTL 1h",
        ),
        (
            "  SOA a. b. 1 2 3 4 5\n$TTL 1h\n",
            "main:1: the line begins with white space, so that it has the owner of the record above, but no record \
             stands above it in this file",
        ),
    ] {
        assert_eq!(Files::new(&[("main", text)]).findings(), expected, "{text}");
    }
}

#[test]
fn nothing_is_missing_while_a_record_cannot_be_read() {
    let files = Files::new(&[("main", "$TTL 1h\n@ SOA ns1 admin 1 2 3 4\n@ NS ns1\nns1 A 192.0.2.256\n")]);
    assert_eq!(
        files.findings(),
        "main:2: example.net. SOA: the negative TTL is missing\n\
         main:4: ns1.example.net. A: the address: \"192.0.2.256\" is not an IPv4 address"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    assert_eq!(Files::new(&[]).findings(), "main: cannot be read: No such file or directory");
    let files = Files::new(&[("main/x", "")]);
    assert_eq!(files.findings(), "main: cannot be read: it is a directory: expected a regular file");
}

#[test]
fn a_zone_whose_name_is_no_name_is_refused() {
    for (apex, message) in [
        ("example..net", "the zone's name: the name \"example..net\" has an empty label"),
        ("", "the zone's name: the name \"\" has an empty label"),
    ] {
        let findings = load(apex, Path::new("any.zone"), Checks::Strict).unwrap_err();
        assert_eq!(findings.to_string(), format!("any.zone: {message}"));
    }
}

#[test]
fn an_rrset_that_fits_no_message_is_refused() {
    let host = |n: u32| format!("many A 10.0.{}.{}\n", n / 256, n % 256);
    let many = |count| Files::new(&[("main", &format!("{HEAD}{}", (0..count).map(host).collect::<String>()))]);
    assert!(many(4092).load().is_ok());
    assert_eq!(
        many(4094).findings(),
        "main:5: many.example.net. A: 4094 A records make an answer of 65549 bytes: at most 65535"
    );
}

#[test]
fn findings_end_after_a_hundred() {
    let files = Files::new(&[("main", &format!("{HEAD}{}", "www A x\n".repeat(500)))]);
    let findings = files.load().unwrap_err().0;
    assert_eq!(findings.len(), 101);
    assert_eq!(findings[99].line, Some(104));
    assert_eq!(findings[100].message, "these are the first 100 findings, there may be more");
    let files = Files::new(&[("main", &format!("{HEAD}{}", "www A x\n".repeat(100)))]);
    assert_eq!(files.load().unwrap_err().0.len(), 100);
}

#[test]
fn findings_stand_in_the_order_of_the_files() {
    let main = format!("{HEAD}@ MX 10 alias\n$INCLUDE inc\n@ NS alias\n");
    let files = Files::new(&[("main", &main), ("inc", "alias CNAME ns1\n A 192.0.2.1\n")]);
    assert_eq!(
        files.findings(),
        "main:5: example.net. MX: alias.example.net. is an alias (CNAME on line 1 of inc): point to its target\n\
         inc:1: alias.example.net. CNAME: an alias stands alone, but this name also has A\n\
         main:7: example.net. NS: alias.example.net. is an alias (CNAME on line 1 of inc): point to its target"
    );
}
