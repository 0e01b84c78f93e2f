#![allow(clippy::unwrap_used)]

use super::*;

fn plan(host: serde_json::Value) -> Plan {
    let plan = json!({ "version": 1, "revision": "r2", "local_changes": [], "hosts": { "px-nl": host },
        "batches": [["px-nl"]], "skipped": ["px-ch"], "risks": ["pool p: 1 of 2 proxies stay"] });
    serde_json::from_value(plan).unwrap()
}

fn host(before: &str, changes: &[&str], reloads: &[&str]) -> serde_json::Value {
    let effects = json!({ "reloads": reloads, "restarts": [], "starts": [], "stops": [] });
    json!({ "before": before, "system": "/new", "derivation": "/new.drv", "changes": changes, "effects": effects })
}

fn said(plan: &Plan) -> String {
    anstream::adapter::strip_str(&text(plan)).to_string()
}

#[test]
fn a_plan_says_what_changes_what_is_left_out_what_is_at_stake_and_in_which_order() {
    let plan = plan(host("/old", &["service www: web-3 joins (weight 100)"], &["polder-proxy"]));
    let expected = format!(
        "px-nl: reloads polder-proxy, restarts nothing\n  service www: web-3 joins (weight 100)\nskipped: px-ch\n\
         risk pool p: 1 of 2 proxies stay\norder: px-nl\nplan: {}\n",
        &plan.hash()[..12]
    );
    assert_eq!(said(&plan), expected);
}

#[test]
fn a_host_that_no_switch_can_change_is_told_to_restart_with_the_reason() {
    let mut host = host("/old", &[], &["polder-proxy"]);
    host["inhibitors"] = json!(["dbus-implementation: dbus -> broker"]);
    let said = said(&plan(host));
    let expected = "px-nl: restarts (with --reboot), as a switch may not change what follows\n  dbus-implementation: dbus -> broker\n";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_host_that_changes_in_nothing_that_is_spoken_of_says_so() {
    let said = said(&plan(host("/old", &[], &[])));
    assert!(said.contains("something else in its system differs"), "{said}");
}

#[test]
fn without_a_change_the_skipped_hosts_are_told_all_the_same() {
    let mut plan = plan(host("/new", &[], &[]));
    plan.batches.clear();
    assert_eq!(said(&plan), "nothing would change\nskipped: px-ch\n");
}

#[test]
fn a_diff_shows_the_lines_of_each_document_and_zone_that_change() {
    let side = |document: &str, zone: &str| Running {
        documents: [("dns.json".to_owned(), document.to_owned())].into(),
        zones: [("example.net".to_owned(), zone.to_owned())].into(),
        ..Running::default()
    };
    let hosts = |running: Running| BTreeMap::from([("ns-nl".to_owned(), running)]);
    let diffs = diffs(&hosts(side("{\n}\n", "a\nb\n")), &hosts(side("{\n}\n", "a\nc\n")));
    assert_eq!(diffs.keys().collect::<Vec<_>>(), ["ns-nl: example.net"]);
    assert!(diffs["ns-nl: example.net"].contains("-b\n+c\n"), "{diffs:?}");
}
