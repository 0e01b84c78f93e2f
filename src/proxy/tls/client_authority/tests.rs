use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod, KeyPair,
    RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A visitor's certificate with this number.
fn issue(issuer: &Issuer, number: u64) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.serial_number = Some(SerialNumber::from(number));
    params.signed_by(&KeyPair::generate().expect("a key"), issuer).expect("a certificate").der().clone()
}

/// The list of an authority that has revoked this number, and runs out at the beginning of that year.
fn list(issuer: &Issuer, revoked: u64, until: i32) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(revoked),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).expect("a list").pem().expect("in PEM")
}

fn write(file: &Path, text: &str) {
    // Beside it and moved there: an authority's tools do so, too, and the stamp is another one for sure.
    let beside = file.with_extension("new");
    std::fs::write(&beside, text).expect("written");
    std::fs::rename(beside, file).expect("moved");
}

fn verified(authority: &ClientAuthority, certificate: &CertificateDer<'static>) -> bool {
    authority.verify(std::slice::from_ref(certificate), UnixTime::now()).is_ok()
}

#[test]
fn a_certificate_is_good_that_the_authority_has_issued_and_not_revoked() {
    let folder = tempfile::tempdir().expect("a folder");
    let files =
        ClientAuthorityConfig { ca_file: folder.path().join("ca.pem"), crl_file: Some(folder.path().join("crl.pem")) };
    let crl_file = files.crl_file.as_ref().expect("a file");
    let (ours, others) = (issuer(), issuer());
    write(&files.ca_file, &ours.pem());
    write(crl_file, &list(&ours, 2, 2100));
    let authority = ClientAuthority::of(&files);
    assert_eq!(authority.error(), None);
    let (good, revoked) = (issue(&ours, 1), issue(&ours, 2));
    assert!(
        verified(&authority, &good) && !verified(&authority, &revoked) && !verified(&authority, &issue(&others, 1))
    );
    assert!(authority.verify(&[], UnixTime::now()).is_err());
    assert!(Arc::ptr_eq(&authority, &ClientAuthority::of(&files)), "the next document has the same");

    let before = authority.number();
    assert_eq!(authority.refresh(), None, "nothing has changed");
    write(crl_file, &list(&ours, 1, 2100));
    assert_eq!(authority.refresh(), Some(Ok(())));
    assert_ne!(authority.number(), before, "what was good before is to be looked at again");
    assert!(!verified(&authority, &good) && verified(&authority, &revoked));
}

#[test]
fn what_cannot_be_used_is_an_alarm_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let files =
        ClientAuthorityConfig { ca_file: folder.path().join("ca.pem"), crl_file: Some(folder.path().join("crl.pem")) };
    let crl_file = files.crl_file.as_ref().expect("a file");
    let ours = issuer();
    let good = issue(&ours, 1);
    let authority = ClientAuthority::of(&files);
    assert!(!verified(&authority, &good), "nobody is believed as long as nothing was read");
    assert_eq!(authority.number(), None);
    let alarms = authority.alarms(Duration::ZERO);
    assert!(
        alarms.len() == 1 && alarms[0].contains("none is taken for good") && alarms[0].contains("ca.pem"),
        "{alarms:?}"
    );
    write(&files.ca_file, &ours.pem());
    write(crl_file, &list(&ours, 2, 2100));
    assert_eq!(authority.refresh(), Some(Ok(())));
    assert!(verified(&authority, &good));
    assert_eq!(authority.alarms(Duration::ZERO), Vec::<String>::new());
    for (file, text, why) in [
        (&files.ca_file, "", "holds no certificate"),
        (crl_file, "", "-----BEGIN X509 CRL-----"),
        (crl_file, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "malformed"),
    ] {
        let before = std::fs::read_to_string(file).expect("read");
        write(file, text);
        assert!(matches!(authority.refresh(), Some(Err(_))), "{why}");
        assert!(verified(&authority, &good), "what was in force goes on");
        let alarms = authority.alarms(Duration::ZERO);
        assert!(alarms.len() == 1 && alarms[0].contains(why) && alarms[0].contains("goes on"), "{alarms:?}");
        write(file, &before);
        assert_eq!(authority.refresh(), Some(Ok(())));
    }
}

#[test]
fn a_list_that_has_run_out_is_an_alarm_and_still_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let files =
        ClientAuthorityConfig { ca_file: folder.path().join("ca.pem"), crl_file: Some(folder.path().join("crl.pem")) };
    let ours = issuer();
    write(&files.ca_file, &ours.pem());
    write(files.crl_file.as_ref().expect("a file"), &list(&ours, 2, 2021));
    let authority = ClientAuthority::of(&files);
    assert!(verified(&authority, &issue(&ours, 1)) && !verified(&authority, &issue(&ours, 2)));
    let end_of_2021 = Duration::from_secs(1_640_995_200);
    let alarms = authority.alarms(end_of_2021);
    assert!(alarms.len() == 1 && alarms[0].contains("has run out 8760 hours ago"), "{alarms:?}");
    assert_eq!(authority.alarms(Duration::ZERO), Vec::<String>::new());
}
