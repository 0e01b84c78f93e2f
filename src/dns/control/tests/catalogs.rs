//! Catalogs over their life: those that are made here, and those of other nameservers with the zones that they list.

use super::*;
use crate::dns::answer::{Client, Transport, answer};
use crate::dns::catalog::production;
use crate::dns::compiled::{self, Zone};
use crate::dns::secondary::made;
use crate::dns::secondary::timers::Times;
use crate::zone::name;
use crate::zone::number::rcode;

/// A nameserver with its disk.
struct World {
    state: State,
    now: u64,
    /// What is stored, by apex, with the time of its confirmation.
    disk: BTreeMap<String, (Arc<Zone>, Times, u64)>,
    /// Questions that primaries have not answered yet.
    asked: BTreeMap<String, Question>,
    log: Vec<String>,
}

fn wire(apex: &str) -> Box<[u8]> {
    name::from_text(apex).unwrap()
}

/// A document with the zone of [`ZONE`] and these.
fn with_zones(zones: &Value) -> Arc<Prepared> {
    let mut text = text(&TWO);
    for (apex, zone) in zones.as_object().unwrap() {
        text["zones"][apex] = zone.clone();
    }
    let config = crate::config::dns::parse(Path::new("dns.json"), &text.to_string()).unwrap();
    let base = document(&TWO);
    let files = vec![Arc::clone(base.zones.get(&wire("example.net")).unwrap())];
    let without_file = config.zones.iter().filter(|(_, zone)| zone.file().is_none()).map(|(apex, _)| wire(apex));
    let zones = Arc::new(Zones::new(files, without_file.collect()));
    let transfers = Arc::new(crate::dns::transfer::Transfers::read(&config.tsig_keys, &config.zones).unwrap());
    Arc::new(Prepared { config, zones, transfers, ..Arc::into_inner(base).unwrap() })
}

/// What a document says of a catalog of other nameservers.
fn consumed() -> Value {
    json!({ "primaries": [{ "address": "192.0.2.54" }], "members": { "transfer": { "allow": [{ "networks": ["192.0.2.99"] }] } } })
}

impl World {
    fn start(document: Arc<Prepared>, disk: BTreeMap<String, (Arc<Zone>, Times, u64)>, now: u64) -> World {
        let state = State::new(document, Saved::default());
        let mut world = World { state, now, disk, asked: BTreeMap::new(), log: Vec::new() };
        let effects = world.state.begin_secondaries(at(now));
        world.perform(effects);
        assert_eq!(world.state.unread_secondaries(), 0);
        world.event(Event::Ready);
        world
    }

    fn event(&mut self, event: Event) {
        let effects = self.state.on_event(event, at(self.now));
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Secondary(SecondaryTask::Read(apex, _)) => {
                    let stored = self.disk.get(&apex).map(|(zone, times, confirmed)| {
                        (Arc::clone(zone), *times, Duration::from_millis(self.now.saturating_sub(*confirmed)))
                    });
                    self.event(Event::Secondary(SecondaryNews::Read(apex, stored)));
                }
                Effect::Secondary(SecondaryTask::Remove(apex)) => {
                    self.disk.remove(&apex);
                    self.asked.remove(&apex);
                }
                Effect::Secondary(SecondaryTask::Cancel(apex)) => {
                    self.asked.remove(&apex);
                }
                Effect::Secondary(SecondaryTask::Ask(question)) => {
                    self.asked.insert(question.apex.clone(), question);
                }
                Effect::Catalog(order) => {
                    let records = production::records(&wire(&order.apex), &order.members, order.serial);
                    let mut made = made::zone(&order.apex, &records, Checks::Lenient).unwrap();
                    made.zone.is_catalog = true;
                    let zone = Arc::new(made.zone);
                    self.disk.insert(order.apex.clone(), (Arc::clone(&zone), made.times, self.now));
                    self.event(Event::Catalog(CatalogNews {
                        apex: order.apex,
                        number: order.number,
                        made: Some(zone),
                    }));
                }
                Effect::Log(line) => self.log.push(line.words),
                _ => {}
            }
        }
    }

    /// The primary has this zone, and says so.
    fn send(&mut self, apex: &str, serial: u32, records: &str) {
        // Looks that somebody's word begins are that far apart.
        self.now += 300;
        if !self.asked.contains_key(apex) {
            let told = SecondaryNews::Told([(wire(apex), "192.0.2.54".parse().unwrap())].into());
            self.event(Event::Secondary(told));
        }
        let question = self.asked.remove(apex).unwrap_or_else(|| panic!("nobody asks for {apex}: {:?}", self.log));
        let (zone, times) = zone(apex, serial, records, question.config.is_catalog());
        self.disk.insert(apex.to_owned(), (Arc::clone(&zone), times, self.now));
        let newer = Answered::Newer(zone, times, "the whole zone".to_owned());
        self.event(Event::Secondary(SecondaryNews::Asked(apex.to_owned(), question.number, Ok(newer))));
    }

    /// What a query for the zone's SOA is answered with.
    fn code(&self, apex: &str) -> u16 {
        let query = [&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &wire(apex), &[0, 6, 0, 1]].concat();
        let mut buffer = [0; 1232];
        answer(&query, &self.state.snapshot(), &Client::without_cookies(Transport::Udp), 0, &mut buffer).unwrap().rcode
    }

    fn serial(&self, apex: &str) -> Option<u32> {
        self.state.zones().get(&wire(apex)).map(|zone| zone.serial)
    }

    fn alarms(&self) -> Vec<String> {
        self.state.catalog_alarms()
    }
}

