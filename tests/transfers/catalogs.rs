//! Catalogs: polder-dns makes one, and others serve what it names; and it serves what the catalogs of others name.

use serde_json::{Value, json};

use crate::consumers::{CATALOG, Consumer, Ours};
use crate::ports::free_address;
use crate::producers::Producer;
use crate::servers::{KEY, Kind, SECRET, kdig, serial_of};
use crate::wait;

/// The files of three zones.
fn files() -> Vec<(&'static str, String)> {
    let zone = |serial: u32| {
        format!(
            "$TTL 300\n@ SOA ns hostmaster {serial} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.80\n"
        )
    };
    vec![("a", zone(11)), ("b", zone(12)), ("c", zone(13))]
}

/// The zones of a document, these of them in the catalog.
fn zones(members: &[&str], told: &[u16]) -> Value {
    let notify: Vec<_> =
        told.iter().map(|port| json!({ "address": format!("127.0.0.1:{port}"), "key": KEY })).collect();
    let transfer = json!({ "allow": [{ "key": KEY, "networks": ["127.0.0.0/8"] }], "notify": notify });
    let mut zones = json!({ CATALOG: {
        "catalog": { "zones": members, "groups": { "a.example": "first" } },
        "transfer": transfer,
    } });
    for name in ["a", "b", "c"] {
        zones[format!("{name}.example")] = json!({ "file": name, "transfer": transfer });
    }
    zones
}

fn signed() -> String {
    format!("hmac-sha256:{KEY}:{SECRET}")
}

#[test]
#[ignore = "needs Knot, BIND and kdig: see CONTRIBUTING.md"]
fn knot_and_bind_serve_what_our_catalog_names_and_no_more_what_it_names_no_more() {
    let ports = [Kind::Bind, Kind::Knot].map(|kind| (kind, free_address().port()));
    let told = ports.map(|(_, port)| port);
    let (key, own) = (signed(), free_address().port());
    let mut ours = Ours::start(own, &zones(&["a.example", "b.example"], &told), &files());
    let serial = || serial_of(own, CATALOG, Some(&key));
    wait(|| ours.log(), || serial().is_some());
    let consumers = ports.map(|(kind, port)| Consumer::start(kind, port, own));
    let serves = |zone: &str, expected: Option<u32>, when: &str, ours: &Ours| {
        for consumer in &consumers {
            wait(
                || format!("{:?} {when}, {zone}:\n{}\n{}", consumer.kind, consumer.log(), ours.log()),
                || serial_of(consumer.port, zone, None) == expected,
            );
        }
    };
    serves("a.example", Some(11), "at first", &ours);
    serves("b.example", Some(12), "at first", &ours);
    serves("c.example", None, "at first", &ours);
    let first = serial().unwrap();

    ours.load(&zones(&["a.example", "b.example", "c.example"], &told));
    serves("c.example", Some(13), "when it is added", &ours);
    let second = serial().unwrap();
    assert!(second > first, "{first}, {second}");

    ours.load(&zones(&["a.example", "c.example"], &told));
    serves("b.example", None, "when it is removed", &ours);
    serves("a.example", Some(11), "as before", &ours);
    let third = serial().unwrap();
    assert!(third > second, "{second}, {third}");

    ours.crash();
    wait(|| ours.log(), || serial().is_some());
    assert_eq!(serial(), Some(third), "what it says is the same:\n{}", ours.log());
    ours.load(&zones(&["a.example", "b.example", "c.example"], &told));
    serves("b.example", Some(12), "when it is back", &ours);
    let differences = format!("zone {CATALOG} (serial {third}) was transferred to 127.0.0.1");
    let is_difference =
        |line: &&str| line.contains(&differences) && line.contains(&format!("what has changed since {second}"));
    assert_eq!(ours.log().lines().filter(is_difference).count(), 2, "each got the difference:\n{}", ours.log());
}

#[test]
#[ignore = "needs kdig: see CONTRIBUTING.md"]
fn what_a_catalog_names_is_answered_to_those_who_may_have_it_and_to_nobody_else() {
    let (key, own) = (signed(), free_address().port());
    let ours = Ours::start(own, &zones(&["a.example"], &[]), &files());
    wait(|| ours.log(), || serial_of(own, CATALOG, Some(&key)).is_some());
    for query in [
        &[CATALOG, "SOA"][..],
        &["version.catalog.example.net", "TXT"],
        &[CATALOG, "AXFR"],
        &["x.catalog.example.net", "A", "+tcp"],
    ] {
        let said = kdig(own, None, query);
        assert!(said.contains("REFUSED") && !said.contains("invalid."), "{query:?}:\n{said}");
    }
    let said = kdig(own, Some(&key), &["version.catalog.example.net", "TXT", "+short"]);
    assert!(said.contains("\"2\""), "{said}");
    let whole = kdig(own, Some(&key), &[CATALOG, "AXFR", "+noall", "+answer"]);
    for expected in ["PTR\ta.example.", "TXT\t\"first\"", "NS\tinvalid."] {
        assert!(whole.contains(expected), "{expected}:\n{whole}");
    }
}

/// What polder-dns says of a catalog from this primary.
fn consumed(primary: u16) -> Value {
    json!({ CATALOG: {
        "primaries": [{ "address": format!("127.0.0.1:{primary}"), "key": KEY }],
        "members": { "transfer": { "allow": [{ "networks": ["127.0.0.0/8"] }] } },
    } })
}

#[test]
#[ignore = "needs Knot, BIND and kdig: see CONTRIBUTING.md"]
fn ours_serves_what_a_catalog_of_bind_or_knot_names_and_goes_on_with_that_after_it_is_killed() {
    let follows = |kind: Kind| {
        let (port, own) = (free_address().port(), free_address().port());
        let mut producer = Producer::start(kind, port, own, &["a.example", "b.example"], &files());
        wait(|| producer.log(), || serial_of(port, "a.example", None) == Some(11));
        let mut ours = Ours::start(own, &consumed(port), &[]);
        let serves = |zone: &str, expected: Option<u32>, when: &str, ours: &Ours, producer: &Producer| {
            wait(
                || format!("{kind:?} {when}, {zone}:\n{}\n{}", ours.log(), producer.log()),
                || serial_of(own, zone, None) == expected,
            );
        };
        serves("a.example", Some(11), "at first", &ours, &producer);
        serves("b.example", Some(12), "at first", &ours, &producer);
        producer.load(&["a.example", "b.example", "c.example"], 2);
        serves("c.example", Some(13), "when it is added", &ours, &producer);
        producer.load(&["a.example", "c.example"], 3);
        serves("b.example", None, "when it is removed", &ours, &producer);
        let said = kdig(own, None, &["b.example", "SOA"]);
        assert!(said.contains("REFUSED"), "{said}");
        let stored = ours.running.folder.path().join("state/secondaries");
        wait(|| format!("{stored:?}"), || !stored.join("b.example.zone").exists());

        // Nobody is there to tell it, and it knows what it has to serve.
        producer.kill();
        ours.crash();
        serves("a.example", Some(11), "after its end", &ours, &producer);
        serves("c.example", Some(13), "after its end", &ours, &producer);
        let copy = kdig(own, None, &["c.example", "AXFR", "+noall", "+answer"]);
        assert!(copy.contains("www.c.example."), "it gives it on:\n{copy}");
        let said = kdig(own, None, &[CATALOG, "SOA"]);
        assert!(said.contains("REFUSED"), "{said}");
    };
    std::thread::scope(|scope| {
        for kind in [Kind::Bind, Kind::Knot] {
            scope.spawn(move || follows(kind));
        }
    });
}
