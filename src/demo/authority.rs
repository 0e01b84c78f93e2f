//! The demo's certificate authority: made at the start, known to its visitors alone.
//!
//! Owns the authority's key, which never leaves this process, and issues certificates for the fleet's hosts into files, as an
//! operator's ACME client would.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::Error;
use super::documents::{CertificateFiles, STATEFUL_HOST, STATELESS_HOST, ZONE};
use crate::files;
use crate::tls::pem;

/// How long a certificate is for.
const LIFETIME_DAYS: i64 = 30;

/// An authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// The cryptographic library gives no key.
    pub fn make() -> Result<Authority, Error> {
        let issuer = || {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.distinguished_name.push(DnType::CommonName, "polder demo: an authority of its own");
            CertifiedIssuer::self_signed(params, KeyPair::generate()?)
        };
        Ok(Authority { issuer: issuer().map_err(refused)? })
    }

    /// Its own certificate, for visitors to trust (PEM).
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", self.issuer.der())
    }

    /// Issues a certificate for every host of the fleet, in place of those that are in its folder; gives the stateless service's.
    ///
    /// # Errors
    ///
    /// The files cannot be written.
    pub fn issue_all(&self, folder: &Path) -> Result<CertificateDer<'static>, Error> {
        self.issue(&[STATEFUL_HOST], &CertificateFiles::of(folder, STATEFUL_HOST))?;
        self.issue(&[STATELESS_HOST, ZONE], &CertificateFiles::of(folder, STATELESS_HOST))
    }

    /// Issues a certificate with a new key for these hosts, and replaces the files with them; gives the certificate.
    ///
    /// # Errors
    ///
    /// The files cannot be written, or a host is no DNS name.
    fn issue(&self, hosts: &[&str], files: &CertificateFiles) -> Result<CertificateDer<'static>, Error> {
        let issue = || {
            let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())?;
            let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
            let (year, month, day) = ymd(today.saturating_sub(jiff::Span::new().days(1)));
            params.not_before = rcgen::date_time_ymd(year, month, day);
            let (year, month, day) = ymd(today.saturating_add(jiff::Span::new().days(LIFETIME_DAYS)));
            params.not_after = rcgen::date_time_ymd(year, month, day);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &self.issuer)?;
            Ok((key, certificate))
        };
        let (key, certificate) = issue().map_err(refused)?;
        files::replace_own(&files.key, pem::encode("PRIVATE KEY", &key.serialize_der()).as_bytes())?;
        files::replace_own(&files.chain, pem::encode("CERTIFICATE", certificate.der()).as_bytes())?;
        Ok(certificate.der().clone())
    }

    /// The settings of a client that trusts this authority and no other.
    ///
    /// # Errors
    ///
    /// The cryptographic library has been built without TLS 1.2 and 1.3.
    pub fn client(&self) -> Result<ClientConfig, Error> {
        let config = || {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone())?;
            let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
            let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
            Ok::<_, rustls::Error>(builder.with_no_client_auth())
        };
        config().map_err(|error| Error::io("no client of TLS")(io::Error::other(error)))
    }
}

/// A day, as the library for certificates wants it.
fn ymd(day: jiff::civil::Date) -> (i32, u8, u8) {
    (day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
}

fn refused(error: rcgen::Error) -> Error {
    Error::io("no certificate")(io::Error::other(error))
}