/// With refresh 100, retry 10 and expire 1000, in seconds.
fn zone(apex: &str, serial: u32, records: &str, is_catalog: bool) -> (Arc<Zone>, Times) {
    let text = format!("$TTL 300\n@ SOA ns.test. host.test. {serial} 100 10 1000 300\n@ NS ns.invalid.\n{records}");
    let file = crate::zone::parse(apex, Path::new("z"), text, Checks::Lenient).unwrap();
    let mut records = Vec::new();
    for record in file.records.iter() {
        crate::dns::history::put(&mut records, record.owner, record.rtype, record.ttl, record.rdata);
    }
    let mut made = made::zone(apex, &records, Checks::Lenient).unwrap();
    made.zone.is_catalog = is_catalog;
    (Arc::new(made.zone), made.times)
}

const BOTH: &str = "version TXT \"2\"\n1.zones PTR a.test.\n2.zones PTR b.test.\n";

#[test]
fn zones_come_and_go_with_the_catalog_that_lists_them_and_what_was_stored_goes_too() {
    let mut world = World::start(with_zones(&json!({ "cat.test": consumed() })), BTreeMap::new(), 0);
    assert_eq!(world.code("a.test"), rcode::REFUSED);
    world.send("cat.test", 1, BOTH);
    assert_eq!((world.code("a.test"), world.code("b.test")), (rcode::SERVFAIL, rcode::SERVFAIL), "still to come");
    world.send("a.test", 5, "www A 192.0.2.80\n");
    world.send("b.test", 6, "");
    assert_eq!((world.code("a.test"), world.code("b.test")), (rcode::NOERROR, rcode::NOERROR));
    assert_eq!(world.code("cat.test"), rcode::REFUSED, "what it lists is nobody else's matter");
    assert_eq!(world.state.catalog_of("a.test"), Some("cat.test"));
    let allows = |world: &World, client: &str| {
        let snapshot = world.state.snapshot();
        snapshot.transfers.of(&wire("a.test")).is_some_and(|rules| rules.allow(client.parse().unwrap(), None))
    };
    assert!(allows(&world, "192.0.2.99") && !allows(&world, "192.0.2.98"));
    world.send("cat.test", 2, "version TXT \"2\"\n1.zones PTR a.test.\n");
    assert_eq!((world.code("a.test"), world.code("b.test")), (rcode::NOERROR, rcode::REFUSED));
    assert_eq!(world.disk.keys().collect::<Vec<_>>(), ["a.test", "cat.test"]);
    assert!(world.log.iter().any(|line| line.contains("b.test is served no more")), "{:?}", world.log);

    // A document without the catalog has none of its zones.
    world.event(Event::Reloaded(with_zones(&json!({}))));
    assert_eq!((world.code("a.test"), world.code("cat.test")), (rcode::REFUSED, rcode::REFUSED));
    assert!(!allows(&world, "192.0.2.99"));
}

