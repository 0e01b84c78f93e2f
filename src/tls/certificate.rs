//! One certificate and its key, read from their files and checked.
//!
//! What visitors would stumble over is an error here: a key of another certificate, a chain in the wrong order, a certificate
//! without names. Dates are no error, for a clock or a CA may be wrong: they are told, and watched while it is in force. Must
//! never: print a key.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::SignatureAlgorithm;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

pub use crate::tls::pem::{CertificateError, FileStamp};

use super::names::CertificateNames;
use crate::config::proxy::CertificateConfig;
use crate::config::regular_file::read_regular_file;
use crate::counted::counted;
use crate::tls::pem;

/// The most that is read of a file of certificates or of a key.
const MOST: u64 = 256 * 1024;

const HOUR: Duration = Duration::from_secs(3600);

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

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

/// Why a text is no certificate, or no key of it; never holds what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(pub String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Chain {
    /// Reads a file of certificates, and checks what can be checked without the key.
    ///
    /// # Errors
    ///
    /// It cannot be read, holds no certificate, is for no host, or is out of order.
    pub fn read(file: &Path) -> Result<Chain, CertificateError> {
        let text = read_regular_file(file, MOST)
            .map_err(|error| CertificateError::unread(file, &error, "a certificate in PEM, and the CA's behind it"))?;
        Chain::of_pem(&text).map_err(|Unusable(why)| CertificateError::new(file, why))
    }

    /// The same of a text, which may hold a key, too.
    ///
    /// # Errors
    ///
    /// It holds no certificate, is for no host, or is out of order.
    pub fn of_pem(text: &[u8]) -> Result<Chain, Unusable> {
        let certificates = pem::certificates_of(text).map_err(|error| Unusable(error.to_string()))?;
        let parsed: Vec<X509> = certificates
            .iter()
            .enumerate()
            .map(|(index, der)| {
                X509::from_der(der)
                    .map_err(|error| Unusable(format!("certificate {} is malformed: {error}", index + 1)))
            })
            .collect::<Result<_, _>>()?;
        let Some(leaf) = parsed.first() else {
            return Err(Unusable("holds no certificate: expected -----BEGIN CERTIFICATE-----".to_owned()));
        };
        for (index, pair) in parsed.windows(2).enumerate() {
            if pair[0].tbs_certificate().issuer() != pair[1].tbs_certificate().subject() {
                return Err(Unusable(format!(
                    "certificate {} is not by the one behind it: it is issued by \"{}\", and behind it stands \"{}\"; put the \
                     host's certificate first, and behind each one that of its issuer",
                    index + 1,
                    pair[0].tbs_certificate().issuer(),
                    pair[1].tbs_certificate().subject(),
                )));
            }
        }
        let names = names_of(leaf).map_err(Unusable)?;
        if names.is_empty() {
            let why = "its first certificate is for no host: it has no subject alternative name, and browsers read nothing else";
            return Err(Unusable(why.to_owned()));
        }
        let validity = leaf.tbs_certificate().validity();
        let (begins, ends) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        Ok(Chain { certificates, names, begins, ends })
    }

    /// The host's certificate.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.certificates.first()
    }

    /// How long it is valid still, in words.
    pub fn time_left(&self, since_epoch: Duration) -> String {
        let left = self.ends.saturating_sub(since_epoch).as_secs();
        match left / DAY.as_secs() {
            0 | 1 => counted(left / HOUR.as_secs(), "hour"),
            days => format!("{days} days"),
        }
    }

    /// What is wrong with its dates, if anything is.
    pub fn date_fault(&self, since_epoch: Duration) -> Option<String> {
        let days = |length: Duration| counted(length.as_secs() / DAY.as_secs(), "day");
        match () {
            () if since_epoch > self.ends => {
                Some(format!("has expired {} ago: visitors are warned off", days(since_epoch - self.ends)))
            }
            () if since_epoch < self.begins => Some(format!(
                "is not valid yet: it begins in {}, or the clock is wrong",
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
        let text = read_regular_file(key_file, MOST)
            .map_err(|error| CertificateError::unread(key_file, &error, "a private key in PEM"))?;
        let certified =
            pem::certified(chain.certificates.clone(), &text).map_err(|why| CertificateError::new(key_file, why))?;
        Ok(Certificate { chain, certified: Arc::new(certified) })
    }

    /// Its key is long, as some old clients need it.
    pub fn is_rsa(&self) -> bool {
        self.certified.key.algorithm() == SignatureAlgorithm::RSA
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

/// Whether the key in a text is the one of a chain, and can be used.
///
/// # Errors
///
/// What is wrong with it; the words never hold what stands in the text.
pub fn key_fits(chain: &Chain, text: &[u8]) -> Result<(), Unusable> {
    pem::certified(chain.certificates.clone(), text).map(drop).map_err(|why| Unusable(why.to_owned()))
}

#[cfg(test)]
mod tests;
