//! Why a handshake with a backend failed, in words that stay the same from one try to the next.

use std::io;
use std::net::SocketAddr;

use rustls::{AlertDescription, CertificateError, Error};

use crate::config::BackendTls;

/// What an operator should read of it.
pub(super) fn in_words(error: &io::Error, tls: &BackendTls, address: SocketAddr) -> String {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else { return error.to_string() };
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, tls, address),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the backend wants to be shown a certificate (backend_tls.client_certificate)".to_owned()
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!("the backend has no certificate for the name {} (backend_tls.server_name)", tls.name_of(address))
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the backend does not speak the service's \"protocol\" (the alert no_application_protocol)".to_owned()
        }
        Error::AlertReceived(alert) => format!("the backend refuses: {alert:?}"),
        Error::InvalidMessage(_) => "what the backend sends is no TLS".to_owned(),
        Error::PeerIncompatible(_) => format!("the backend speaks TLS in a way that is not supported: {error}"),
        other => other.to_string(),
    }
}

fn of_certificate(error: &CertificateError, tls: &BackendTls, address: SocketAddr) -> String {
    let ca_file = tls.ca_file.display();
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or the clock is wrong".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("its certificate is not from an authority in {ca_file}")
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // As rustls shows them: `DnsName("www.example.net")`.
            let names: Vec<&str> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            format!("its certificate is for {}, and not for {}", names.join(", "), tls.name_of(address))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for {}", tls.name_of(address))
        }
        other => format!("its certificate is not believed: {other}"),
    }
}