#[test]
fn a_zone_is_counted_where_it_was_whatever_catalogs_and_reloads_bring_and_take() {
    let mut world = World::start(with_zones(&json!({ "cat.test": consumed() })), BTreeMap::new(), 0);
    world.send("cat.test", 1, BOTH);
    world.send("a.test", 5, "");
    let slot = |world: &World, apex: &str| world.state.zones.slot(&wire(apex)).unwrap();
    let staying = ["example.net", "cat.test", "a.test"];
    let (before, gone) = (staying.map(|apex| slot(&world, apex)), slot(&world, "b.test"));
    world.send("cat.test", 2, "version TXT \"2\"\n1.zones PTR a.test.\n3.zones PTR c.test.\n");
    assert_eq!(staying.map(|apex| slot(&world, apex)), before);
    assert_ne!(slot(&world, "c.test"), gone, "what was counted there was another zone's");
    world.event(Event::Reloaded(with_zones(&json!({ "aa.test": consumed(), "cat.test": consumed() }))));
    assert_eq!(staying.map(|apex| slot(&world, apex)), before);
    let all: std::collections::BTreeSet<_> =
        staying.iter().chain(&["c.test", "aa.test"]).map(|apex| slot(&world, apex)).chain([gone]).collect();
    assert_eq!(all.len(), 6, "each has its own: {all:?}");
}

#[test]
fn a_broken_catalog_changes_nothing_and_is_an_alarm_until_it_is_sound_again() {
    let mut world = World::start(with_zones(&json!({ "cat.test": consumed() })), BTreeMap::new(), 0);
    world.send("cat.test", 1, BOTH);
    world.send("a.test", 5, "");
    for (serial, records) in [
        (2, "1.zones PTR a.test.\n"),
        (3, "version TXT \"3\"\n"),
        (4, "version TXT \"2\"\n1.zones PTR c.test.\n2.zones PTR c.test.\n"),
    ] {
        world.send("cat.test", serial, records);
        assert_eq!((world.code("a.test"), world.code("c.test")), (rcode::NOERROR, rcode::REFUSED), "{records}");
        assert!(world.alarms()[0].contains(&format!("cat.test is broken (serial {serial})")), "{:?}", world.alarms());
        assert!(world.alarms()[0].contains("(2 zones)"), "{:?}", world.alarms());
    }
    world.send("cat.test", 5, "version TXT \"2\"\n1.zones PTR a.test.\n");
    assert_eq!(world.alarms(), [""; 0]);
    assert_eq!((world.code("a.test"), world.code("b.test")), (rcode::NOERROR, rcode::REFUSED));
}

#[test]
fn a_zone_under_another_label_is_got_anew_and_one_that_comes_back_begins_anew() {
    let mut world = World::start(with_zones(&json!({ "cat.test": consumed() })), BTreeMap::new(), 0);
    world.send("cat.test", 1, BOTH);
    world.send("a.test", 5, "");
    world.send("cat.test", 2, "version TXT \"2\"\nother.zones PTR a.test.\n2.zones PTR b.test.\n");
    assert_eq!(world.code("a.test"), rcode::SERVFAIL);
    assert!(world.asked["a.test"].held.is_none(), "whole, whatever its serial");
    world.send("a.test", 3, "");
    assert_eq!(world.serial("a.test"), Some(3), "a lower serial than before");
}

#[test]
fn a_zone_of_the_document_or_of_another_catalog_or_around_a_pool_is_not_taken() {
    let zones = json!({ "cat1.test": consumed(), "cat2.test": consumed() });
    let mut world = World::start(with_zones(&zones), BTreeMap::new(), 0);
    world.send(
        "cat1.test",
        1,
        "version TXT \"2\"\n1.zones PTR a.test.\n2.zones PTR example.net.\n3.zones PTR cat2.test.\n4.zones PTR net.\n",
    );
    assert!(world.code("a.test") == rcode::SERVFAIL && world.code("example.net") == rcode::NOERROR);
    assert_eq!(world.code("other.net"), rcode::REFUSED);
    let alarm = world.alarms().join("\n");
    assert!(
        alarm.contains("3 zones that cannot be taken from it")
            && alarm.contains("example.net: it is a zone of the document"),
        "{alarm}"
    );
    assert!(alarm.contains("net: it would take www.example.net, a name of a pool"), "{alarm}");
    world.send("cat2.test", 1, "version TXT \"2\"\n1.zones PTR a.test.\n");
    assert_eq!(world.state.catalog_of("a.test"), Some("cat1.test"));
    assert!(world.alarms().join("\n").contains("a.test: catalog cat1.test lists it too, and had it first"));

    // What the first one gives up, the other one has at once.
    world.send("a.test", 5, "");
    world.send("cat1.test", 2, "version TXT \"2\"\n");
    assert_eq!((world.state.catalog_of("a.test"), world.code("a.test")), (Some("cat2.test"), rcode::SERVFAIL));
    assert_eq!(world.alarms(), [""; 0]);
}

