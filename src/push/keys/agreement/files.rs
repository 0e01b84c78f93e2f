//! The files of the agreement on a host: the authorities that it trusts, and its certificate with its key, both in PEM.
//!
//! [`look`] and [`apply`] read and write them. Must never: reveal a key, even in an error. Called by the gate.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::files::{self, Access};
use crate::push::error::Error;
use crate::push::protocol::agreement::{AgreementChange, AgreementFiles, HostCertificate, TrustedAuthority};
use crate::tls::pem;

/// The file of the authorities that a host trusts, below its folder of keys.
pub const AUTHORITIES: &str = "agreement-ca.pem";

/// The file of its certificate and key.
pub const CERTIFICATE: &str = "agreement.pem";

/// The mode of a new file: for root only, until the system's tmpfiles rules give it to those who read it.
const MODE: u32 = 0o400;

/// What a host has. An empty file, as the system makes one, counts as none.
///
/// # Errors
///
/// A file cannot be read, or holds something else.
pub fn look(folder: &Path) -> Result<AgreementFiles, Error> {
    let authorities = read(&folder.join(AUTHORITIES), authorities_of)?;
    let certificate = read(&folder.join(CERTIFICATE), certificate_of)?;
    Ok(AgreementFiles { authorities: authorities.into_iter().map(PemAuthority::trusted).collect(), certificate })
}

/// Changes what a host has. Returns it, and whether anything was changed.
///
/// # Errors
///
/// The change is not valid, or a file cannot be written. The files are left as they were.
pub fn apply(folder: &Path, change: &AgreementChange) -> Result<(AgreementFiles, bool), Error> {
    let (file, after) = match change {
        AgreementChange::Trust { authority } => (AUTHORITIES, with_authority(folder, authority)?),
        AgreementChange::Use { certificate } => (CERTIFICATE, usable(folder, &certificate.0)?),
        AgreementChange::Retire { keep } => (AUTHORITIES, with_only(folder, keep)?),
    };
    let path = folder.join(file);
    let place = |error: &io::Error| Error::at(path.display(), error);
    let before = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| place(&error))?,
    };
    if after != before {
        fs::create_dir_all(folder).map_err(|error| place(&error))?;
        files::replace(&path, after.as_bytes(), Access::AsBefore(MODE)).map_err(Error::new)?;
    }
    Ok((look(folder)?, after != before))
}

/// The authorities that a host trusts, and another one.
fn with_authority(folder: &Path, text: &str) -> Result<String, Error> {
    let mut fresh = authorities_of(text)?;
    let (Some(fresh), true) = (fresh.pop(), fresh.is_empty()) else {
        return Err(Error::new("expected the certificate of one authority, in PEM"));
    };
    let mut trusted = read(&folder.join(AUTHORITIES), authorities_of)?;
    if !trusted.iter().any(|one| one.name == fresh.name) {
        trusted.push(fresh);
    }
    Ok(trusted.into_iter().map(|one| one.pem).collect())
}

/// A certificate by an authority that the host trusts, with its key.
fn usable(folder: &Path, text: &str) -> Result<String, Error> {
    let fresh = certificate_of(text)?.ok_or_else(|| Error::new("expected a certificate and its key, in PEM"))?;
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| Error::new("the certificate came without its key, in PEM"))?;
    let trusted = read(&folder.join(AUTHORITIES), authorities_of)?;
    match trusted.iter().any(|one| one.name == fresh.authority) {
        true => Ok(text.to_owned()),
        false => Err(Error::new(format!("the certificate is by {}, which this host does not trust", fresh.authority))),
    }
}

/// The authority of the host's own certificate, which the others would not know any more.
fn with_only(folder: &Path, keep: &str) -> Result<String, Error> {
    let own = read(&folder.join(CERTIFICATE), certificate_of)?;
    if own.is_none_or(|own| own.authority != keep) {
        return Err(Error::new(format!("the certificate of this host is not by {keep}, so the others are trusted on")));
    }
    let trusted = read(&folder.join(AUTHORITIES), authorities_of)?;
    match trusted.into_iter().find(|one| one.name == keep) {
        Some(kept) => Ok(kept.pem),
        None => Err(Error::new(format!("this host does not trust {keep}"))),
    }
}

/// What a file holds; of one that is not there, what an empty one holds.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, Error>) -> Result<T, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::at(path.display(), error)),
    };
    parse(&text).map_err(|error| error.of(path.display()))
}

/// An authority with its certificate in PEM.
pub(super) struct PemAuthority {
    pub(super) name: String,
    pub(super) pem: String,
    ends: u64,
}

impl PemAuthority {
    fn trusted(self) -> TrustedAuthority {
        TrustedAuthority { name: self.name, ends: self.ends }
    }
}

/// The authorities in a text, in order; a key beside them is passed over.
pub(super) fn authorities_of(text: &str) -> Result<Vec<PemAuthority>, Error> {
    let found = pem::certificates_of(text.as_bytes()).map_err(Error::new)?;
    let parsed = found.iter().map(|der| {
        let certificate = parsed(der)?;
        let name = certificate.tbs_certificate().subject().to_string();
        Ok(PemAuthority { name, pem: pem::encode("CERTIFICATE", der), ends: ends(&certificate) })
    });
    parsed.collect()
}

/// The first certificate in a text, if there is one.
fn certificate_of(text: &str) -> Result<Option<HostCertificate>, Error> {
    let found = pem::certificates_of(text.as_bytes()).map_err(Error::new)?;
    let Some(first) = found.first() else { return Ok(None) };
    let certificate = parsed(first)?;
    let tbs = certificate.tbs_certificate();
    let names = tbs.get_extension::<SubjectAltName>();
    let names = names.map_err(|error| Error::new(format!("its subject alternative names are malformed: {error}")))?;
    let mut names: Vec<String> = names.iter().flat_map(|(_, names)| &names.0).filter_map(name).collect();
    names.sort();
    Ok(Some(HostCertificate { authority: tbs.issuer().to_string(), names, ends: ends(&certificate) }))
}

/// The names that the certificate of a host is for, in order.
pub(super) fn names_for(host: &str, addresses: &[IpAddr]) -> Vec<String> {
    let mut names: Vec<String> =
        std::iter::once(host.to_owned()).chain(addresses.iter().map(IpAddr::to_string)).collect();
    names.sort();
    names.dedup();
    names
}

fn parsed(der: &[u8]) -> Result<Certificate, Error> {
    Certificate::from_der(der).map_err(|error| Error::new(format!("a certificate is malformed: {error}")))
}

fn ends(certificate: &Certificate) -> u64 {
    certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let four = <[u8; 4]>::try_from(bytes.as_bytes()).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(bytes.as_bytes()).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
