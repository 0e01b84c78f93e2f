//! Rolls of the key that the parent knows, with a nameserver that signs a zone and has the one above too.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fleet::*;

const ZONE: &str = "signed.example.net";

/// A nameserver with a zone that it signs, and the one above that delegates it.
struct Lab {
    daemon: Daemon,
    serial: u32,
}

impl Lab {
    fn start() -> Lab {
        let members = Members::start(1);
        let mut daemon = Daemon::prepare(&members);
        let file = format!("{ZONE}.zone");
        let text = format!(
            "$ORIGIN {ZONE}.\n$TTL 60\n@ SOA ns1.example.net. hostmaster 1 7200 3600 1209600 60\n@ NS ns1.example.net.\n"
        );
        fs::write(daemon.folder.path().join(&file), text).unwrap();
        daemon.document["zones"][ZONE] = json!({ "file": file, "dnssec": { "keys": "keys" } });
        daemon.write_document();
        let mut lab = Lab { daemon, serial: 1 };
        fs::create_dir(lab.keys()).unwrap();
        lab.done("keygen", &[]);
        lab.give_parent(&[]);
        lab.daemon.run();
        lab
    }

    fn keys(&self) -> PathBuf {
        self.daemon.folder.path().join("keys")
    }

    /// What a verb answers about the zone, and its exit code.
    fn polder(&self, verb: &str, more: &[&str]) -> (Option<i32>, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.args(["dnssec", verb, ZONE, "--json"]).args(more);
        if verb != "status" {
            command.arg("--folder").arg(self.keys());
        }
        let output = command.output().unwrap();
        let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{verb} {more:?}:\n{text}"));
        (output.status.code(), answer)
    }

    fn done(&self, verb: &str, more: &[&str]) -> Value {
        let (code, answer) = self.polder(verb, more);
        assert_eq!(code, Some(0), "{answer}");
        answer
    }

    /// The same of a verb that asks the nameserver and the parent.
    fn asking(&self, verb: &str, more: &[&str]) -> (Option<i32>, Value) {
        let socket = self.daemon.folder.path().join("admin.sock");
        let parent = format!("127.0.0.1:{}", self.daemon.port);
        self.polder(verb, &[&["--socket", socket.to_str().unwrap(), "--parent", &parent], more].concat())
    }

    /// The zone above has these DS records from the next reload on.
    fn give_parent(&mut self, records: &[&str]) {
        self.serial += 1;
        let delegation = format!("www CNAME http0.l\n{ZONE}. NS ns1\n{}", records.join("\n"));
        self.daemon.write_zone(self.serial, &delegation);
    }

    fn reload(&self) {
        self.daemon.reload().unwrap_or_else(|error| panic!("{error:?}\n{}", self.daemon.log()));
    }
}

