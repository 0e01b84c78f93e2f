//! One certificate and its key, read from their files and checked.
//!
//! What visitors would stumble over is an error here: a key of another certificate, a chain in the wrong order, a certificate
//! without names. Dates are no error, for a clock or a CA may be wrong: they are told, and watched while it is in force. Must
//! never: print a key.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

pub use crate::tls::pem::{CertificateError, FileStamp};

use super::names::CertificateNames;
use crate::config::proxy::CertificateConfig;
use crate::config::regular_file::read_regular_file;

/// The most that is read of a file of certificates or of a key.
const MOST: u64 = 256 * 1024;

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// How long before its end a certificate is an alarm, at most: CAs' clients renew at a third of 90 days.
const ALARM_BEFORE_END: Duration = Duration::from_secs(14 * 86_400);

/// A certificate with the chain behind it, as clients get them.
#[derive(Debug, Clone)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    /// The hosts that it is for.
    pub names: CertificateNames,
    /// From when it is valid, since the epoch.
    pub begins: Duration,
    /// Until when.
    pub ends: Duration,
}

/// A certificate that can be used in handshakes.
#[derive(Debug)]
pub struct Certificate {
    /// The chain.
    pub chain: Chain,
    /// The same with the key.
    pub certified: Arc<CertifiedKey>,
}

impl Chain {
    /// Reads a file of certificates, and checks what can be checked without the key.
    ///
    /// # Errors
    ///
    /// It cannot be read, holds no certificate, is for no host, or is out of order.
    pub fn read(file: &Path) -> Result<Chain, CertificateError> {
        let fail = |why: String| CertificateError::new(file, why);
        let text = read_regular_file(file, MOST)
            .map_err(|error| CertificateError::unread(file, &error, "a certificate in PEM, and the CA's behind it"))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|error| fail(format!("is not PEM: {error}")))?;
        let parsed: Vec<X509> = certificates
            .iter()
            .enumerate()
            .map(|(index, der)| {
                X509::from_der(der).map_err(|error| fail(format!("certificate {} is malformed: {error}", index + 1)))
            })
            .collect::<Result<_, _>>()?;
        let Some(leaf) = parsed.first() else {
            return Err(fail("holds no certificate: expected -----BEGIN CERTIFICATE-----".to_owned()));
        };
        for (index, pair) in parsed.windows(2).enumerate() {
            if pair[0].tbs_certificate().issuer() != pair[1].tbs_certificate().subject() {
                return Err(fail(format!(
                    "certificate {} is not by the one behind it: it is issued by \"{}\", and behind it stands \"{}\"; put the \
                     host's certificate first, and behind each one that of its issuer",
                    index + 1,
                    pair[0].tbs_certificate().issuer(),
                    pair[1].tbs_certificate().subject(),
                )));
            }
        }
        let names = names_of(leaf).map_err(fail)?;
        if names.is_empty() {
            return Err(fail(
                "its first certificate is for no host: it has no subject alternative name, and browsers read nothing else".to_owned(),
            ));
        }
        let validity = leaf.tbs_certificate().validity();
        let (begins, ends) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        Ok(Chain { certificates, names, begins, ends })
    }

    /// How long before its end somebody has to see to its renewal: two weeks, or a quarter of its life where that is less. Renewal is due
    /// at a third, or earlier.
    pub fn alarm_before_end(&self) -> Duration {
        (self.ends.saturating_sub(self.begins) / 4).min(ALARM_BEFORE_END)
    }

    /// What is wrong with its dates, if anything is.
    pub fn date_fault(&self, since_epoch: Duration) -> Option<String> {
        let days = |length: Duration| length.as_secs() / DAY.as_secs();
        match () {
            () if since_epoch > self.ends => {
                Some(format!("has expired {} days ago: visitors are warned off", days(since_epoch - self.ends)))
            }
            () if since_epoch < self.begins => Some(format!(
                "is not valid yet: it begins in {} days, or the clock is wrong",
                days(self.begins - since_epoch)
            )),
            () => None,
        }
    }
}

fn names_of(certificate: &X509) -> Result<CertificateNames, String> {
    let mut names = CertificateNames::default();
    let found = certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let found = found.map_err(|error| format!("its subject alternative names are malformed: {error}"))?;
    for name in found.iter().flat_map(|(_, names)| &names.0) {
        match name {
            GeneralName::DnsName(name) => names.add_name(name.as_str()),
            GeneralName::IpAddress(bytes) => match bytes.as_bytes() {
                four if four.len() == 4 => {
                    names.add_address(IpAddr::from(<[u8; 4]>::try_from(four).unwrap_or_default()))
                }
                more => {
                    if let Ok(sixteen) = <[u8; 16]>::try_from(more) {
                        names.add_address(IpAddr::from(sixteen));
                    }
                }
            },
            _ => {}
        }
    }
    Ok(names)
}

impl Certificate {
    /// Puts a chain and its key together.
    ///
    /// # Errors
    ///
    /// The key cannot be read or used, or is of another certificate.
    pub fn with_key(chain: Chain, key_file: &Path) -> Result<Certificate, CertificateError> {
        let fail = |why: String| CertificateError::new(key_file, why);
        let text = read_regular_file(key_file, MOST)
            .map_err(|error| CertificateError::unread(key_file, &error, "a private key in PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(&text)
            .map_err(|_| fail("holds no private key in PEM: expected -----BEGIN PRIVATE KEY-----".to_owned()))?;
        let key = any_supported_type(&key).map_err(|_| {
            fail(
                "the key cannot be used: expected ECDSA (P-256, P-384, P-521), Ed25519, or RSA of 2048 bits or more"
                    .to_owned(),
            )
        })?;
        let certified = CertifiedKey::new(chain.certificates.clone(), key);
        certified
            .keys_match()
            .map_err(|_| fail("is the key of another certificate: renew both together".to_owned()))?;
        Ok(Certificate { chain, certified: Arc::new(certified) })
    }

    /// Reads both files.
    ///
    /// # Errors
    ///
    /// As [`Chain::read`] and [`Certificate::with_key`].
    pub fn read(files: &CertificateConfig) -> Result<Certificate, CertificateError> {
        Certificate::with_key(Chain::read(&files.chain_file)?, &files.key_file)
    }
}

#[cfg(test)]
mod tests;
