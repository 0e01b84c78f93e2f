//! Zones for other nameservers: sent over TCP, and told of.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::json;

use crate::fleet::*;

const AXFR: u16 = 252;
const NOTIFY: u8 = 4 << 3;

#[test]
fn a_zone_is_transferred_and_the_connection_goes_on() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["zones"]["example.net"]["transfer"] = json!({ "allow": [{ "networks": ["127.0.0.0/8"] }] });
    daemon.write_document();
    daemon.run();
    let mut stream = connect(daemon.port);
    for _ in 0..2 {
        write_framed(&mut stream, &query("example.net", AXFR));
        let message = read_framed(&mut stream).unwrap();
        let records: Vec<String> = message.answers.iter().map(ToString::to_string).collect();
        assert!(records.len() > 3 && records.first() == records.last(), "{records:#?}");
        assert!(records.iter().any(|record| record.contains("127.0.0.1")), "the pool as it is answered: {records:#?}");
    }
    write_framed(&mut stream, &query("ns1.example.net", 1));
    assert_eq!(read_framed(&mut stream).unwrap().answers.len(), 1);
    let metrics = block_on(daemon.client().get_text("/metrics")).unwrap();
    assert!(metrics.contains("polder_transfers_total{daemon=\"nameserver\"} 2\n"), "{metrics}");
}

#[test]
fn whoever_is_named_is_told_of_each_serial_until_he_answers() {
    let listening = UdpSocket::bind("127.0.0.1:0").unwrap();
    listening.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let next = || {
        let mut buffer = [0; 512];
        let (length, from) = listening.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[2] & 0xf8, NOTIFY, "QR and opcode");
        (buffer[..length].to_vec(), from)
    };
    let answer = |(mut message, from): (Vec<u8>, std::net::SocketAddr)| {
        message[2] |= 0x80;
        listening.send_to(&message, from).unwrap();
    };
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    daemon.document["zones"]["example.net"]["transfer"] = json!({
        "allow": [{ "networks": ["127.0.0.0/8"] }],
        "notify": [{ "address": listening.local_addr().unwrap().to_string() }],
    });
    daemon.write_document();
    daemon.run();
    let first = next();
    assert_eq!(first.0[12..], query("example.net", 6)[12..], "the zone's SOA is asked for");
    // He was away: it comes again.
    answer(next());
    daemon.write_zone(2, "");
    daemon.reload().unwrap();
    answer(next());
    wait_for("the end of the telling", || daemon.log().contains("was told of serial 2").then_some(()));
    // A reload without a new serial is no news. What would come by mistake would come before the next serial's.
    daemon.reload().unwrap();
    daemon.write_zone(3, "");
    daemon.reload().unwrap();
    answer(next());
    wait_for("the last serial", || daemon.log().contains("was told of serial 3").then_some(()));
}

#[test]
fn a_zone_for_anybody_a_key_that_nobody_has_and_a_bad_secret_are_findings() {
    let members = Members::start(1);
    let mut daemon = Daemon::prepare(&members);
    let mut said = |transfer: serde_json::Value, secret: &str| {
        std::fs::write(daemon.config().with_file_name("secret"), secret).unwrap();
        daemon.document["tsig_keys"] = json!({ "trans.key": { "algorithm": "hmac-sha256", "secret_file": "secret" } });
        daemon.document["zones"]["example.net"]["transfer"] = transfer;
        daemon.write_document();
        let output = daemon.output(&["--check-config", "--live"]);
        (output.status.code(), text(&output.stderr))
    };
    let good = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    for (transfer, secret, expected) in [
        (json!({ "allow": [{}] }), good, "would give the zone to anybody"),
        (json!({ "allow": [] }), good, "at least one"),
        (
            json!({ "allow": [{ "key": "trans.kye" }] }),
            good,
            "\"trans.kye\" is none of the document's tsig_keys: there are trans.key",
        ),
        (json!({ "allow": [{ "key": "trans.key" }] }), "AAAA", "3 bytes; expected 16 at least"),
        (json!({ "allow": [{ "key": "trans.key" }] }), "no base64", "not base64"),
    ] {
        let (code, printed) = said(transfer, secret);
        assert!(code == Some(1) && printed.contains(expected), "{expected}: {code:?} {printed}");
        assert!(!printed.contains("no base64"), "a secret is never shown: {printed}");
    }
    assert_eq!(said(json!({ "allow": [{ "key": "trans.key" }] }), good).0, Some(0));
}
