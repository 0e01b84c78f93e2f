//! Delegations.

use polder::zone::number::rtype::*;

use crate::ask::{TCP, answer_text, expect, query};

const REFERRAL: [&str; 8] = [
    "NoError",
    "ns child.example.net. 3600 NS ns.child.example.net.",
    "ns child.example.net. 3600 NS ns.example.org.",
    "ns child.example.net. 3600 NS ns1.example.net.",
    "ar ns.child.example.net. 3600 A 192.0.2.53",
    "ar ns.child.example.net. 3600 AAAA 2001:db8::53",
    "ar ns1.example.net. 3600 A 192.0.2.1",
    "ar ns1.example.net. 3600 AAAA 2001:db8::1",
];

#[test]
fn at_and_below_a_cut_is_a_referral_with_glue_and_without_aa() {
    for name in ["child.example.net", "www.child.example.net", "a.b.c.child.example.net"] {
        for qtype in [A, NS, SOA, ANY, CNAME, 16] {
            expect(name, qtype, &REFERRAL);
        }
    }
}

#[test]
fn glue_is_not_ours_to_answer() {
    expect("ns.child.example.net", A, &REFERRAL);
}

#[test]
fn ds_is_answered_by_the_parent_at_the_cut_alone() {
    let told_ds = answer_text(&query("child.example.net", DS), TCP);
    assert!(told_ds.starts_with("NoError aa\nan child.example.net. 3600 DS MDkNAg"), "{told_ds}");
    expect("www.child.example.net", DS, &REFERRAL);
}

#[test]
fn ds_of_a_child_we_serve_too_comes_from_the_parent() {
    let told_ds = answer_text(&query("own.example.net", DS), TCP);
    assert!(told_ds.starts_with("NoError aa\nan own.example.net. 3600 DS EmcNAg"), "{told_ds}");
}

#[test]
fn ds_at_an_apex_whose_parent_is_not_ours_is_nodata() {
    let told_ds = answer_text(&query("other.test", DS), TCP);
    assert!(told_ds.starts_with("NoError aa\nns other.test. 300 SOA "), "{told_ds}");
}

#[test]
fn a_child_zone_we_serve_too_is_answered_from_it() {
    expect("www.own.example.net", A, &["NoError aa", "an www.own.example.net. 300 A 192.0.2.200"]);
    let soa = "ns own.example.net. 60 SOA ns1.example.net. hostmaster.example.net. 5 7200 3600 1209600 60";
    expect("nope.own.example.net", A, &["NXDomain aa", soa]);
}
