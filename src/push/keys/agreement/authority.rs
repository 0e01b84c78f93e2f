//! An authority of the agreement: its certificate and key, and the certificates that it issues. Must never: print a key.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::files;
use crate::push::error::Error;
use crate::push::protocol::Secret;
use crate::tls::pem;
use crate::unix_time::{formatted, unix_ms};

/// For how long an authority is trusted.
const AUTHORITY_YEARS: i64 = 20;

/// For how long a certificate is valid. Long, because nothing renews it by itself: an outage of all members at once, on a forgotten day,
/// would be worse than a key that was stolen and can be used until its authority goes.
const CERTIFICATE_YEARS: i64 = 10;

/// When less than this is left of a certificate, it is renewed with the next call, and complained of.
pub const RENEWED_BEFORE: u64 = 366 * 24 * 60 * 60;

/// What begins the name of every authority. The day and a random number follow.
const NAME: &str = "polder agreement";

/// An authority.
pub struct Authority {
    /// Its subject, as certificates name their issuer.
    pub name: String,
    common_name: String,
    certificate: String,
    key: KeyPair,
}

impl Authority {
    /// Makes one, with a name of its own.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub fn make() -> Result<Authority, Error> {
        let mut number = [0; 4];
        crate::random::fill(&mut number).map_err(|_| Error::new("the system gives no random bytes"))?;
        let day = formatted(unix_ms(), "%Y-%m-%d");
        let common_name = format!("{NAME} {day} {:08x}", u32::from_be_bytes(number));
        let made = || {
            let key = KeyPair::generate()?;
            let mut params = params_of(&common_name);
            lasting(&mut params, AUTHORITY_YEARS);
            let certificate = params.self_signed(&key)?;
            Ok((pem::encode("CERTIFICATE", certificate.der()), key))
        };
        let (certificate, key) = made().map_err(refused)?;
        Ok(Authority { name: format!("CN={common_name}"), common_name, certificate, key })
    }

    /// From the text that [`Authority::pem`] gave.
    ///
    /// # Errors
    ///
    /// It is another text.
    pub fn of_pem(text: &str) -> Result<Authority, Error> {
        let other = || Error::new("expected an authority of the agreement: its certificate and its key, in PEM");
        let mut found = files::authorities_of(text)?;
        let (Some(only), true) = (found.pop(), found.is_empty()) else { return Err(other()) };
        let common_name = only.name.strip_prefix("CN=").ok_or_else(other)?.to_owned();
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| other())?;
        let key = KeyPair::try_from(&key).map_err(|_| other())?;
        Ok(Authority { name: only.name, common_name, certificate: only.pem, key })
    }

    /// Its certificate and its key.
    pub fn pem(&self) -> Secret {
        Secret(format!("{}{}", self.certificate, pem::encode("PRIVATE KEY", &self.key.serialize_der())))
    }

    /// Its certificate, which others trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a certificate for a host, with a new key. The host shows it as a member to proxies and members, and as a client to members.
    ///
    /// # Errors
    ///
    /// The host's name cannot stand in a certificate.
    pub fn issue(&self, host: &str, addresses: &[IpAddr]) -> Result<Secret, Error> {
        let issued = || {
            let mut params = CertificateParams::new(files::names_for(host, addresses))?;
            params.distinguished_name.push(DnType::CommonName, host);
            params.use_authority_key_identifier_extension = true;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            lasting(&mut params, CERTIFICATE_YEARS);
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &Issuer::from_params(&params_of(&self.common_name), &self.key))?;
            Ok((pem::encode("CERTIFICATE", certificate.der()), pem::encode("PRIVATE KEY", &key.serialize_der())))
        };
        let (certificate, key) = issued().map_err(|error| refused(error).of(host))?;
        Ok(Secret(format!("{certificate}{key}")))
    }
}

/// What makes an authority one.
fn params_of(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Valid from yesterday on, because clocks differ.
fn lasting(params: &mut CertificateParams, years: i64) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let ymd = |day: jiff::civil::Date| {
        rcgen::date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    params.not_before = ymd(today.saturating_sub(jiff::Span::new().days(1)));
    params.not_after = ymd(today.saturating_add(jiff::Span::new().years(years)));
}

fn refused(error: rcgen::Error) -> Error {
    Error::new(format!("no certificate: {error}"))
}

#[cfg(test)]
mod tests;
