//! Certificates that examples name: of two sites, of an authority of visitors, and of visitors.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// `a` and `b` sign themselves, for a.test and b.test; `known` is a visitor whom `authority` knows, `stranger` one whom another does.
pub fn write(folder: &Path) {
    for name in ["a", "b"] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![format!("{name}.test")]).unwrap();
        put(folder, name, &params.self_signed(&key).unwrap().pem(), &key);
    }
    for (authority, visitor) in [("authority", "known"), ("another", "stranger")] {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, authority);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join(format!("{authority}.pem")), issuer.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, visitor);
        put(folder, visitor, &params.signed_by(&key, &issuer).unwrap().pem(), &key);
    }
}

/// The key beside the certificate, as Caddy has it, and in the same file, as HAProxy has it.
fn put(folder: &Path, name: &str, certificate: &str, key: &KeyPair) {
    let key = key.serialize_pem();
    fs::write(folder.join(format!("{name}.pem")), format!("{certificate}{key}")).unwrap();
    fs::write(folder.join(format!("{name}.key")), key).unwrap();
}
