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
