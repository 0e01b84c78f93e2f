//! A certificate authority for tests, and clients of TLS that trust it.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use polder::config::proxy::CertificateConfig;
use polder::proxy::tls::acceptor::{Acceptor, Resolver};
use polder::tls::certificates::{Certificates, Origin};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, PKCS_RSA_SHA256, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::harness::{Client, PATIENCE};

/// A client over TLS.
pub type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

/// An authority, and what it has issued into files.
pub struct Authority {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub folder: TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer, folder: TempDir::new().unwrap() }
    }

    pub fn issue(&self, file: &str, names: &[&str]) -> CertificateConfig {
        self.issue_with(file, names, &KeyPair::generate().unwrap())
    }

    /// With an RSA key, which is always the same: making one takes seconds.
    pub fn issue_rsa(&self, file: &str, names: &[&str]) -> CertificateConfig {
        const KEY: &str = include_str!("../data/tls/rsa.key");
        self.issue_with(file, names, &KeyPair::from_pkcs8_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256).unwrap())
    }

    /// One that has ended.
    pub fn issue_expired(&self, file: &str, names: &[&str]) -> CertificateConfig {
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        self.write(file, &params, &KeyPair::generate().unwrap())
    }

    /// One that is good for so many seconds from now.
    pub fn issue_brief(&self, file: &str, number: u64, seconds: u64) -> CertificateConfig {
        let mut params = params(&[]);
        params.serial_number = Some(SerialNumber::from(number));
        params.not_after = (std::time::SystemTime::now() + std::time::Duration::from_secs(seconds)).into();
        self.write(file, &params, &KeyPair::generate().unwrap())
    }

    /// With this serial number, by which it can be revoked.
    pub fn issue_numbered(&self, file: &str, number: u64) -> CertificateConfig {
        let mut params = params(&[]);
        params.serial_number = Some(SerialNumber::from(number));
        params.distinguished_name.push(DnType::CommonName, format!("visitor {number}, O=nobody"));
        self.write(file, &params, &KeyPair::generate().unwrap())
    }

    /// The list of revoked certificates in a file, with the one of this number in it.
    pub fn revoke(&self, number: u64) -> PathBuf {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(number),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let (file, beside) = (self.folder.path().join("crl.pem"), self.folder.path().join("crl.new"));
        std::fs::write(&beside, list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        std::fs::rename(beside, &file).unwrap();
        file
    }

    /// A client that trusts it, and shows this certificate when it is asked for one.
    pub fn trusting_and_showing(&self, files: &CertificateConfig) -> ClientConfig {
        let mut config = self.trusting();
        let chain = vec![CertificateDer::from_pem_file(&files.chain_file).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&files.key_file).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, key, &provider).unwrap();
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        config
    }

    fn issue_with(&self, file: &str, names: &[&str], key: &KeyPair) -> CertificateConfig {
        self.write(file, &params(names), key)
    }

    /// The authority's own certificate in a file.
    pub fn ca_file(&self) -> PathBuf {
        let file = self.folder.path().join("ca.pem");
        std::fs::write(&file, self.issuer.pem()).unwrap();
        file
    }

    fn write(&self, file: &str, params: &CertificateParams, key: &KeyPair) -> CertificateConfig {
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        let files = CertificateConfig {
            chain_file: self.folder.path().join(format!("{file}.pem")),
            key_file: self.folder.path().join(format!("{file}.key")),
        };
        std::fs::write(&files.key_file, key.serialize_pem()).unwrap();
        std::fs::write(&files.chain_file, certificate.pem()).unwrap();
        files
    }

    /// Shows everybody a certificate for `www.test`.
    pub fn acceptor(&self) -> Arc<Acceptor> {
        let mut certificates = Certificates::default();
        let default = vec![certificates.add(&self.issue("www", &["www.test"]), Origin::Files, &[])];
        Arc::new(Acceptor::new(Resolver { default, ..Resolver::default() }, certificates, Vec::new()).unwrap())
    }

    /// A client that trusts it.
    pub fn trusting(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

impl TlsClient {
    /// Connects; the handshake begins with the first byte, or with [`TlsClient::handshake`].
    pub fn over_tls(address: SocketAddr, config: ClientConfig, name: &str) -> TlsClient {
        TlsClient::over(TcpStream::connect(address).unwrap(), config, name)
    }

    /// The same over a connection on which something was said before.
    pub fn over(tcp: TcpStream, config: ClientConfig, name: &str) -> TlsClient {
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Client { stream: StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp) }
    }

    /// What the handshake comes to.
    pub fn handshake(&mut self) -> Result<(), Error> {
        let StreamOwned { conn, sock } = &mut self.stream;
        match conn.complete_io(sock) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).expect("an error of TLS").clone())
            }
        }
    }
}
