#![allow(clippy::unwrap_used)]

use super::*;
use crate::push::keys::agreement::authority::Authority;
use crate::push::protocol::Secret;

fn trust(authority: &Authority) -> AgreementChange {
    AgreementChange::Trust { authority: authority.certificate().to_owned() }
}

fn certificate(authority: &Authority) -> AgreementChange {
    let addresses = ["2001:db8::11".parse().unwrap(), "192.0.2.11".parse().unwrap()];
    AgreementChange::Use { certificate: authority.issue("px-nl", &addresses).unwrap() }
}

#[test]
fn a_host_is_given_an_authority_and_a_certificate_and_later_another() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Authority::make().unwrap(), Authority::make().unwrap());
    let apply = |change| apply(folder.path(), &change).unwrap();
    assert_eq!(look(folder.path()).unwrap(), AgreementFiles::default());

    assert!(apply(trust(&one)).1);
    assert!(!apply(trust(&one)).1, "it is trusted already");
    let (has, _) = apply(certificate(&one));
    let own = has.certificate.unwrap();
    assert_eq!(
        (own.authority, own.names),
        (one.name.clone(), names_for("px-nl", &["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()]))
    );

    let (has, _) = apply(trust(&other));
    assert!(has.trusts(&one.name) && has.trusts(&other.name));
    apply(certificate(&other));
    let (has, changed) = apply(AgreementChange::Retire { keep: other.name.clone() });
    assert!(changed && !has.trusts(&one.name) && has.trusts(&other.name));
}

#[test]
fn an_empty_file_of_the_system_is_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(CERTIFICATE), "").unwrap();
    assert_eq!(look(folder.path()).unwrap().certificate, None);
}

#[test]
fn what_would_leave_a_host_alone_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Authority::make().unwrap(), Authority::make().unwrap());
    apply(folder.path(), &trust(&one)).unwrap();
    apply(folder.path(), &certificate(&one)).unwrap();
    let before = look(folder.path()).unwrap();
    let without_key = AgreementChange::Use { certificate: Secret(one.certificate().to_owned()) };
    let refused = [
        (certificate(&other), "which this host does not trust"),
        (without_key, "without its key"),
        (AgreementChange::Retire { keep: other.name.clone() }, "so the others are trusted on"),
        (AgreementChange::Trust { authority: "nothing".to_owned() }, "expected the certificate of one authority"),
        (AgreementChange::Use { certificate: Secret(String::new()) }, "expected a certificate and its key"),
    ];
    for (change, why) in refused {
        let error = apply(folder.path(), &change).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(look(folder.path()).unwrap(), before);
    }
}
