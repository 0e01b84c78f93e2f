#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use super::*;

/// An authority, and a certificate with its key, all in one file each.
fn issue(folder: &Path) -> AgreementTlsConfig {
    let made = rcgen::generate_simple_self_signed(vec!["px1.test".to_owned()]).unwrap();
    let (ca, both) = (folder.join("ca.pem"), folder.join("px1.pem"));
    fs::write(&ca, made.cert.pem()).unwrap();
    fs::write(&both, format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem())).unwrap();
    AgreementTlsConfig { ca, certificate: both.clone(), key: both }
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let good = issue(folder.path());
    assert_eq!((check(&good), check_with_key(&good)), (Ok(()), Ok(())));
    let other = folder.path().join("other.key");
    fs::write(&other, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let junk = folder.path().join("junk.pem");
    fs::write(&junk, "junk").unwrap();
    let gone = folder.path().join("gone.pem");
    let with_key = |key: &Path| AgreementTlsConfig { key: key.to_owned(), ..good.clone() };
    for (tls, name, why) in [
        (with_key(&other), "other.key", "is the key of another certificate"),
        (with_key(&junk), "junk.pem", "holds no private key in PEM"),
        (with_key(&gone), "gone.pem", "cannot be read"),
    ] {
        assert_eq!(check(&tls), Ok(()), "the key is not read");
        let error = check_with_key(&tls).unwrap_err();
        assert!(error.file.ends_with(name) && error.why.starts_with(why), "{error}");
    }
    let of_ca = |ca: &Path| AgreementTlsConfig { ca: ca.to_owned(), ..good.clone() };
    let of_certificate =
        |certificate: &Path| AgreementTlsConfig { certificate: certificate.to_owned(), ..good.clone() };
    for (tls, name, why) in [
        (of_ca(&junk), "junk.pem", "holds no certificate"),
        (of_ca(&gone), "gone.pem", "cannot be read"),
        (of_certificate(&other), "other.key", "holds no certificate"),
        (of_certificate(&gone), "gone.pem", "cannot be read"),
    ] {
        for checked in [check(&tls), check_with_key(&tls)] {
            let error = checked.unwrap_err();
            assert!(error.file.ends_with(name) && error.why.starts_with(why), "{error}");
        }
    }
}