#[test]
fn a_zone_moves_to_the_catalog_that_its_own_names_and_stays_as_it_is_under_the_same_label() {
    for (label, is_kept) in [("1", true), ("9", false)] {
        let zones = json!({ "cat1.test": consumed(), "cat2.test": consumed() });
        let mut world = World::start(with_zones(&zones), BTreeMap::new(), 0);
        world.send("cat1.test", 1, "version TXT \"2\"\n1.zones PTR a.test.\n");
        world.send("a.test", 5, "");
        world.send("cat1.test", 2, "version TXT \"2\"\n1.zones PTR a.test.\ncoo.1.zones PTR cat2.test.\n");
        assert_eq!(world.state.catalog_of("a.test"), Some("cat1.test"), "it is still to be listed there");
        world.send("cat2.test", 1, &format!("version TXT \"2\"\n{label}.zones PTR a.test.\n"));
        let expected = if is_kept { rcode::NOERROR } else { rcode::SERVFAIL };
        assert_eq!((world.state.catalog_of("a.test"), world.code("a.test")), (Some("cat2.test"), expected));
        assert_eq!(world.alarms(), [""; 0], "that both list it is how it moves");
        let again = World::start(with_zones(&zones), world.disk.clone(), world.now);
        assert_eq!(
            (again.state.catalog_of("a.test"), again.code("a.test")),
            (Some("cat2.test"), expected),
            "after a restart"
        );
        world.send("cat1.test", 3, "version TXT \"2\"\n");
        assert_eq!(world.state.catalog_of("a.test"), Some("cat2.test"), "the first one removes nothing of the other's");
        assert_eq!(world.alarms(), [""; 0]);
    }
}

#[test]
fn what_a_catalog_listed_is_served_after_a_restart_and_after_the_catalog_has_expired() {
    let document = with_zones(&json!({ "cat.test": consumed() }));
    let mut world = World::start(Arc::clone(&document), BTreeMap::new(), 0);
    world.send("cat.test", 1, BOTH);
    world.now = 900_000;
    world.send("a.test", 5, "");
    let disk = world.disk.clone();
    let mut again = World::start(Arc::clone(&document), disk.clone(), 901_000);
    assert_eq!((again.code("a.test"), again.code("b.test")), (rcode::NOERROR, rcode::SERVFAIL));
    // The catalog was confirmed at 0 and expires after 1000 s; the zone later.
    again.now = 1_200_000;
    again.event(Event::Time);
    assert!(again.state.is_unserved("cat.test"), "{:?}", again.log);
    assert_eq!(again.code("a.test"), rcode::NOERROR);
    let expired = World::start(document, disk, 1_300_000);
    assert_eq!(expired.code("a.test"), rcode::NOERROR);
}

#[test]
fn a_catalog_of_our_zones_has_a_new_serial_when_they_change_and_the_one_of_a_peer_that_says_the_same() {
    let transfer = json!({ "allow": [{ "networks": ["192.0.2.99"] }] });
    let of = |zones: &[&str]| {
        json!({
            "example.com": { "primaries": [{ "address": "192.0.2.54" }], "transfer": transfer },
            "cat.test": { "catalog": { "zones": zones }, "transfer": transfer },
        })
    };
    let mut world = World::start(with_zones(&of(&["example.com"])), BTreeMap::new(), 5_000);
    let first = world.serial("cat.test").unwrap();
    assert_eq!(first, 1_005, "the time");
    assert_eq!(world.code("cat.test"), rcode::REFUSED);
    world.now += 60_000;
    world.event(Event::Reloaded(with_zones(&of(&["example.com"]))));
    assert_eq!(world.serial("cat.test"), Some(first), "it says the same");
    world.event(Event::Reloaded(with_zones(&of(&[]))));
    assert_eq!(world.serial("cat.test"), Some(1_065));

    // Another process goes on from there, whatever the clock says.
    let mut again = World::start(with_zones(&of(&[])), world.disk.clone(), 0);
    assert_eq!(again.serial("cat.test"), Some(1_065));
    again.event(Event::Reloaded(with_zones(&of(&["example.com"]))));
    assert_eq!(again.serial("cat.test"), Some(1_066));

    let told = again.state.to_tell();
    let other = json!({ "cat.test": [2_000, told["catalogs"]["cat.test"][1]], "stranger.test": [1, "x"] });
    let mut message = told.clone();
    message["catalogs"] = other;
    again.event(Event::Peer(PeerEvent { peer: "ns-2".into(), value: message.into(), is_news: true, ahead_ms: 0 }));
    assert_eq!(again.serial("cat.test"), Some(2_000));
}

