//! Asking the CA when a certificate should be renewed (RFC 9773).

use std::time::Duration;

use instant_acme::{Account as AcmeAccount, AccountCredentials, CertificateIdentifier};
use rustls::pki_types::Der;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::http::Http;
use crate::acme::material::{Account, Issued};
use crate::acme::schedule::Window;
use crate::config::acme::CaConfig;

/// The whole question may take this long.
const LIMIT: Duration = Duration::from_secs(60);

/// The window that the CA suggests, and when it wants to be asked again. None: it suggests none, or cannot be asked.
pub(super) async fn ask(issued: &Issued, ca: &CaConfig, account: &Account) -> Option<(Window, Duration)> {
    let asked = async {
        let http = Http::new(&ca.ca_file).ok()?;
        let credentials: AccountCredentials = serde_json::from_str(account.credentials.reveal()).ok()?;
        let account = AcmeAccount::builder_with_http(Box::new(http)).from_credentials(credentials).await.ok()?;
        let (info, again) = account.renewal_info(&identifier(issued)?).await.ok()?;
        let unix_ms = |nanoseconds: i128| u64::try_from(nanoseconds / 1_000_000).ok();
        let window = info.suggested_window;
        let (start, end) = (window.start.unix_timestamp_nanos(), window.end.unix_timestamp_nanos());
        let (start, end) = (unix_ms(start)?, unix_ms(end)?);
        (start <= end).then_some((Window { start, end }, again))
    };
    tokio::time::timeout(LIMIT, asked).await.ok()?
}

/// By what the CA knows a certificate (RFC 9773, 4.1): its issuer's key and its serial number.
pub(super) fn identifier(issued: &Issued) -> Option<CertificateIdentifier<'static>> {
    let leaf = X509::from_der(issued.chain().leaf()?).ok()?;
    let leaf = leaf.tbs_certificate();
    let (_, issuer) = leaf.get_extension::<AuthorityKeyIdentifier>().ok()??;
    let key = issuer.key_identifier?;
    let serial = leaf.serial_number().as_bytes();
    Some(CertificateIdentifier::new(Der::from_slice(key.as_bytes()), Der::from_slice(serial)).into_owned())
}
