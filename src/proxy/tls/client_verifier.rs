//! Whether a visitor is asked for a certificate, and what is thought of it: as the host says that he named.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DistinguishedName, Error};

use super::hello;
use crate::tls::signatures::verify_signatures;

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

    verify_signatures!(0);
}
