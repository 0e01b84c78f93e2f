use std::fs;
use std::io;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

struct Files {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Files {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "our authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        Files { folder: tempfile::tempdir().expect("a folder"), issuer }
    }

    fn issue(&self, names: &[&str], key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, "a host");
        change(&mut params);
        params.signed_by(key, &self.issuer).expect("a certificate").pem()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("written");
        file
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

#[test]
fn a_chain_is_read_with_its_names_and_dates() {
    let (files, key) = (Files::new(), key());
    let text = files.issue(&["www.test", "*.pages.test", "192.0.2.1", "2001:db8::1"], &key, |params| {
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
    });
    let chain_file = files.write("chain.pem", &format!("{text}{}", files.issuer.pem()));
    let key_file = files.write("key.pem", &key.serialize_pem());
    let certificate = Certificate::read(&CertificateConfig { chain_file, key_file }).expect("a certificate");
    let chain = &certificate.chain;
    for host in ["www.test", "a.pages.test", "192.0.2.1", "[2001:db8::1]"] {
        assert!(chain.names.cover(host), "{host}");
    }
    assert_eq!((chain.ends - chain.begins).as_secs(), 90 * 86_400);
    assert_eq!(chain.date_fault(chain.begins + DAY), None);
    let words = chain.date_fault(chain.ends + 3 * DAY).expect("it has expired");
    assert!(words.contains("expired 3 days ago"), "{words}");
    assert!(chain.date_fault(chain.begins - 2 * DAY).expect("it has not begun").contains("not valid yet"));
}

#[test]
fn a_file_that_has_only_got_another_mode_has_changed() {
    let files = Files::new();
    let file = files.write("chain.pem", "text");
    let before = FileStamp::of(&file);
    assert_eq!(FileStamp::of(&file), before);
    // The clock of files ticks every few milliseconds.
    while FileStamp::of(&file) == before {
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("changed");
    }
    assert_ne!(FileStamp::of(&file), FileStamp::of(Path::new("/nowhere")));
}

#[test]
fn what_visitors_would_stumble_over_is_an_error_that_says_what_to_do() {
    let (files, other) = (Files::new(), key());
    let key = key();
    let leaf = files.issue(&["www.test"], &key, |_| ());
    let authority = files.issuer.pem();
    let refused = |name: &str, chain: &str, key: &str| {
        let chain_file = files.write(&format!("{name}.pem"), chain);
        let key_file = files.write(&format!("{name}.key"), key);

        Certificate::read(&CertificateConfig { chain_file, key_file }).expect_err(name).to_string()
    };
    let own = key.serialize_pem();
    assert!(refused("order", &format!("{authority}{leaf}"), &own).contains("put the host's certificate first"));
    assert!(refused("key", &leaf, &other.serialize_pem()).contains("the key of another certificate"));
    assert!(refused("nameless", &files.issue(&[], &key, |_| ()), &own).contains("for no host"));
    assert!(refused("empty", "", &own).contains("holds no certificate:"));
    assert!(
        refused("text", "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n", &own).contains("malformed")
    );
    assert!(refused("no-key", &leaf, "nothing").contains("holds no private key"));
    let missing = CertificateConfig { chain_file: "/nowhere/chain.pem".into(), key_file: "/nowhere/key.pem".into() };
    let error = Certificate::read(&missing).expect_err("nothing is there");
    assert_eq!(error.kind, Some(io::ErrorKind::NotFound));
    assert!(error.to_string().starts_with("/nowhere/chain.pem: cannot be read"), "{error}");
}
