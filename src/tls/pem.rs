//! Files of certificates and keys in PEM, whoever shows them to whom.
//!
//! Must never: print a key.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::config::regular_file::read_regular_file;

/// The most that is read of a file of certificates or of a key.
const MOST: u64 = 1024 * 1024;

/// Why a certificate cannot be used. Never holds what stands in a file of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, and what to do.
    pub why: String,
    /// What kept it from being read, if it could not be.
    pub kind: Option<io::ErrorKind>,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl CertificateError {
    /// Of this file.
    pub fn new(file: &Path, why: impl Into<String>) -> CertificateError {
        CertificateError { file: file.to_owned(), why: why.into(), kind: None }
    }

    /// It cannot be read.
    pub fn unread(file: &Path, error: &io::Error, expected: &str) -> CertificateError {
        let why = format!("cannot be read: {error}; expected {expected}");
        CertificateError { kind: Some(error.kind()), ..CertificateError::new(file, why) }
    }
}

/// The certificates of a file, in their order; there may be none.
///
/// # Errors
///
/// It cannot be read (what was `expected` is said), or is not PEM.
pub fn certificates(file: &Path, expected: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let text = read_regular_file(file, MOST).map_err(|error| CertificateError::unread(file, &error, expected))?;
    certificates_of(&text).map_err(|error| CertificateError::new(file, error.to_string()))
}

/// The certificates in a text, in their order; there may be none.
///
/// # Errors
///
/// What is not PEM about it.
pub fn certificates_of(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, NotPem> {
    CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(NotPem)
}

/// The text of a file (RFC 7468, 3).
pub fn encode(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A text that is not PEM.
#[derive(Debug)]
pub struct NotPem(pem::Error);

impl fmt::Display for NotPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not PEM: {}", self.0)
    }
}

/// Certificates that somebody is shown.
pub struct DatedChain {
    /// In their order; never empty.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Until when the first one is valid, since the epoch.
    pub ends: Duration,
}

/// The certificates of a file, of which the first one is the holder's.
///
/// # Errors
///
/// As [`certificates`]; or there is none, or the first one is malformed.
pub fn dated_chain(file: &Path, expected: &str) -> Result<DatedChain, CertificateError> {
    let certificates = certificates(file, expected)?;
    let Some(first) = certificates.first() else {
        return Err(CertificateError::new(file, "holds no certificate: expected -----BEGIN CERTIFICATE-----"));
    };
    let first = Certificate::from_der(first)
        .map_err(|error| CertificateError::new(file, format!("its first certificate is malformed: {error}")))?;
    let ends = first.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(DatedChain { certificates, ends })
}

/// Puts certificates and the key of the first one together.
///
/// # Errors
///
/// The key cannot be read or used, or is of another certificate.
pub fn with_key(chain: Vec<CertificateDer<'static>>, key_file: &Path) -> Result<CertifiedKey, CertificateError> {
    let text = read_regular_file(key_file, MOST)
        .map_err(|error| CertificateError::unread(key_file, &error, "a private key in PEM"))?;
    certified(chain, &text).map_err(|why| CertificateError::new(key_file, why))
}

/// Puts certificates and the key in a text together.
///
/// # Errors
///
/// The text holds no key that can be used, or the key of another certificate.
pub fn certified(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<CertifiedKey, &'static str> {
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "holds no private key in PEM: expected -----BEGIN PRIVATE KEY-----")?;
    let key = any_supported_type(&key).map_err(
        |_| "the key cannot be used: expected ECDSA (P-256, P-384, P-521), Ed25519, or RSA of 2048 bits or more",
    )?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| "is the key of another certificate: renew both together")?;
    Ok(certified)
}

/// What tells that a file has changed, without reading it: which one it is, its length and the time of its last change, be it only of
/// its mode. Followed through links, so that a renewal that only moves a link is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp(Option<[i128; 5]>);

impl FileStamp {
    /// Of this file now; one that is not there has a stamp too.
    pub fn of(file: &Path) -> FileStamp {
        let stamp = |m: fs::Metadata| {
            let changed = i128::from(m.ctime()) * 1_000_000_000 + i128::from(m.ctime_nsec());
            let written = i128::from(m.mtime()) * 1_000_000_000 + i128::from(m.mtime_nsec());
            [m.dev().into(), m.ino().into(), m.len().into(), written, changed]
        };
        FileStamp(fs::metadata(file).ok().map(stamp))
    }
}
