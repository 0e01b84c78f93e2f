use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::config::dns::{AllowedConfig, Checks, Denial, DnssecConfig, SerialRule, TransferConfig, ZoneSource};
use crate::dns::compiled::{PoolOwners, compile_zone};
use crate::dns::history;
use crate::dns::secondary::made;
use crate::dns::signing::{ZoneSigner, fixture, sign_zone};
use crate::dnssec::{Algorithm, Role, Times, make};
use crate::zone;

fn zone(serial: u32, records: &str) -> Zone {
    let text = format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n{records}");
    let file = zone::parse("example.net", Path::new("z"), text.as_bytes(), Checks::Lenient).unwrap();
    let pools = BTreeMap::new();
    let owners = PoolOwners::new(Path::new("dns.json"), vec![file.apex.clone()], &pools).unwrap();
    compile_zone(&file, &owners).unwrap()
}

fn config() -> ZoneConfig {
    let allow = vec![AllowedConfig { networks: Vec::new(), key: Some("k".into()) }];
    let transfer = Some(TransferConfig { allow, ..TransferConfig::default() });
    ZoneConfig { source: ZoneSource::File("z".into()), checks: Checks::Lenient, transfer, dnssec: None }
}

/// What a difference removes and adds, as `OWNER TYPE TTL`.
fn changes(before: &Zone, behind: &Zone) -> [Vec<String>; 2] {
    let found = difference::between(before, behind, usize::MAX).unwrap();
    [found.removed, found.added].map(|records| {
        let (mut at, mut all) = (0, Vec::new());
        while let Some((record, length)) = history::first(&records[at..]) {
            all.push(format!("{} {} {}", name::to_text(record.owner), record.rtype, record.ttl));
            at += length;
        }
        assert_eq!(at, records.len());
        all
    })
}

#[test]
fn a_difference_has_the_soas_and_the_records_of_one_side_alone() {
    let before = zone(1, "a A 192.0.2.1\na A 192.0.2.2\nb TXT gone\n");
    let behind = zone(2, "a A 192.0.2.2\na A 192.0.2.3\nA AAAA 2001:db8::1\nc MX 1 a\n");
    let [removed, added] = changes(&before, &behind);
    assert_eq!(removed, ["example.net 6 300", "a.example.net 1 300", "b.example.net 16 300"]);
    assert_eq!(added[..2], ["example.net 6 300", "a.example.net 1 300"]);
    assert_eq!(added.len(), 4);
}

#[test]
fn another_ttl_makes_other_records_and_another_order_or_case_of_owners_does_not() {
    let [removed, added] =
        changes(&zone(1, "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n"), &zone(2, "a A 192.0.2.2\na A 192.0.2.1\n"));
    assert_eq!(removed[1..], ["a.example.net 1 60"; 2]);
    assert_eq!(added[1..], ["a.example.net 1 300"; 2]);
    let (one, other) = (zone(1, "a A 192.0.2.1\na A 192.0.2.2\n"), zone(1, "A A 192.0.2.2\nA A 192.0.2.1\n"));
    assert_eq!(changes(&one, &other).map(|records| records.len()), [1, 1], "the SOAs");
    assert_eq!(difference::content(&one, false), difference::content(&other, false));
}

/// A record as everybody has it: owner, type, TTL and data.
type Plain = (Box<[u8]>, u16, u32, Box<[u8]>);

fn plain(record: history::Record<'_>) -> Plain {
    (name::lower(record.owner), record.rtype, record.ttl, record.rdata.into())
}

fn all(zone: &Zone) -> BTreeSet<Plain> {
    let records = zone.whole().flat_map(|(owner, set)| set.rdatas().map(move |rdata| (owner, set, rdata)));
    records.map(|(owner, set, rdata)| plain(history::Record { owner, rtype: set.rtype, ttl: set.ttl, rdata })).collect()
}

#[test]
fn of_a_signed_zone_each_hour_leads_to_the_next_one_by_a_difference_with_a_later_serial() {
    const HOUR: u64 = 3600;
    let names: String = (0..50).map(|n| format!("n{n} A 192.0.2.{n}\n")).collect();
    let apex = name::from_text("example.net").unwrap();
    let key = make(&apex, Role::Ksk, Algorithm::EcdsaP256, Times::default(), &[]).unwrap().into_key();
    let key = Arc::new(key);
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let config = DnssecConfig { zonemd: true, ..fixture::config(denial, SerialRule::Hourly) };
        let signer = ZoneSigner::new(apex.clone(), vec![Arc::clone(&key)], &config);
        let begins = 498_000 * HOUR;
        let sign = |zone: &Zone, hour| zone.signed(Arc::new(sign_zone(zone, &signer.at(hour), Some(zone)).unwrap()));
        let mut before = sign(&zone(7, &names), begins);
        before.history = Some(Arc::new(History::begin(difference::content(&before, false))));
        for n in 1..=4 {
            let mut behind = sign(&before, begins + n * HOUR);
            follow_renewed(&mut behind, &before);
            assert_eq!(behind.serial - before.serial, SERIALS_PER_HOUR);
            let steps = behind.history.as_ref().unwrap().since(before.serial);
            // Of what was served before there was a history nothing is known.
            assert_eq!(steps.map(<[_]>::len), (n > 1).then_some(1), "{n}");
            let difference = difference::between(&before, &behind, usize::MAX).unwrap();
            let mut led = all(&before);
            let read = |mut records: &[u8]| {
                let mut read = Vec::new();
                while let Some((record, length)) = history::first(records) {
                    read.push(plain(record));
                    records = &records[length..];
                }
                read
            };
            let (removed, added) = (read(&difference.removed), read(&difference.added));
            assert!(removed.len() < 20, "{} of {} records", removed.len(), led.len());
            removed.iter().for_each(|gone| assert!(led.remove(gone)));
            added.into_iter().for_each(|new| assert!(led.insert(new)));
            assert!(led == all(&behind), "{denial:?}, {n}");
            before = behind;
        }
    }
}

