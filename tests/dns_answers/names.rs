//! Names that exist, do not, or come from a wildcard.

use polder::dns::answer::Transport;
use polder::zone::number::rtype::*;

use crate::ask::{TCP, answer_text, expect, query, raw};

const SOA_LINE: &str =
    "ns example.net. 600 SOA ns1.example.net. hostmaster.example.net. 2026010101 7200 3600 1209600 600";

#[test]
fn a_name_is_answered_with_its_set_and_aa() {
    expect("web.example.net", A, &["NoError aa", "an web.example.net. 3600 A 192.0.2.80"]);
    expect("web.example.net", AAAA, &["NoError aa", "an web.example.net. 3600 AAAA 2001:db8::80"]);
}

#[test]
fn a_missing_type_is_nodata_with_the_soa_at_its_minimum() {
    expect("mail.example.net", AAAA, &["NoError aa", SOA_LINE]);
}

#[test]
fn the_soas_own_ttl_bounds_a_negative_answer_whose_minimum_is_longer() {
    let soa = "ns other.test. 300 SOA ns1.example.net. hostmaster.example.net. 5 7200 3600 1209600 900";
    expect("nope.other.test", A, &["NXDomain aa", soa]);
}

#[test]
fn a_missing_name_is_nxdomain_and_an_empty_non_terminal_is_nodata() {
    expect("nope.example.net", A, &["NXDomain aa", SOA_LINE]);
    expect("nope.deep.a.b.example.net", A, &["NXDomain aa", SOA_LINE]);
    expect("b.example.net", A, &["NoError aa", SOA_LINE]);
    expect("a.b.example.net", TXT_TYPE, &["NoError aa", SOA_LINE]);
}

const TXT_TYPE: u16 = 16;

#[test]
fn a_wildcard_answers_for_every_name_below_it_in_the_name_asked_for() {
    expect("any.wild.example.net", A, &["NoError aa", "an any.wild.example.net. 3600 A 192.0.2.99"]);
    expect("a.b.c.wild.example.net", A, &["NoError aa", "an a.b.c.wild.example.net. 3600 A 192.0.2.99"]);
    expect(
        "any.wild.example.net",
        MX,
        &[
            "NoError aa",
            "an any.wild.example.net. 3600 MX 10 mail.example.net.",
            "ar mail.example.net. 3600 A 192.0.2.25",
        ],
    );
}

#[test]
fn a_wildcard_without_the_type_is_nodata() {
    expect("any.wild.example.net", AAAA, &["NoError aa", SOA_LINE]);
    expect("any.empty.example.net", A, &["NoError aa", SOA_LINE]);
}

#[test]
fn a_wildcard_does_not_answer_for_names_that_exist_nor_below_a_closer_encloser() {
    expect("host.wild.example.net", MX, &["NoError aa", SOA_LINE]);
    expect("sub.wild.example.net", A, &["NoError aa", SOA_LINE]);
    expect("other.sub.wild.example.net", A, &["NXDomain aa", SOA_LINE]);
    expect("below.host.wild.example.net", A, &["NXDomain aa", SOA_LINE]);
    expect("wild.example.net", A, &["NoError aa", SOA_LINE]);
}

#[test]
fn the_wildcard_itself_can_be_asked_for() {
    expect("*.wild.example.net", A, &["NoError aa", "an *.wild.example.net. 3600 A 192.0.2.99"]);
    expect("x.*.wild.example.net", A, &["NXDomain aa", SOA_LINE]);
}

#[test]
fn a_wildcard_that_is_an_empty_non_terminal_makes_nodata() {
    expect("any.ent.example.net", A, &["NoError aa", SOA_LINE]);
}

#[test]
fn a_wildcard_cname_is_followed() {
    expect(
        "shop.star.example.net",
        A,
        &[
            "NoError aa",
            "an shop.star.example.net. 3600 CNAME web.example.net.",
            "an web.example.net. 3600 A 192.0.2.80",
        ],
    );
}

#[test]
fn outside_our_zones_is_refused_and_nothing_more() {
    expect("example.com", A, &["Refused"]);
    expect("", NS, &["Refused"]);
    expect("net", SOA, &["Refused"]);
}

#[test]
fn the_question_comes_back_in_its_own_case_and_matches_in_any() {
    let (_, bytes) = raw(&query("WeB.eXample.NET", A), Transport::Udp).unwrap();
    assert_eq!(&bytes[12..29], b"\x03WeB\x07eXample\x03NET\x00");
    assert_eq!(&bytes[33..35], [0xc0, 12], "the owner is the question's name");
    assert!(answer_text(&query("mixed.EXAMPLE.net", TXT_TYPE), TCP).contains("owner in mixed case"));
}

#[test]
fn rd_is_copied_and_ra_ad_cd_are_not_set() {
    let mut asked = query("web.example.net", A);
    asked[2] = 0x01;
    asked[3] = 0x30;
    let (_, bytes) = raw(&asked, Transport::Udp).unwrap();
    assert_eq!((bytes[2], bytes[3]), (0x85, 0x00));
    asked[2] = 0x00;
    let (_, bytes) = raw(&asked, Transport::Udp).unwrap();
    assert_eq!((bytes[2], bytes[3]), (0x84, 0x00));
}

#[test]
fn any_is_answered_with_one_set() {
    expect("web.example.net", ANY, &["NoError aa", "an web.example.net. 3600 A 192.0.2.80"]);
    expect("www.example.net", ANY, &["NoError aa", "an www.example.net. 3600 CNAME web.example.net."]);
    expect("b.example.net", ANY, &["NoError aa", SOA_LINE]);
    expect("nope.example.net", ANY, &["NXDomain aa", SOA_LINE]);
}

#[test]
fn an_unknown_type_is_answered_as_it_is() {
    let shown = answer_text(&query("odd.example.net", 65280), TCP);
    assert!(shown.starts_with("NoError aa\nan odd.example.net. 3600 "), "{shown}");
    let (_, bytes) = raw(&query("odd.example.net", 65280), TCP).unwrap();
    assert!(bytes.ends_with(&[0, 4, 1, 2, 3, 4]), "{bytes:02x?}");
}

#[test]
fn helpers_come_with_mx_srv_ns_and_https() {
    expect(
        "example.net",
        NS,
        &[
            "NoError aa",
            "an example.net. 3600 NS ns1.example.net.",
            "an example.net. 3600 NS ns2.example.org.",
            "ar ns1.example.net. 3600 A 192.0.2.1",
            "ar ns1.example.net. 3600 AAAA 2001:db8::1",
        ],
    );
    expect(
        "_http._tcp.example.net",
        SRV,
        &[
            "NoError aa",
            "an _http._tcp.example.net. 3600 SRV 0 5 80 web.example.net.",
            "ar web.example.net. 3600 A 192.0.2.80",
            "ar web.example.net. 3600 AAAA 2001:db8::80",
        ],
    );
    let in_service_mode = answer_text(&query("svc.example.net", HTTPS), TCP);
    assert!(in_service_mode.ends_with("ar svc.example.net. 3600 A 192.0.2.70"), "{in_service_mode}");
    assert_eq!(in_service_mode.matches("HTTPS").count(), 1, "{in_service_mode}");
    let in_alias_mode = answer_text(&query("svc-alias.example.net", HTTPS), TCP);
    assert!(in_alias_mode.contains("\nar svc.example.net. 3600 HTTPS 1 ."), "{in_alias_mode}");
    assert!(in_alias_mode.ends_with("ar svc.example.net. 3600 A 192.0.2.70"), "{in_alias_mode}");
}
