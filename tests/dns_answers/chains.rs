//! CNAME and DNAME.

use polder::zone::number::rtype::*;

use crate::ask::{TCP, answer_text, expect, query};

const SOA_LINE: &str =
    "ns example.net. 600 SOA ns1.example.net. hostmaster.example.net. 2026010101 7200 3600 1209600 600";

#[test]
fn a_cname_is_followed_inside_the_zone_and_not_when_it_is_asked_for() {
    let cname = "an www.example.net. 3600 CNAME web.example.net.";
    expect("www.example.net", A, &["NoError aa", cname, "an web.example.net. 3600 A 192.0.2.80"]);
    expect("www.example.net", CNAME, &["NoError aa", cname]);
    expect("www.example.net", MX, &["NoError aa", cname, SOA_LINE]);
}

#[test]
fn a_chain_goes_on_across_our_own_zones() {
    expect(
        "cross.example.net",
        A,
        &[
            "NoError aa",
            "an cross.example.net. 3600 CNAME back.other.test.",
            "an back.other.test. 300 CNAME www.example.net.",
            "an www.example.net. 3600 CNAME web.example.net.",
            "an web.example.net. 3600 A 192.0.2.80",
        ],
    );
}

#[test]
fn a_chain_that_leaves_our_zones_ends_there_without_an_error() {
    expect("out.example.net", A, &["NoError aa", "an out.example.net. 3600 CNAME www.example.com."]);
}

#[test]
fn a_chain_to_a_missing_name_has_its_error() {
    expect(
        "broken.example.net",
        A,
        &["NXDomain aa", "an broken.example.net. 3600 CNAME nowhere.example.net.", SOA_LINE],
    );
}

#[test]
fn a_chain_into_a_delegation_keeps_aa_and_refers() {
    expect(
        "to-child.example.net",
        A,
        &[
            "NoError aa",
            "an to-child.example.net. 3600 CNAME www.child.example.net.",
            "ns child.example.net. 3600 NS ns.child.example.net.",
            "ns child.example.net. 3600 NS ns.example.org.",
            "ns child.example.net. 3600 NS ns1.example.net.",
            "ar ns.child.example.net. 3600 A 192.0.2.53",
            "ar ns.child.example.net. 3600 AAAA 2001:db8::53",
            "ar ns1.example.net. 3600 A 192.0.2.1",
            "ar ns1.example.net. 3600 AAAA 2001:db8::1",
        ],
    );
}

#[test]
fn a_loop_is_answered_once_round() {
    let (one, two) =
        ("an loop1.example.net. 3600 CNAME loop2.example.net.", "an loop2.example.net. 3600 CNAME loop1.example.net.");
    expect("loop1.example.net", A, &["NoError aa", one, two]);
    expect("LOOP2.example.net", A, &["NoError aa", &two.replace("an loop2", "an LOOP2"), one]);
    expect(
        "z.round.example.net",
        A,
        &[
            "NoError aa",
            "an z.round.example.net. 3600 CNAME a.round.example.net.",
            "an a.round.example.net. 3600 CNAME a.round.example.net.",
        ],
    );
}

#[test]
fn a_long_chain_is_answered_as_far_as_it_is_followed() {
    let shown = answer_text(&query("c1.example.net", A), TCP);
    assert_eq!(shown.matches("CNAME").count(), 9, "{shown}");
    assert!(shown.starts_with("NoError aa\n"), "{shown}");
    assert!(!shown.contains("192.0.2.80") && !shown.contains("SOA"), "{shown}");
}

#[test]
fn a_dname_redirects_what_is_below_it_and_nothing_else() {
    expect(
        "x.d.example.net",
        A,
        &[
            "NoError aa",
            "an d.example.net. 3600 DNAME target.example.net.",
            "an x.d.example.net. 3600 CNAME x.target.example.net.",
            "an x.target.example.net. 3600 A 192.0.2.44",
        ],
    );
    expect("d.example.net", DNAME, &["NoError aa", "an d.example.net. 3600 DNAME target.example.net."]);
    expect("d.example.net", A, &["NoError aa", SOA_LINE]);
    let at_the_owner = answer_text(&query("d.example.net", 16), TCP);
    assert!(at_the_owner.contains("at the owner of a DNAME"), "{at_the_owner}");
}

#[test]
fn a_dname_to_elsewhere_and_to_a_missing_name_end_like_a_cname() {
    expect(
        "a.b.far.example.net",
        A,
        &[
            "NoError aa",
            "an far.example.net. 3600 DNAME away.example.com.",
            "an a.b.far.example.net. 3600 CNAME a.b.away.example.com.",
        ],
    );
    let missing = answer_text(&query("y.d.example.net", A), TCP);
    assert!(missing.starts_with("NXDomain aa\n") && missing.ends_with(SOA_LINE), "{missing}");
}

#[test]
fn a_question_for_cname_below_a_dname_has_its_answer_in_the_made_one() {
    expect(
        "x.d.example.net",
        CNAME,
        &[
            "NoError aa",
            "an d.example.net. 3600 DNAME target.example.net.",
            "an x.d.example.net. 3600 CNAME x.target.example.net.",
        ],
    );
}

#[test]
fn a_dname_that_makes_a_name_too_long_is_yxdomain() {
    let label = "x".repeat(60);
    let shown = answer_text(&query(&format!("{label}.long.example.net"), A), TCP);
    assert!(shown.starts_with("YXDomain aa\nan long.example.net. 3600 DNAME "), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn dnames_in_a_ring_end() {
    let shown = answer_text(&query("x.ring.example.net", A), TCP);
    assert!(shown.starts_with("NoError aa\n"), "{shown}");
    assert!(shown.lines().count() <= 6, "{shown}");
}

#[test]
fn a_dname_that_a_chain_comes_by_twice_stands_once_in_the_answer() {
    let dname = "an again.example.net. 3600 DNAME turn.example.net.";
    expect(
        "x.again.example.net",
        A,
        &[
            "NoError aa",
            dname,
            "an x.again.example.net. 3600 CNAME x.turn.example.net.",
            "an x.turn.example.net. 3600 CNAME y.again.example.net.",
            "an y.again.example.net. 3600 CNAME y.turn.example.net.",
            "an y.turn.example.net. 3600 A 192.0.2.9",
        ],
    );
    expect(
        "z.again.example.net",
        DNAME,
        &[
            "NoError aa",
            dname,
            "an z.again.example.net. 3600 CNAME z.turn.example.net.",
            "an z.turn.example.net. 3600 CNAME again.example.net.",
        ],
    );
}
