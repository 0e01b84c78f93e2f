//! TLS to the members of the store by which proxies agree: the files that a document names for it.

use crate::config::ProxyConfig;
use crate::config::proxy::AgreementTlsConfig;
use crate::daemon::key_file::KeyError;
use crate::etcd::files;
use crate::tls::pem::CertificateError;

/// Where the document names them.
pub const PATH: &str = "agreement.tls";

fn tls_of(document: &ProxyConfig) -> Option<&AgreementTlsConfig> {
    document.agreement.as_ref()?.tls.as_ref()
}

/// What is wrong with the files, as far as can be told without the key.
pub fn check(document: &ProxyConfig) -> Option<CertificateError> {
    files::check(tls_of(document)?).err()
}

/// What is wrong with them, the key among them.
pub fn read(document: &ProxyConfig) -> Option<KeyError> {
    let error = files::check_with_key(tls_of(document)?).err()?;
    Some(KeyError::at(&error.file, None, error.why).of(PATH))
}