#[test]
fn a_zone_below_one_of_the_document_is_taken_only_where_that_delegates_it() {
    let text = format!("{ZONE}sub NS ns.sub\nsub NS ns.elsewhere.test.\nns.sub A 192.0.2.77\n");
    let mut prepared = Arc::into_inner(with_zones(&json!({ "cat.test": consumed() }))).unwrap();
    let file = crate::zone::parse("example.net", Path::new("z"), text, Checks::Lenient).unwrap();
    let no_pools = BTreeMap::new();
    let owners = compiled::PoolOwners::new(Path::new("z"), vec![file.apex.clone()], &no_pools).unwrap();
    let zone = compiled::compile_zone(&file, &owners).unwrap();
    prepared.zones = Arc::new(Zones::new(vec![Arc::new(zone)], vec![wire("cat.test")]));
    let mut world = World::start(Arc::new(prepared), BTreeMap::new(), 0);
    world.send(
        "cat.test",
        1,
        "version TXT \"2\"\n1.zones PTR mail.example.net.\n2.zones PTR sub.example.net.\n3.zones PTR x.sub.example.net.\n4.zones PTR x.cat.test.\n",
    );
    let alarm = world.alarms().join("\n");
    assert!(
        alarm.contains("mail.example.net: it lies in zone example.net of the document, which does not delegate it"),
        "{alarm}"
    );
    assert!(alarm.contains("2 zones that cannot be taken from it"), "and the one below the catalog: {alarm}");
    for apex in ["sub.example.net", "x.sub.example.net"] {
        assert_eq!(world.state.catalog_of(apex), Some("cat.test"));
    }
}

#[test]
fn a_zone_that_two_catalogs_give_to_each_other_or_one_to_itself_stays_where_it_is() {
    let zones = json!({ "cat1.test": consumed(), "cat2.test": consumed() });
    let itself = "version TXT \"2\"\n1.zones PTR a.test.\ncoo.1.zones PTR cat1.test.\n";
    let one = "version TXT \"2\"\n1.zones PTR a.test.\ncoo.1.zones PTR cat2.test.\n";
    let other = "version TXT \"2\"\n1.zones PTR a.test.\ncoo.1.zones PTR cat1.test.\n";
    for (first, second) in [(itself, None), (one, Some(other))] {
        let mut world = World::start(with_zones(&zones), BTreeMap::new(), 0);
        world.send("cat1.test", 1, first);
        world.send("a.test", 5, "");
        if let Some(second) = second {
            world.send("cat2.test", 1, second);
        }
        for world in [&world, &World::start(with_zones(&zones), world.disk.clone(), world.now)] {
            assert_eq!(world.code("a.test"), rcode::NOERROR, "{:?}", world.log);
        }
    }
}

#[test]
fn a_reload_puts_its_own_zones_beside_its_pools_however_many_zones_change() {
    let mut world = World::start(with_zones(&json!({ "cat.test": consumed() })), BTreeMap::new(), 0);
    let members: String = (0..600).map(|n| format!("m{n}.zones PTR m{n}.test.\n")).collect();
    world.send("cat.test", 1, &format!("version TXT \"2\"\n{members}"));
    // Zones have changed a moment ago, and change again.
    world.now += 1_000;
    world.event(Event::Time);
    world.send("m1.test", 5, "");
    let document =
        with_zones(&json!({ "cat.test": consumed(), "other.test": { "primaries": [{ "address": "192.0.2.54" }] } }));
    world.now += 1;
    world.event(Event::Reloaded(document));
    assert!(Arc::ptr_eq(&world.state.snapshot().zones, world.state.zones()));
    assert_eq!(world.code("other.test"), rcode::SERVFAIL, "the new document's zone is there at once");
}
