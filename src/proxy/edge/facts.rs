//! What is known of a request, for the values that a document writes with variables (pure).

use std::io::Write;
use std::net::IpAddr;

use crate::config::proxy::Variable;
use crate::proxy::request_id::RequestId;

/// What is known of one request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// The visitor's address; none: a trusted proxy does not say.
    pub client: Option<IpAddr>,
    /// The port of the visitor's connection; none: it is a proxy's.
    pub client_port: Option<u16>,
    /// What the request is known by, where anybody wants to know that.
    pub request_id: Option<RequestId>,
    /// The service's name.
    pub service: &'f str,
    /// The host that is asked for, without a port.
    pub host: &'f [u8],
    /// `http` or `https`.
    pub scheme: &'f str,
    /// Of the visitor's connection; empty in clear text.
    pub tls: TlsFacts<'f>,
}

/// What is known of a visitor's handshake.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsFacts<'f> {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'f str,
    /// The cipher suite.
    pub cipher: &'f str,
    /// The host that was named.
    pub server_name: &'f str,
    /// Of the certificate that was shown, and found to be good.
    pub certificate: Option<CertificateFacts<'f>>,
}

/// What is known of a visitor's certificate.
#[derive(Debug, Clone, Copy)]
pub struct CertificateFacts<'f> {
    /// Whom it is for (RFC 4514).
    pub subject: &'f str,
    /// Its SHA-256, in hexadecimal digits.
    pub fingerprint: &'f str,
}

impl Facts<'_> {
    /// Writes what a variable stands for. What is no printable ASCII is nobody's name or address: nothing is written for it.
    pub fn write(&self, variable: Variable, out: &mut Vec<u8>) {
        let certificate = self.tls.certificate;
        let value = match variable {
            // Memory takes all that is written to it.
            Variable::Client => return self.client.into_iter().for_each(|client| drop(write!(out, "{client}"))),
            Variable::ClientPort => return self.client_port.into_iter().for_each(|port| drop(write!(out, "{port}"))),
            Variable::RequestId => {
                return self.request_id.iter().for_each(|id| out.extend_from_slice(id.as_bytes()));
            }
            Variable::Service => self.service.as_bytes(),
            Variable::Host => self.host,
            Variable::Scheme => self.scheme.as_bytes(),
            Variable::TlsVersion => self.tls.version.as_bytes(),
            Variable::TlsCipher => self.tls.cipher.as_bytes(),
            Variable::TlsServerName => self.tls.server_name.as_bytes(),
            Variable::ClientCertVerified => {
                if certificate.is_some() {
                    &b"SUCCESS"[..]
                } else {
                    b"NONE"
                }
            }
            Variable::ClientCertSubject => certificate.map_or("", |certificate| certificate.subject).as_bytes(),
            Variable::ClientCertFingerprint => certificate.map_or("", |certificate| certificate.fingerprint).as_bytes(),
        };
        if value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            out.extend_from_slice(value);
        }
    }
}