#[test]
fn of_a_zone_that_comes_signed_one_version_leads_to_the_next_by_a_difference() {
    use crate::dns::signing::fixture::{compiled, presigned_text};
    let text = |serial: u32, more: &str| {
        format!("$TTL 300\n@ SOA ns host {serial} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n{more}")
    };
    for denial in [Denial::Nsec, Denial::Nsec3] {
        let [before, behind] = [(1, "a A 192.0.2.1\nb TXT x\n"), (2, "b TXT y\nc MX 10 ns\n")].map(|(serial, more)| {
            let signed = presigned_text("example.net", &text(serial, more), 1_795_000_000, denial);
            compiled("example.net", &signed)
        });
        let difference = difference::between(&before, &behind, usize::MAX).unwrap();
        let mut led = all(&before);
        made::each(&difference.removed).for_each(|gone| assert!(led.remove(&plain(gone)), "{gone:?}"));
        made::each(&difference.added).for_each(|new| assert!(led.insert(plain(new)), "{new:?}"));
        assert!(led == all(&behind), "{denial:?}");
    }
}

#[test]
fn a_difference_that_takes_too_much_is_none() {
    let (one, other) = (zone(1, ""), zone(2, &format!("a TXT {}\n", "x".repeat(200))));
    assert!(difference::between(&one, &other, 100).is_none());
    assert!(difference::between(&one, &other, 1000).is_some());
}

#[test]
fn a_history_goes_on_where_the_copy_is_what_was_served_and_nowhere_else() {
    let mut served = zone(1, "a A 192.0.2.1\n");
    follow_stored(&mut served, &config(), || None, || panic!("nothing leads on from nothing"));
    let mut second = zone(2, "a A 192.0.2.2\n");
    follow(&mut second, &config(), &served);
    let stored = second.history.as_deref().cloned();
    for (copy, leads) in [(Some("a A 192.0.2.2\n"), true), (Some("a A 192.0.2.9\n"), false), (None, false)] {
        let mut third = zone(3, "a A 192.0.2.3\n");
        follow_stored(&mut third, &config(), || stored.clone(), || copy.map(|records| zone(2, records)));
        assert_eq!(third.history.unwrap().since(2).is_some(), leads, "{copy:?}");
    }
    let mut again = zone(2, "a A 192.0.2.2\n");
    follow_stored(&mut again, &config(), || stored.clone(), || panic!("it is what was served"));
    assert_eq!(again.history.as_deref(), stored.as_ref());
}

#[test]
fn a_zone_that_nobody_gets_has_no_history() {
    let mut served = zone(1, "");
    let config = ZoneConfig { transfer: None, ..config() };
    follow_stored(&mut served, &config, || panic!("not read"), || None);
    assert!(served.history.is_none());
}

#[tokio::test]
async fn what_is_written_is_read_and_what_is_damaged_or_of_no_zone_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let journals = Journals::new(folder.path());
    let write = async |zone: Zone| {
        let zones = Arc::new(Zones::new(vec![Arc::new(zone)], Vec::new()));
        let write = async || {
            journals.write(zones);
            // Behind the writer in its turn.
            tokio::task::yield_now().await;
            drop(journals.written.lock().await);
        };
        tokio::task::LocalSet::new().run_until(write()).await;
    };
    let mut served = zone(1, "");
    follow_stored(&mut served, &config(), || None, || None);
    let history = served.history.clone();
    write(served).await;
    assert_eq!(journals.read("example.net").as_ref(), history.as_deref());
    let path = folder.path().join("journals/example.net.journal");
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert_eq!(journals.read("example.net"), None);
    let mut unknown = zone(1, "");
    let none = ZoneConfig { transfer: None, ..config() };
    follow_stored(&mut unknown, &none, || None, || None);
    write(unknown).await;
    assert!(!path.exists(), "nobody gets the zone any more");
}
