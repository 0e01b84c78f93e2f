//! Zones, their nameservers and their serials.

use polder::fleet::check::{Served, ZoneChange};
use serde_json::json;

use crate::example::{Example, broken, served, told};

#[test]
fn every_nameserver_of_a_zone_is_a_host_that_serves_it() {
    broken(
        "an NS of elsewhere",
        |example| example.zone("IN NS     ns-nl", "IN NS ns.example.org.\n IN NS ns-nl"),
        &[
            "ZONE:6: NS ns.example.org: no zone of the fleet has an address for it, so nobody here can serve example.net \
           there",
        ],
    );
    broken(
        "an NS that leads to another host",
        |example| {
            example.zone("IN NS     ns-nl", "IN NS px-nl\n IN NS ns-nl");
        },
        &[
            "ZONE:6: NS px-nl.example.net: px-nl, at 192.0.2.11, does not serve example.net",
            "ZONE:6: NS px-nl.example.net: px-nl, at 2001:db8:1::11, does not serve example.net",
        ],
    );
    broken(
        "an address with a slip in it",
        |example| example.zone("ns-ch       IN A      198.51.100.1\n", "ns-ch IN A 198.51.100.9\n"),
        &["ZONE:7: NS ns-ch.example.net: its address 198.51.100.9 is no host of the fleet"],
    );
    broken(
        "a nameserver that no NS names",
        |example| example.zone("            IN NS     ns-ch\n", ""),
        &["zone example.net: ns-ch serves it and no NS record leads there: nobody would ask it; add one to ZONE"],
    );
    broken(
        "one nameserver",
        |example| example.fleet["zones"]["example.net"]["nameservers"] = json!(["ns-nl"]),
        &["zone example.net: has fewer than two nameservers (ns-nl): it is gone with the first"],
    );
    broken(
        "a nameserver that is none",
        |example| example.fleet["zones"]["example.net"]["nameservers"] = json!(["ns-nl", "ns-ch", "web-1"]),
        &["zone example.net: web-1 is to answer for it, and is no nameserver of the fleet"],
    );
}

#[test]
fn a_serial_never_goes_down_and_goes_up_with_every_change() {
    broken(
        "a higher one is served",
        |example| example.known.served = [("example.net".to_owned(), vec![served(2_026_112_302)])].into(),
        &[
            "ZONE: its serial is 2026112301, and ns-nl has 2026112302, which is higher: run `polder serial example.net --above \
           2026112302`",
        ],
    );
    let changed = |serial_before| {
        move |example: &mut Example| {
            example.known.changes = vec![ZoneChange { apex: "example.net".to_owned(), serial_before }];
        }
    };
    broken(
        "a change under the same serial",
        changed(2_026_112_301),
        &[
            "ZONE: the zone differs from the last revision, and its serial is 2026112301 where that has 2026112301: run `polder \
           serial example.net`",
        ],
    );
    broken("a change under a higher serial", changed(2_026_112_300), &[]);
}

#[test]
fn what_could_not_be_compared_is_told() {
    let mut example = Example::new();
    let silent = |by: &str| Served::Unknown { by: by.to_owned(), why: "no answer".to_owned() };
    example.known.served = [("example.net".to_owned(), vec![silent("ns-nl"), silent("ns-ch")])].into();
    let checked = example.checked();
    assert_eq!(told(&checked.findings), [""; 0]);
    assert_eq!(
        told(&checked.notes),
        [
            "zone example.net: ns-nl could not be asked for its serial: no answer",
            "zone example.net: ns-ch could not be asked for its serial: no answer",
            "zone example.net: its serial 2026112301 was not compared with what is served: state that with --served \
             example.net=SERIAL",
        ]
    );
    example.known.served = [("example.net".to_owned(), vec![Served::NotYet { by: "ns-ch".to_owned() }])].into();
    assert_eq!(told(&example.checked().notes), ["zone example.net: ns-ch does not serve it yet"]);
}
