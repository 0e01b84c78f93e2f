//! An authority for one cluster of etcd, and the certificate that its members and the proxies show each other.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::{Value, json};

/// Where they are.
pub struct Keys {
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Keys {
    /// Makes them, in this folder, for members at these addresses.
    pub fn make(folder: &Path, members: &[IpAddr]) -> Keys {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new(members.iter().map(IpAddr::to_string).collect::<Vec<_>>()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let keys =
            Keys { ca: folder.join("ca.pem"), certificate: folder.join("etcd.pem"), key: folder.join("etcd.key") };
        std::fs::write(&keys.ca, issuer.pem()).unwrap();
        std::fs::write(&keys.certificate, certificate.pem()).unwrap();
        std::fs::write(&keys.key, key.serialize_pem()).unwrap();
        keys
    }

    /// A proxy's, in its document.
    pub fn document(&self) -> Value {
        json!({ "ca": self.ca, "certificate": self.certificate, "key": self.key })
    }
}
