//! Members that are near to some clients.

use polder::api::dns::Explanation;
use serde_json::{Value, json};

use crate::fleet::*;

/// What the daemon says of a name, for a client.
fn explained(daemon: &Daemon, from: &str) -> Explanation {
    let answer: Value = daemon.get(&format!("/explain?name=www.example.net&from={from}")).unwrap();
    serde_json::from_value(answer).unwrap()
}

#[test]
fn a_client_gets_the_member_that_is_near_while_it_is_well_and_all_when_it_is_not_which_explain_tells() {
    let members = Members::start(3);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["locations"] =
        json!({ "here": { "networks": ["127.0.0.0/8"] }, "there": { "networks": ["10.0.0.0/8"] } });
    let pool = &mut daemon.document["pools"][POOL];
    pool["nearby_at_least"] = json!(1);
    pool["members"]["m2"]["location"] = json!("here");
    pool["members"]["m3"]["location"] = json!("there");
    daemon.write_document();
    daemon.run();
    daemon.wait_answer("www.example.net", &["127.0.0.2"]);
    let there = explained(&daemon, "10.1.2.3");
    assert_eq!(there.addresses, ["127.0.0.3"]);
    let because = there.because.join("\n");
    assert!(because.contains("clients in there, to whom some members are near, get 127.0.0.3"), "{because}");
    assert!(because.contains("m1 127.0.0.1: up") && because.contains("answered to clients elsewhere"), "{because}");
    let nowhere = explained(&daemon, "192.0.2.1");
    assert_eq!(nowhere.addresses.len(), 3);
    assert!(nowhere.because.join("\n").contains("192.0.2.1 is in none of the document's locations"));

    members.set(1, false);
    daemon.wait_answer("www.example.net", &["127.0.0.1", "127.0.0.3"]);
    let because = explained(&daemon, "127.0.0.1").because.join("\n");
    assert!(because.contains("clients in here get what all get"), "{because}");
    members.set(1, true);
    daemon.wait_answer("www.example.net", &["127.0.0.2"]);

    daemon.document["pools"][POOL]["nearby_at_least"] = json!(2);
    daemon.write_document();
    let checked = text(&daemon.output(&["--check-config"]).stderr);
    assert!(checked.contains("there is 1 member in here, and clients there get them alone from 2 on"), "{checked}");
    daemon.reload().unwrap();
    daemon.wait_answer("www.example.net", &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
}
