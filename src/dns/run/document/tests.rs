#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use serde_json::{Value, json};

use super::*;

mod pools;

/// A folder with a document of two zones; the first one includes a file and has a warning, the second one has a pool.
struct Folder {
    folder: tempfile::TempDir,
    document: Value,
}

impl Folder {
    fn new() -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let document = json!({
            "version": 1,
            "name": "ns",
            "listeners": ["127.0.0.1:5300"],
            "admin": { "socket": folder.path().join("admin.sock") },
            "state_dir": folder.path(),
            "zones": { "one.test": { "file": "one" }, "two.test": { "file": "two" } },
            "pools": { "pool.two.test": {
                "members": { "a": { "addresses": ["192.0.2.1"] } }, "check": { "type": "tcp", "port": 80 }
            } }
        });
        let folder = Folder { folder, document };
        let head = "$TTL 60\n@ SOA ns.example.net. hostmaster 1 2h 15m 2w 60\n NS ns.example.net.\n";
        folder.write("one", &format!("{head}$INCLUDE more\nwww.elsewhere. A 192.0.2.9\n"));
        folder.write("more", "www A 192.0.2.7\n");
        folder.write("two", head);
        folder.write("dns.json", &folder.document.to_string());
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("dns.json")
    }

    fn start(&self) -> Prepared {
        Prepared::with_keys(Prepared::parse(&self.path()).unwrap()).unwrap().0
    }

    /// Which zones a reload takes from the document in force, and how many warnings it gives.
    fn kept(&self, in_force: &Prepared) -> (Vec<bool>, usize) {
        let parsed = Prepared::parse_again(&self.path(), in_force).unwrap();
        let same = |zone: &Zone| std::ptr::eq(zone, &**in_force.zones.get(&zone.apex).unwrap());
        (parsed.zones.iter().map(same).collect(), parsed.warnings.len())
    }
}

#[test]
fn a_reload_keeps_every_zone_that_has_not_changed_and_says_its_warnings_again() {
    let mut folder = Folder::new();
    let in_force = folder.start();
    assert_eq!(folder.kept(&in_force), (vec![true, true], 1));

    folder.write("more", "www A 192.0.2.8\n");
    assert_eq!(folder.kept(&in_force), (vec![false, true], 1), "a file that is included changed");

    folder.document["pools"]["pool.two.test"]["https"] = json!({});
    folder.write("dns.json", &folder.document.to_string());
    assert_eq!(folder.kept(&in_force), (vec![false, false], 1), "an HTTPS record of a pool came");

    folder.document["pools"]["pool.two.test"].as_object_mut().unwrap().remove("https");
    folder.document["pools"]["pool.two.test"]["aliases"] = json!(["www.two.test"]);
    folder.write("dns.json", &folder.document.to_string());
    assert_eq!(folder.kept(&in_force), (vec![false, false], 1), "a name of a pool came");

    fs::remove_file(folder.folder.path().join("more")).unwrap();
    assert!(Prepared::parse_again(&folder.path(), &in_force).is_err(), "a file that is included is gone");
}

#[test]
fn a_zone_is_read_again_when_its_checks_change() {
    let mut folder = Folder::new();
    let in_force = folder.start();
    folder.document["zones"]["two.test"]["checks"] = json!("strict");
    folder.write("dns.json", &folder.document.to_string());
    assert_eq!(folder.kept(&in_force), (vec![true, false], 1));
}

#[test]
fn a_zone_that_lies_in_a_signed_one_has_to_be_delegated_by_it() {
    let mut folder = Folder::new();
    folder.document["zones"] =
        json!({ "test": { "file": "above", "dnssec": { "keys": "keys" } }, "one.test": { "file": "one" } });
    folder.document["pools"] = json!({});
    let head = "$TTL 60\n@ SOA ns.example.net. hostmaster 1 2h 15m 2w 60\n NS ns.example.net.\n";
    folder.write("above", head);
    folder.write("dns.json", &folder.document.to_string());
    let findings = Prepared::parse(&folder.path()).err().unwrap().0;
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert!(finding.to_string().contains("it is signed, and does not delegate one.test"), "{finding}");
    folder.write("above", &format!("{head}one NS ns.example.net.\n"));
    assert!(Prepared::parse(&folder.path()).is_ok());
}

/// The zone `one.test`, signed at a time in seconds since the epoch.
fn presigned(now: u64) -> String {
    let text = "$TTL 60\n@ SOA ns.example.net. hostmaster 1 2h 15m 2w 60\n NS ns.example.net.\nwww A 192.0.2.7\n";
    crate::dns::signing::fixture::presigned_text("one.test", text, now, crate::config::dns::Denial::Nsec3)
}

#[test]
fn a_zone_that_comes_signed_is_refused_if_validators_would_and_served_if_its_signatures_have_run_out() {
    let now = unix_time::unix_ms() / 1000;
    let folder = Folder::new();
    folder.write("one", &presigned(now));
    let sound = Prepared::parse(&folder.path()).unwrap();
    assert!(sound.zones.iter().any(Zone::is_presigned) && sound.warnings.is_empty(), "{:?}", sound.warnings);
    folder.write("one", &presigned(now - 30 * 86_400));
    let over = Prepared::parse(&folder.path()).unwrap();
    assert!(over.warnings.iter().any(|warning| warning.message.contains("have run out")), "{:?}", over.warnings);
    let forged = presigned(now).replace("192.0.2.7", "192.0.2.8");
    folder.write("one", &forged);
    let refused = Prepared::parse(&folder.path()).err().unwrap().to_string();
    assert!(refused.contains("www.one.test. RRSIG: (of A) is none that key"), "{refused}");
}

