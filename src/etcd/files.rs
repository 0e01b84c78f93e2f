//! The files of TLS with the members: whether they can be used, before anybody is spoken with.

use crate::config::proxy::AgreementTlsConfig;
use crate::tls::client::roots;
use crate::tls::pem::{self, CertificateError, DatedChain};

/// Whether the files can be used, as far as can be told without the key.
///
/// # Errors
///
/// Why not.
pub fn check(tls: &AgreementTlsConfig) -> Result<(), CertificateError> {
    chain(tls).map(drop)
}

/// The same with the key: it is there, and is that of the certificate.
///
/// # Errors
///
/// Why not.
pub fn check_with_key(tls: &AgreementTlsConfig) -> Result<(), CertificateError> {
    pem::with_key(chain(tls)?.certificates, &tls.key).map(drop)
}

fn chain(tls: &AgreementTlsConfig) -> Result<DatedChain, CertificateError> {
    roots(&tls.ca)?;
    pem::dated_chain(&tls.certificate, "a certificate in PEM, which members of etcd are shown")
}

#[cfg(test)]
mod tests;
