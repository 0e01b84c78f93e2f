//! Zones whose files cannot be used when the daemon starts.

use std::fs;

use hickory_proto::op::ResponseCode;
use polder::api::client::ClientError;
use serde_json::json;

use crate::fleet::*;

const OTHER: &str = "$TTL 60\n@ SOA ns.example.net. hostmaster 7 2h 15m 2w 60\n NS ns.example.net.\nwww A 192.0.2.7\n";

/// The usual zone and pool, and `other.test` beside them; not started.
fn with_another_zone() -> Daemon {
    let mut daemon = Daemon::prepare(&Members::start(1));
    daemon.document["zones"]["other.test"] = json!({ "file": "other.test.zone" });
    daemon.write_document();
    write_other(&daemon, OTHER);
    daemon
}

fn write_other(daemon: &Daemon, text: &str) {
    fs::write(daemon.folder.path().join("other.test.zone"), text).unwrap();
}

fn copy_of(daemon: &Daemon, zone: &str) -> std::path::PathBuf {
    daemon.folder.path().join(format!("state/zones/{zone}.zone"))
}

fn restart(daemon: &mut Daemon) {
    daemon.signal(nix::sys::signal::Signal::SIGKILL);
    daemon.wait_exit();
    daemon.run();
}

fn rcode(daemon: &Daemon, name: &str) -> ResponseCode {
    udp(([127, 0, 0, 1], daemon.port).into(), &query(name, 1)).metadata.response_code
}

fn metrics(daemon: &Daemon) -> String {
    block_on(daemon.client().get_text("/metrics")).unwrap()
}

#[test]
fn a_zone_that_cannot_be_read_at_a_start_is_served_from_its_last_good_copy_and_marked() {
    let mut daemon = with_another_zone();
    daemon.run();
    wait_for("the zones' copies", || {
        exists(&copy_of(&daemon, "other.test")).and(exists(&copy_of(&daemon, "example.net")))
    });
    write_other(&daemon, &format!("{OTHER}ftp A 192.0.2.300\n"));
    // The zone of the pool goes altogether.
    fs::remove_file(daemon.folder.path().join("example.net.zone")).unwrap();
    let check = daemon.output(&["--check-config"]);
    assert_eq!(check.status.code(), Some(1), "--check-config stays strict");
    assert!(text(&check.stderr).contains("192.0.2.300"), "{}", text(&check.stderr));

    restart(&mut daemon);
    assert_eq!(daemon.addresses("www.other.test"), ["192.0.2.7"]);
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.1"]);
    let status = daemon.status();
    assert_eq!(status.failed_zones, []);
    let other = status.zones.iter().find(|zone| zone.name == "other.test").unwrap();
    assert_eq!((other.serial, other.records), (7, 3));
    let because = other.copy_because.as_ref().unwrap();
    assert!(because.contains("last good copy (serial 7") && because.contains("192.0.2.300"), "{because}");
    assert_eq!(status.daemon.alarms.iter().filter(|alarm| alarm.contains("last good copy")).count(), 2, "{status:?}");
    let page = metrics(&daemon);
    assert!(page.contains("zone=\"other.test\",source=\"copy\"} 1"), "{page}");

    // A reload wants every file, as ever, and the next good one ends the alarm.
    assert!(matches!(daemon.reload(), Err(ClientError::Refused { status: 422, .. })));
    assert_eq!(daemon.addresses("www.other.test"), ["192.0.2.7"]);
    write_other(&daemon, &OTHER.replace(" 7 ", " 8 "));
    daemon.write_zone(2, "www CNAME http0.l");
    daemon.reload().unwrap();
    let status = daemon.status();
    assert!(status.zones.iter().all(|zone| zone.copy_because.is_none()), "{status:?}");
    assert!(!status.daemon.alarms.iter().any(|alarm| alarm.contains("last good copy")), "{status:?}");
    wait_for("the new copy", || {
        fs::read_to_string(copy_of(&daemon, "other.test")).ok().filter(|text| text.contains("00000008"))
    });
}