#[test]
fn a_start_serves_a_zone_that_is_signed_wrongly_from_its_copy_or_as_it_is() {
    let now = unix_time::unix_ms() / 1000;
    let folder = Folder::new();
    let without: Vec<String> =
        presigned(now).lines().filter(|line| !line.contains(" RRSIG A ")).map(str::to_owned).collect();
    folder.write("one", &without.join("\n"));
    let as_it_is = Prepared::parse_at_start(&folder.path()).unwrap();
    assert!(as_it_is.zones.iter().any(Zone::is_presigned));
    let told = as_it_is.impaired["one.test"].to_string();
    assert!(told.starts_with("served as it is, and resolvers that validate refuse it: its signatures"), "{told}");
    assert!(told.contains("www.one.test. A: is not signed"), "{told}");
}

#[test]
fn a_zone_that_comes_signed_is_not_signed_again() {
    let mut folder = Folder::new();
    folder.document["zones"]["one.test"]["dnssec"] = json!({ "keys": "keys" });
    folder.write("dns.json", &folder.document.to_string());
    folder.write("one", &presigned(unix_time::unix_ms() / 1000));
    let refused = Prepared::parse(&folder.path()).err().unwrap().to_string();
    assert!(refused.contains("its file is signed already"), "{refused}");
}

#[test]
fn what_a_signed_zone_cannot_have_in_its_file_is_a_finding_before_any_key_is_read() {
    let mut folder = Folder::new();
    folder.document["zones"]["one.test"]["dnssec"] = json!({ "keys": "no-such-folder" });
    folder.write("dns.json", &folder.document.to_string());
    assert!(Prepared::parse(&folder.path()).is_ok());
    let digest = "00".repeat(48);
    for (record, name) in [
        ("@ DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", "DNSKEY"),
        (&format!("@ CDS 1 13 2 {}", "00".repeat(32)), "CDS"),
        ("@ CDNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", "CDNSKEY"),
        (&format!("@ ZONEMD 1 1 1 {digest}"), "ZONEMD"),
    ] {
        folder.write("more", &format!("{record}\n"));
        let Err(Findings(findings)) = Prepared::parse(&folder.path()) else { panic!("{name}") };
        let [finding] = &findings[..] else { panic!("{name}: {findings:?}") };
        assert!(finding.path == "zones[\"one.test\"].dnssec" && finding.message.contains(name), "{finding}");
    }
}

/// The zone `one.test` as it is signed at a time, after another one that was served.
fn renewed(prepared: &Prepared, zone: &Zone, now: u64) -> Zone {
    let signer = prepared.signers.of(&zone.apex).unwrap();
    let signatures = crate::dns::signing::sign_zone(zone, &signer.at(now), Some(zone)).unwrap();
    let mut renewed = zone.signed(Arc::new(signatures));
    journal::follow_renewed(&mut renewed, zone);
    renewed
}

#[test]
fn nobody_gets_a_difference_from_a_serial_under_which_the_zone_had_something_else_before_the_reload() {
    const HOUR: u64 = 3600;
    let mut folder = Folder::new();
    let keys = folder.folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let apex = name::from_text("one.test").unwrap();
    let times = crate::dnssec::Times::default();
    let key = crate::dnssec::make(&apex, crate::dnssec::Role::Ksk, crate::dnssec::Algorithm::Ed25519, times, &[]);
    key.unwrap().write(&keys).unwrap();
    folder.document["zones"]["one.test"] = json!({
        "file": "one",
        "dnssec": { "keys": "keys", "serial": "hourly" },
        "transfer": { "allow": [{ "networks": ["192.0.2.0/24"] }] }
    });
    folder.write("dns.json", &folder.document.to_string());
    let first = folder.start();
    let begun = first.signed_at;
    let an_hour_later = renewed(&first, first.zones.get(&apex).unwrap(), begun + HOUR);
    let served_then = an_hour_later.serial;
    first.renew(vec![Arc::new(an_hour_later)]);
    // The serial in the file stays, and the clock is not moved: what was served is served again with something else in it.
    folder.write("more", "www A 192.0.2.77\n");
    let second = Prepared::parse_again(&folder.path(), &first).unwrap();
    let second = Prepared::with_keys(second).unwrap().0;
    let mut zone = second.zones.get(&apex).unwrap().as_ref().clone();
    for hours in 1..60 {
        zone = renewed(&second, &zone, begun + hours * HOUR);
        assert!(zone.serial < served_then || zone.history.as_ref().unwrap().since(served_then).is_none(), "{hours}");
    }
    let day = served_then + 30 * crate::dns::signing::SERIALS_PER_HOUR;
    assert!(zone.history.as_ref().unwrap().since(day).is_some(), "once all have it");
}
