//! Whether a visitor is asked for a certificate, and what is thought of it: as the host says that he named.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::hello;

/// Asks the visitors of some hosts. Who shows none is let in all the same: whether that will do is a matter of the request.
#[derive(Debug)]
pub struct AskByHost(pub WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AskByHost {
    /// Before the visitor has named a host he may be asked.
    fn offer_client_auth(&self) -> bool {
        hello::with(|hello| hello.is_none_or(|hello| hello.authority.is_some()))
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None, for they would be those of all hosts: the visitor shows what he has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let authority = hello::with(|hello| hello.and_then(|hello| hello.authority.clone()));
        let authority = authority.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        hello::note_good(authority.verify(&chain, now)?);
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