#[test]
fn a_zone_without_a_good_copy_is_answered_servfail_and_the_others_as_ever() {
    let mut daemon = with_another_zone();
    write_other(&daemon, "no zone at all\n");
    daemon.run();
    assert_eq!(rcode(&daemon, "www.other.test"), ResponseCode::ServFail);
    assert_eq!(rcode(&daemon, "other.test"), ResponseCode::ServFail);
    assert_eq!(rcode(&daemon, "www.nowhere.test"), ResponseCode::Refused);
    assert_eq!(daemon.addresses("www.example.net"), ["127.0.0.1"]);
    let status = daemon.status();
    assert_eq!(status.failed_zones.len(), 1);
    assert!(status.failed_zones[0].because.contains("SERVFAIL"), "{status:?}");
    assert!(
        status.daemon.alarms.iter().any(|alarm| alarm.starts_with("zone other.test is answered SERVFAIL")),
        "{status:?}"
    );
    assert!(daemon.log().contains("zone other.test is answered SERVFAIL"), "{}", daemon.log());
    write_other(&daemon, OTHER);
    daemon.reload().unwrap();
    assert_eq!(daemon.addresses("www.other.test"), ["192.0.2.7"]);
    assert_eq!(daemon.status().failed_zones, []);
}

#[test]
fn a_damaged_copy_is_not_served() {
    let mut daemon = with_another_zone();
    daemon.run();
    let copy = copy_of(&daemon, "other.test");
    wait_for("the zone's copy", || exists(&copy));
    write_other(&daemon, "");
    let text = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, text.replace("c0000207", "c0000208")).unwrap();
    restart(&mut daemon);
    assert_eq!(rcode(&daemon, "www.other.test"), ResponseCode::ServFail);
    assert!(daemon.status().failed_zones[0].because.contains("damaged"), "{:?}", daemon.status().failed_zones);
}

#[test]
fn check_config_warns_of_what_is_hardly_meant_and_refuses_it_where_checks_are_strict() {
    let mut daemon = with_another_zone();
    write_other(&daemon, &format!("{OTHER}@ MX 10 alias\nalias CNAME www\n"));
    let lenient = daemon.output(&["--check-config"]);
    assert!(lenient.status.success(), "{}", text(&lenient.stderr));
    assert!(text(&lenient.stderr).starts_with("warning: "), "{}", text(&lenient.stderr));
    assert!(text(&lenient.stderr).contains("other.test.zone:5: other.test. MX: alias.other.test. is an alias"));
    daemon.document["zones"]["other.test"]["checks"] = "strict".into();
    daemon.write_document();
    let strict = daemon.output(&["--check-config"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict.stderr).contains("alias.other.test. is an alias"), "{}", text(&strict.stderr));
}

#[test]
fn the_root_can_be_a_zone_and_a_wildcard_a_pool() {
    let mut daemon = with_another_zone();
    daemon.document["zones"]["."] = json!({ "file": "root.zone" });
    daemon.document["pools"]["*.apps.example.net"] = daemon.document["pools"][POOL].clone();
    daemon.write_document();
    let root = "$TTL 60\n. SOA ns.example.net. admin. 1 2 3 4 5\n NS ns.example.org.\nns.example.org A 192.0.2.53\nelsewhere NS ns.example.org.\n";
    fs::write(daemon.folder.path().join("root.zone"), root).unwrap();
    daemon.run();
    assert_eq!(daemon.addresses("any.name.apps.example.net"), ["127.0.0.1"]);
    assert_eq!(rcode(&daemon, "nowhere"), ResponseCode::NXDomain);
    assert_eq!(rcode(&daemon, "www.elsewhere"), ResponseCode::NoError);
    assert_eq!(daemon.addresses("www.other.test"), ["192.0.2.7"]);
    assert!(daemon.status().zones.iter().any(|zone| zone.name == "."));
}
