//! Certificates and records for the tests.

use rcgen::{CertificateParams, KeyPair};

use super::material::{Issued, Secret, Told};
use super::steps::TxtRecord;

const DAY: i64 = 86_400;

/// A certificate for these names by `https://ca.test/dir`, valid from one day since the epoch to another.
pub(super) fn told(names: &[&str], begins: i64, ends: i64) -> Told {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let day = |number: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_secs((number * DAY) as u64)).into();
    (params.not_before, params.not_after) = (day(begins), day(ends));
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = Secret::new(format!("{}{}", key.serialize_pem(), certificate.pem()));
    Told { directory: "https://ca.test/dir".into(), obtained: (begins * DAY * 1000) as u64, pem }
}

/// The same, looked at.
pub(super) fn issue(names: &[&str], begins: i64, ends: i64) -> Issued {
    Issued::new(told(names, begins, ends)).unwrap()
}

/// What a CA is to find of a domain; each number is another value.
pub(super) fn record(domain: &str, number: usize) -> TxtRecord {
    TxtRecord::of(domain, format!("{number:0>43}")).unwrap()
}
