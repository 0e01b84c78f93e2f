use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

/// Files for this host, written anew.
fn write(files: &CertificateConfig, host: &str) -> KeyPair {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
    std::fs::write(&files.chain_file, params.self_signed(&key).expect("a certificate").pem()).expect("written");
    std::fs::write(&files.key_file, key.serialize_pem()).expect("written");
    key
}

fn files(folder: &std::path::Path) -> CertificateConfig {
    CertificateConfig { chain_file: folder.join("chain.pem"), key_file: folder.join("key.pem") }
}

/// What became of those whose files have changed.
fn refreshed(certificates: &Certificates) -> Vec<Result<(), CertificateError>> {
    certificates.used().filter_map(|(slot, hosts)| slot.refresh(hosts)).collect()
}

#[test]
fn a_renewed_certificate_is_in_force_and_a_bad_one_leaves_the_last_with_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    write(&files, "one.test");
    let mut certificates = Certificates::default();
    let slot = certificates.add(&files, Origin::Files, &[]);
    assert!(slot.covers("one.test"));
    assert_eq!(slot.refresh(&[]), None, "nothing has changed");
    write(&files, "two.test");
    assert_eq!(slot.refresh(&[]), Some(Ok(())));
    assert!(slot.covers("two.test") && !slot.covers("one.test"));
    let now = slot.certificate().expect("one is in force").chain.begins + Duration::from_secs(60);
    assert_eq!(slot.alarms(now), Vec::<String>::new());

    // Half of a renewal: the key is the new one already.
    std::fs::write(&files.key_file, KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    assert!(matches!(slot.refresh(&[]), Some(Err(_))));
    assert!(slot.covers("two.test"), "the last one goes on");
    let alarms = slot.alarms(now);
    assert!(alarms.len() == 1 && alarms[0].contains("the key of another certificate"), "{alarms:?}");
    write(&files, "three.test");
    assert_eq!(refreshed(&certificates), [Ok(())]);
    assert!(slot.covers("three.test") && slot.alarms(now).is_empty());
}

#[test]
fn the_next_document_goes_on_with_what_the_last_had_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    write(&files, "www.test");
    let mut last = Certificates::default();
    last.add(&files, Origin::Files, &[]);
    std::fs::remove_file(&files.key_file).expect("removed");
    let mut next = Certificates::default();
    let slot = next.add(&files, Origin::Files, &[]);
    assert!(slot.covers("www.test") && slot.error().is_some());
}

#[test]
fn a_certificate_that_never_was_usable_is_an_alarm_until_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    let slot = Certificates::default().add(&files, Origin::Files, &[]);
    assert!(slot.certificate().is_none());
    assert!(slot.alarms(Duration::ZERO)[0].contains("whoever needs it is refused"));
    write(&files, "www.test");
    assert_eq!(slot.refresh(&[]), Some(Ok(())));
    assert!(slot.covers("www.test"));
}

#[test]
fn a_certificate_near_its_end_is_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    write(&files, "www.test");
    let slot = Certificates::default().add(&files, Origin::Files, &[]);
    let ends = slot.certificate().expect("one is in force").chain.ends;
    let days = |count: u64| Duration::from_secs(count * DAY + 60);
    assert_eq!(slot.alarms(ends - days(14)), Vec::<String>::new());
    assert!(slot.alarms(ends - days(13))[0].contains("ends in 13 days"), "{:?}", slot.alarms(ends - days(13)));
    assert!(slot.alarms(ends + days(1))[0].contains("has expired"));
}

#[test]
fn a_certificate_that_is_made_for_six_days_is_an_alarm_only_when_it_should_have_been_renewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["www.test".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(2026, 11, 1), date_time_ymd(2026, 11, 7));
    std::fs::write(&files.chain_file, params.self_signed(&key).expect("signed").pem()).expect("written");
    std::fs::write(&files.key_file, key.serialize_pem()).expect("written");
    let slot = Certificates::default().add(&files, Origin::Files, &[]);
    let ends = slot.certificate().expect("one is in force").chain.ends;
    let hours = |count: u64| Duration::from_secs(count * 3600);
    assert_eq!(slot.alarms(ends - hours(29)), Vec::<String>::new(), "it is renewed when a third is left, 48 hours");
    assert!(slot.alarms(ends - hours(28))[0].contains("ends in 28 hours, and nothing has renewed it"));
}

#[test]
fn a_renewal_that_lacks_a_host_of_the_last_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(folder.path());
    write(&files, "www.test");
    let hosts = [HostPattern::parse("www.test").expect("a host"), HostPattern::parse("never.test").expect("a host")];
    let mut certificates = Certificates::default();
    let slot = certificates.add(&files, Origin::Files, &hosts);
    write(&files, "other.test");
    let why = refreshed(&certificates)[0].as_ref().expect_err("it is refused").to_string();
    assert!(why.contains("no longer for www.test"), "{why}");
    assert!(slot.covers("www.test"));
    write(&files, "*.test");
    assert_eq!(refreshed(&certificates), [Ok(())]);
    assert!(slot.covers("www.test") && slot.covers("never.test"));
}