fn words(value: &Value) -> String {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_key_that_the_parent_knows_is_replaced_step_by_step_and_never_before_the_parent_and_all_nameservers_are_there() {
    let mut lab = Lab::start();
    let old_ds = lab.done("ds", &[])["ds"][0]["record"].as_str().unwrap().to_owned();
    let (code, status) = lab.asking("status", &[]);
    assert_eq!((code, &status["zones"][0]["parent"]["nameservers"][0]["ds"]), (Some(0), &json!([])), "{status}");
    lab.give_parent(&[&old_ds]);
    lab.reload();
    let none = lab.asking("roll-ksk", &["--finish"]);
    assert_eq!(none.0, Some(1));
    assert!(none.1["error"].as_str().unwrap().contains("no roll is under way"), "{}", none.1);

    let begun = lab.done("roll-ksk", &[]);
    let [old, new] = [&begun["old"]["tag"], &begun["new"][0]["tag"]].map(|tag| tag.as_u64().unwrap());
    let new_ds = begun["ds"].as_str().unwrap().to_owned();
    assert_eq!(lab.polder("roll-ksk", &[]).0, Some(1), "one at a time");
    // Resolvers keep the keys for a second, in this zone.
    let finish = ["--finish", "--ttl", "1s"];
    let waits = |lab: &Lab| {
        let (code, answer) = lab.asking("roll-ksk", &finish);
        assert_eq!(code, Some(1), "{answer}");
        words(&answer["waits_for"])
    };
    let first = waits(&lab);
    assert!(first.starts_with(&format!("key {new} does not sign on ns-test yet: copy its files there")), "{first}");
    assert!(!first.contains("DS"), "nothing of the parent before every nameserver has the key: {first}");
    lab.reload();
    let (code, early) = lab.asking("roll-ksk", &["--finish"]);
    assert_eq!(code, Some(1), "{early}");
    let early = words(&early["waits_for"]);
    let told = "and resolvers know it 1d (--ttl) later: give the parent its DS not before ";
    assert!(early.starts_with(&format!("key {new} ")) && early.contains(told), "{early}");
    let known = Instant::now() + Duration::from_secs(60);
    let mut no_ds = waits(&lab);
    while no_ds.contains("(--ttl)") && Instant::now() < known {
        no_ds = waits(&lab);
    }
    assert_eq!(no_ds, format!("the parent has no DS of key {new}: give it this one: {new_ds}"));
    let step = words(&lab.asking("status", &[]).1["zones"][0]["next"]);
    let told = format!("give the parent the DS of key {new} for that of key {old}, not before ");
    assert!(step.starts_with(&told) && step.ends_with(" --finish"), "{step}");
    lab.give_parent(&[&old_ds, &new_ds]);
    lab.reload();
    let second = waits(&lab);
    assert_eq!(second, format!("the parent has the DS of key {old} still, beside the new one: have it taken away"));
    assert_eq!(lab.asking("status", &[]).0, Some(0));
    lab.give_parent(&[&new_ds]);
    lab.reload();
    let (code, ended) = lab.asking("roll-ksk", &finish);
    assert_eq!((code, &ended["old"][0]["tag"]), (Some(0), &old.into()), "{ended}");
    let now = polder::unix_time::unix_ms();
    assert!(ended["old"][0]["inactive"].as_u64().unwrap() > now + 3_600_000, "what is in caches");
    lab.reload();
    let (code, status) = lab.asking("status", &[]);
    assert_eq!(code, Some(0), "{status}");
    let ds = |tag: u64| words(&status["zones"][0]["ds"]).contains(&format!(" IN DS {tag} "));
    assert!(ds(new) && !ds(old), "{status}");
    let keys = status["zones"][0]["nameservers"][0]["dnssec"]["keys"].as_array().unwrap().clone();
    let next = |tag: u64| keys.iter().find(|key| key["tag"] == tag).unwrap()["next"]["to"].clone();
    assert_eq!((next(old), next(new)), (json!("inactive"), Value::Null));
}

#[test]
fn a_ds_that_is_of_no_key_is_a_finding_and_without_any_other_one_that_the_zone_is_refused() {
    let mut lab = Lab::start();
    let ds = lab.done("ds", &[])["ds"][0]["record"].as_str().unwrap().to_owned();
    let stray = format!("{ZONE}. DS 1 13 2 {}", "0a".repeat(32));
    for (records, finding) in [
        (vec![&*ds, &stray], "has a DS that is of no key of zone signed.example.net (1 13 2 0a0a"),
        (vec![&*stray], "is of a key that signs the keys on ns-test: resolvers that validate refuse zone"),
    ] {
        lab.give_parent(&records);
        lab.reload();
        let (code, status) = lab.asking("status", &[]);
        assert_eq!(code, Some(1), "{status}");
        assert!(words(&status["zones"][0]["findings"]).contains(finding), "{status}");
    }
    let socket = lab.daemon.folder.path().join("admin.sock");
    let (code, status) = lab.polder("status", &["--offline", "--socket", socket.to_str().unwrap()]);
    assert_eq!((code, &status["zones"][0]["parent"]), (Some(0), &Value::Null), "nobody is asked");
}

#[test]
fn a_change_of_the_algorithm_signs_first_and_is_not_ended_before_its_keys_are_there() {
    let lab = Lab::start();
    let begun = lab.done("roll-algorithm", &["--to", "ed25519", "--ttl", "1h"]);
    let new = begun["new"][0]["tag"].as_u64().unwrap();
    lab.reload();
    let status = lab.daemon.get("/status").unwrap();
    let zones = status["zones"].as_array().unwrap();
    let keys = &zones.iter().find(|zone| zone["name"] == ZONE).unwrap()["dnssec"]["keys"];
    let key = keys.as_array().unwrap().iter().find(|key| key["tag"] == new).unwrap().clone();
    assert_eq!((&key["signs"], &key["published"], &key["algorithm"]), (&true.into(), &false.into(), &"ED25519".into()));
    let (code, answer) = lab.asking("roll-algorithm", &["--finish"]);
    assert_eq!(code, Some(1));
    assert!(words(&answer["waits_for"]).contains(&format!("key {new} is not published before")), "{answer}");
}
