//! Why a handshake with a server failed, in words that stay the same from one try to the next.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use rustls::{AlertDescription, CertificateError, Error};

use super::Application;
use crate::config::BackendTls;

/// What an operator should read of it.
pub(super) fn in_words(error: &io::Error, application: Application, tls: &BackendTls, address: SocketAddr) -> String {
    let server = application.server();
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else { return error.to_string() };
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, tls, address),
        Error::AlertReceived(alert) => of_alert(*alert, application, tls, address),
        Error::InvalidMessage(_) => format!("what the {server} sends is no TLS"),
        Error::PeerIncompatible(_) => format!("the {server} speaks TLS in a way that is not supported: {error}"),
        other => other.to_string(),
    }
}

/// The same of an alert, which may come behind the handshake.
pub(super) fn of_alert(
    alert: AlertDescription,
    application: Application,
    tls: &BackendTls,
    address: SocketAddr,
) -> String {
    let (server, settings) = (application.server(), application.settings());
    match alert {
        AlertDescription::UnrecognisedName => {
            format!("the {server} has no certificate for the name {} ({settings}.server_name)", tls.name_of(address))
        }
        AlertDescription::ProtocolVersion => format!("the {server} does not speak {}", application.version_in_words()),
        AlertDescription::NoApplicationProtocol => {
            format!("the {server} {} (the alert no_application_protocol)", application.is_not_spoken())
        }
        alert => match (of_our_certificate(alert), &tls.client_certificate) {
            (None, _) => format!("the {server} refuses: {alert:?}"),
            (Some(name), None) => {
                format!(
                    "the {server} wants to be shown a certificate ({settings}.client_certificate); its alert: {name}"
                )
            }
            (Some(name), Some(own)) => format!(
                "the {server} refuses our certificate {} ({settings}.client_certificate); its alert: {name}",
                own.chain_file.display()
            ),
        },
    }
}

/// The name of an alert by which a server says what it thinks of its client's certificate (RFC 8446, 6.2).
fn of_our_certificate(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => "certificate_required",
        AlertDescription::BadCertificate => "bad_certificate",
        AlertDescription::UnsupportedCertificate => "unsupported_certificate",
        AlertDescription::CertificateRevoked => "certificate_revoked",
        AlertDescription::CertificateExpired => "certificate_expired",
        AlertDescription::CertificateUnknown => "certificate_unknown",
        AlertDescription::UnknownCA => "unknown_ca, it does not know who has issued it",
        AlertDescription::AccessDenied => "access_denied",
        _ => return None,
    })
}

fn of_certificate(error: &CertificateError, tls: &BackendTls, address: SocketAddr) -> String {
    let ca_file = tls.ca_file.as_deref().unwrap_or(Path::new("no file")).display();
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
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => format!(
            "its certificate is one of an authority (CA:TRUE, as `openssl req -x509` makes them): expected one that an authority in {ca_file} has \
             issued, or one in there that is of no authority (`-addext basicConstraints=critical,CA:FALSE`)"
        ),
        other => format!("its certificate is not believed: {other}"),
    }
}
