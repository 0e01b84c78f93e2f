//! Zones from other nameservers, over reloads.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use polder::zone::number::{rcode, rtype};
use serde_json::json;

use crate::fleet::*;

const SECONDARY: &str = "second.example";

/// What a query for the zone's SOA is answered with: the code, and the serial.
fn soa(daemon: &Daemon) -> (u16, Option<String>) {
    let answer = udp(SocketAddr::from((Ipv4Addr::LOCALHOST, daemon.port)), &query(SECONDARY, rtype::SOA));
    let serial =
        answer.answers.first().and_then(|record| Some(record.to_string().split_whitespace().nth(6)?.to_owned()));
    (answer.metadata.response_code.into(), serial)
}

/// A nameserver that has the zone, with this serial.
fn primary(members: &Members, serial: u32) -> Daemon {
    let mut primary = Daemon::prepare(members);
    let file = primary.config().with_file_name("second.example.zone");
    std::fs::write(file, format!("$TTL 60\n@ SOA ns host {serial} 3600 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n"))
        .unwrap();
    let allow = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    primary.document["zones"][SECONDARY] = json!({ "file": "second.example.zone", "transfer": allow });
    primary.write_document();
    primary.run();
    primary
}

#[test]
fn a_reload_lets_go_of_the_question_to_a_primary_that_the_document_has_no_more() {
    let members = Members::start(1);
    let primary = primary(&members, 7);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = Daemon::prepare(&members);
    daemon.document["zones"][SECONDARY] = json!({ "primaries": [{ "address": silent.local_addr().unwrap() }] });
    daemon.write_document();
    daemon.run();
    let (mut asked, _) = silent.accept().unwrap();
    // Shorter than a silent primary is waited for.
    asked.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut length = [0; 2];
    asked.read_exact(&mut length).unwrap();
    assert_eq!(soa(&daemon), (rcode::SERVFAIL, None), "it has not come yet");

    daemon.document["zones"][SECONDARY] =
        json!({ "primaries": [{ "address": format!("127.0.0.1:{}", primary.port) }] });
    daemon.write_document();
    daemon.reload().unwrap();
    wait_for("the zone of the other primary", || (soa(&daemon) == (rcode::NOERROR, Some("7".into()))).then_some(()));
    // Nobody waits for this one any more: the connection ends.
    asked.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_process_that_takes_over_has_what_is_stored_of_zones_from_others_whether_they_answer_or_not() {
    let members = Members::start(1);
    let primary = primary(&members, 7);
    let mut daemon = Daemon::prepare(&members);
    let transfer = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    daemon.document["zones"][SECONDARY] =
        json!({ "primaries": [{ "address": format!("127.0.0.1:{}", primary.port) }], "transfer": transfer });
    daemon.document["zones"]["catalog.example"] = json!({ "catalog": { "zones": [SECONDARY] }, "transfer": transfer });
    daemon.write_document();
    daemon.run();
    wait_for("the zone", || (soa(&daemon).0 == rcode::NOERROR).then_some(()));
    drop(primary);
    daemon.take_over();
    assert_eq!(soa(&daemon), (rcode::NOERROR, Some("7".into())), "{}", daemon.log());
}

#[test]
fn a_zone_that_the_document_has_no_more_is_not_there_when_it_comes_back() {
    let members = Members::start(1);
    let primary = primary(&members, 7);
    let mut daemon = Daemon::prepare(&members);
    let with = json!({ "primaries": [{ "address": format!("127.0.0.1:{}", primary.port) }] });
    daemon.document["zones"][SECONDARY] = with;
    daemon.write_document();
    daemon.run();
    wait_for("the zone", || (soa(&daemon).0 == rcode::NOERROR).then_some(()));

    daemon.document["zones"].as_object_mut().unwrap().remove(SECONDARY);
    daemon.write_document();
    daemon.reload().unwrap();
    assert_eq!(soa(&daemon).0, rcode::REFUSED);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    daemon.document["zones"][SECONDARY] = json!({ "primaries": [{ "address": silent.local_addr().unwrap() }] });
    daemon.write_document();
    daemon.reload().unwrap();
    let _asked = silent.accept().unwrap();
    assert_eq!(soa(&daemon), (rcode::SERVFAIL, None), "what was stored of it went with it");
}

/// A catalog of this version, with this serial, which lists the zone.
fn catalog(version: &str, serial: u32) -> String {
    format!(
        "$TTL 0\n@ SOA invalid. invalid. {serial} 3600 3600 86400 0\n@ NS invalid.\nversion TXT \"{version}\"\n1.zones PTR {SECONDARY}.\n"
    )
}

#[test]
fn a_restart_beside_a_catalog_that_is_broken_goes_by_the_last_one_that_was_sound() {
    const CATALOG: &str = "catalog.example";
    let members = Members::start(1);
    let mut primary = primary(&members, 7);
    let file = primary.config().with_file_name("catalog.example.zone");
    std::fs::write(&file, catalog("2", 1)).unwrap();
    let allow = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    primary.document["zones"][CATALOG] = json!({ "file": "catalog.example.zone", "transfer": allow });
    primary.write_document();
    primary.reload().unwrap();

    let mut daemon = Daemon::prepare(&members);
    let from = json!([{ "address": format!("127.0.0.1:{}", primary.port) }]);
    daemon.document["zones"][CATALOG] = json!({ "primaries": from, "members": {} });
    daemon.write_document();
    daemon.run();
    wait_for("the zone that the catalog lists", || (soa(&daemon).0 == rcode::NOERROR).then_some(()));

    std::fs::write(&file, catalog("3", 2)).unwrap();
    primary.reload().unwrap();
    // Another document has the primaries asked anew.
    daemon.document["zones"][CATALOG]["checks"] = json!("strict");
    daemon.write_document();
    daemon.reload().unwrap();
    wait_for("the broken catalog", || daemon.log().contains("catalog catalog.example is broken").then_some(()));
    assert_eq!(soa(&daemon).0, rcode::NOERROR);

    let mut process = daemon.process.take().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    daemon.run();
    wait_for("the zone after the restart", || (soa(&daemon).0 == rcode::NOERROR).then_some(()));
}
