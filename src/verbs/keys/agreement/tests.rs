#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::protocol::agreement::{HostCertificate, TrustedAuthority};

fn has(authority: &str, trusted: &[&str], ends: u64) -> AgreementFiles {
    AgreementFiles {
        authorities: trusted.iter().map(|name| TrustedAuthority { name: (*name).to_owned(), ends: 1 << 40 }).collect(),
        certificate: Some(HostCertificate { authority: authority.to_owned(), names: Vec::new(), ends }),
    }
}

#[test]
fn what_keeps_a_host_out_is_said_beside_it() {
    let year = RENEWED_BEFORE;
    let held = Held::from([
        ("good".to_owned(), has("CN=a", &["CN=a", "CN=b"], 3 * year)),
        ("soon".to_owned(), has("CN=a", &["CN=a"], 2 * year - 1)),
        ("over".to_owned(), has("CN=a", &["CN=a"], year - 1)),
        ("strange".to_owned(), has("CN=c", &["CN=a"], 3 * year)),
        ("none".to_owned(), AgreementFiles::default()),
    ]);
    let faults = faults(&held, year);
    let of = |host: &str| faults.get(host).map(String::as_str);
    assert_eq!(of("good"), None);
    assert_eq!(of("soon"), Some("the certificate runs out"));
    assert_eq!(of("over"), Some("the certificate has run out"));
    assert_eq!(of("strange"), Some("its own authority is not trusted"));
    assert_eq!(of("none"), Some("no certificate"));
    let table = table(&held, &faults);
    assert!(table.lines().any(|line| line.starts_with("good") && line.ends_with("CN=b")), "{table}");
}

#[test]
fn an_authority_is_used_again_until_a_new_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    let made = authority(&file, false).unwrap();
    assert_eq!(authority(&file, false).unwrap().name, made.name);
    let fresh = authority(&file, true).unwrap();
    assert_ne!(fresh.name, made.name);
    assert_eq!(authority(&file, false).unwrap().name, fresh.name);
    let old = fs::read_to_string(folder.path().join("authority.old.pem")).unwrap();
    assert_eq!(Authority::of_pem(&old).unwrap().name, made.name, "the one before is kept");
}
