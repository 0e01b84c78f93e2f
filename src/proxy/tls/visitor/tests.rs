use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};

use super::*;

#[test]
fn a_subject_is_one_line_of_ascii_and_no_part_of_it_looks_like_another() {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Bäcker");
    params.distinguished_name.push(DnType::CommonName, "ann,O=root\r\nHost: x");
    let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
    assert_eq!(subject_of(certificate.der()), "CN=ann\\,O=root\\0d\\0aHost: x,O=B\\C3\\A4cker");
    params.distinguished_name.push(DnType::CommonName, "x".repeat(LONGEST_SUBJECT));
    let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
    assert_eq!(subject_of(certificate.der()), "");
    assert_eq!(subject_of(&CertificateDer::from(vec![0; 9])), "");
}

#[test]
fn a_connection_stands_as_its_handshake_did_and_as_the_authority_sees_it_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let ca_file = folder.path().join(name);
        std::fs::write(&ca_file, issuer.pem()).expect("written");
        (ClientAuthorityConfig { ca_file, crl_file: None }, issuer)
    };
    let ((files, issuer), (others, other_issuer)) = (authority("ca.pem"), authority("other.pem"));
    let ours = ClientAuthority::of(&files);
    let visitor = |asked| SecureVisitor::new(Some(ProtocolVersion::TLSv1_3), None, Some("www.test"), asked);
    assert_eq!(visitor(None).standing(&files), Standing::NotAsked);
    assert_eq!(visitor(Some(Asked::new(Arc::clone(&ours), None, None))).standing(&files), Standing::NotShown);

    let params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    let certificate = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
    let chain = [certificate.der().clone()];
    let good_by = ours.verify(&chain, UnixTime::now()).expect("it is good");
    let visitor = visitor(Some(Asked::new(Arc::clone(&ours), Some(&chain), Some(good_by))));
    assert!(matches!(visitor.standing(&files), Standing::Shown(shown) if shown.fingerprint.len() == 64));
    assert_eq!(visitor.standing(&others), Standing::NotAsked, "what is good for one service says nothing to another");

    let beside = folder.path().join("new");
    std::fs::write(&beside, other_issuer.pem()).expect("written");
    std::fs::rename(beside, &files.ca_file).expect("moved");
    assert_eq!(ours.refresh(), Some(Ok(())));
    assert_eq!(visitor.standing(&files), Standing::NotShown, "the authority is another one now");
}

#[test]
fn a_certificate_is_good_until_its_last_second_and_not_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, issuer.pem()).expect("written");
    let authority = ClientAuthority::of(&ClientAuthorityConfig { ca_file, crl_file: None });
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
    let end = u64::try_from(params.not_after.unix_timestamp()).expect("after the epoch");
    let certificate = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
    let chain = [certificate.der().clone()];
    let good_by = authority.verify(&chain, UnixTime::now()).expect("it is good");
    let asked = Asked::new(Arc::clone(&authority), Some(&chain), Some(good_by));
    let is_good = |at: u64| asked.shown(UnixTime::since_unix_epoch(std::time::Duration::from_secs(at))).is_some();
    assert!(is_good(end - 1) && is_good(end));
    assert!(!is_good(end + 1), "as it would be for a new connection");
    assert!(!is_good(end + 2));
}
