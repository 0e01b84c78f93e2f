//! Zones that load, and what comes out.

use super::*;

fn load_text(text: &str) -> ZoneFile {
    let files = Files::new(&[("main", text)]);
    files.load().unwrap_or_else(|findings| panic!("{text}\n{findings}"))
}

/// The records after those of [`HEAD`].
fn read(text: &str) -> Vec<String> {
    shown(&load_text(&format!("{HEAD}{text}\n")))[3..].to_vec()
}

#[test]
fn an_owner_may_be_left_out_absolute_relative_or_the_origin() {
    assert_eq!(
        read("www A 192.0.2.1\n  A 192.0.2.2\nftp.example.net. A 192.0.2.3\n$ORIGIN l\n@ A 192.0.2.4\nx A 192.0.2.5"),
        [
            "www.example.net. 3600 A c0000201",
            "www.example.net. 3600 A c0000202",
            "ftp.example.net. 3600 A c0000203",
            "l.example.net. 3600 A c0000204",
            "x.l.example.net. 3600 A c0000205",
        ]
    );
}

#[test]
fn ttl_and_class_come_in_either_order_or_not_at_all() {
    let text = "a A 192.0.2.1\nb 60 A 192.0.2.1\nc IN A 192.0.2.1\nd 60 IN A 192.0.2.1\ne in 1M a 192.0.2.1\n\
                f CLASS1 60 A 192.0.2.1";
    let expected = ["a 3600", "b 60", "c 3600", "d 60", "e 60", "f 60"].map(|start| {
        let (owner, ttl) = start.split_once(' ').unwrap();
        format!("{owner}.example.net. {ttl} A c0000201")
    });
    assert_eq!(read(text), expected);
}

#[test]
fn a_name_like_a_type_or_a_class_is_an_owner_at_the_start_of_a_line() {
    assert_eq!(
        read("in A 192.0.2.1\na A 192.0.2.1\n60 A 192.0.2.1"),
        ["in.example.net. 3600 A c0000201", "a.example.net. 3600 A c0000201", "60.example.net. 3600 A c0000201"]
    );
}

#[test]
fn without_a_ttl_directive_the_last_ttl_goes_on() {
    let zone = load_text("@ 5m SOA ns. admin. 1 2 3 4 5\n NS ns.\nwww 60 A 192.0.2.1\nftp A 192.0.2.1\n");
    let ttls: Vec<u32> = zone.records.iter().map(|record| record.ttl).collect();
    assert_eq!(ttls, [300, 300, 60, 60]);
}

#[test]
fn a_ttl_directive_wins_over_the_last_ttl() {
    assert_eq!(
        read("a 60 A 192.0.2.1\nb A 192.0.2.1\n$TTL 2h\nc A 192.0.2.1"),
        ["a.example.net. 60 A c0000201", "b.example.net. 3600 A c0000201", "c.example.net. 7200 A c0000201"]
    );
}

#[test]
fn an_rrset_gets_its_lowest_ttl() {
    assert_eq!(
        read("a 60 A 192.0.2.1\nb A 192.0.2.1\nA 30 A 192.0.2.2\na TXT x"),
        [
            "a.example.net. 30 A c0000201",
            "b.example.net. 3600 A c0000201",
            "A.example.net. 30 A c0000202",
            "a.example.net. 3600 TXT 0178",
        ]
    );
}

#[test]
fn equal_records_are_kept_once_the_first_in_its_own_spelling() {
    assert_eq!(
        read("Www MX 1 Mail\nwww 60 MX 1 mail\n@ NS NS1"),
        ["Www.example.net. 60 MX 0001044d61696c076578616d706c65036e657400"]
    );
}

#[test]
fn the_apex_is_lower_case_and_may_be_the_root() {
    let files = Files::new(&[("main", HEAD), ("root", "$TTL 1\n. SOA a. b. 1 2 3 4 5\n. NS a.\na. A 192.0.2.1\n")]);
    let zone = load("Example.NET.", &files.path("main"), Checks::Strict).unwrap();
    assert_eq!(&*zone.apex, b"\x07example\x03net\x00");
    let root = load(".", &files.path("root"), Checks::Strict).unwrap();
    assert_eq!((&*root.apex, root.records.len()), (name::ROOT, 3));
}

#[test]
fn carriage_returns_a_byte_order_mark_and_a_missing_last_newline_do_not_matter() {
    let text = format!("\u{feff}{HEAD}www A ( ; open\n192.0.2.1 )").replace('\n', "\r\n");
    let zone = load_text(&text);
    assert_eq!(zone.records.iter().last().unwrap().line, 5);
    assert_eq!(shown(&zone), shown(&load_text(&format!("{HEAD}www A 192.0.2.1\n"))));
}

#[test]
fn what_looks_wrong_but_is_allowed_loads() {
    for text in [
        "; glue, and an address nobody asks for\nlab NS ns.lab\nns.lab A 192.0.2.1\nother.lab AAAA 2001:db8::1",
        "; glue at the cut itself, and a DS\nlab NS lab\nlab AAAA 2001:db8::1\nlab DS 1 13 9 0102",
        "; a nameserver below another delegation, whose address is that zone's matter\n\
         lab NS ns.office\noffice NS ns1\n@ NS x.lab",
        "; a nameserver under a wildcard\n@ NS any.dyn\n*.dyn A 192.0.2.1",
        "; a nameserver elsewhere\nlab NS ns.example.org.",
        "; MX and SRV to names without address\n@ MX 10 none\n_x._tcp SRV 0 0 80 none\n@ MX 0 .",
        "; a wildcard beside a name, an alias at a wildcard\n*.a CNAME ns1\nx.a TXT x\n* MX 1 ns1",
        "; a DNAME beside other data\nold DNAME new\nold A 192.0.2.1",
        "; an alias to nothing\nwww CNAME nothing",
        "; a doubled name, written out\nwww.example.net.example.net. A 192.0.2.1",
        "; a label of 63 bytes, escapes\n\\@.\\$\\.\\032\\255 A 192.0.2.1",
        "; an empty line of white space, a lone comment\n   \t \n   ; x\n",
    ] {
        load_text(&format!("{HEAD}{text}\n"));
    }
}
