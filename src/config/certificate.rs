//! A certificate in files, whoever shows it.

use std::path::PathBuf;

use super::reader::{Keys, Read, Value};

/// A certificate in files, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateConfig {
    /// The certificate in PEM, and behind it those that lead to the CA's, each signed by the next.
    pub chain_file: PathBuf,
    /// Its private key in PEM.
    pub key_file: PathBuf,
}

/// Its keys, where it stands as `object`.
pub(super) const fn keys(object: &'static str) -> Keys {
    Keys { object, names: &["chain_file", "key_file"] }
}

/// Reads one.
pub(super) fn read(value: &Value<'_>, keys: &'static Keys) -> Read<CertificateConfig> {
    let certificate = value.object(keys)?;
    let chain_file = certificate.required("chain_file", Value::file);
    let key_file = certificate.required("key_file", Value::file);
    Ok(CertificateConfig { chain_file: chain_file?, key_file: key_file? })
}
