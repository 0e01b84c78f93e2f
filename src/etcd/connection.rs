//! A connection to one member, over TLS where the document says so.

use std::path::Path;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};

use super::files;
use crate::config::proxy::AgreementTlsConfig;
use crate::tls::pem::CertificateError;

/// Why a member is not spoken with any more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// etcd, or the way to it, says so.
    #[error("{0}")]
    Etcd(String),
    /// It says nothing.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// It has ended what was to go on.
    #[error("it has closed the {0}")]
    Closed(&'static str),
    /// A file of TLS cannot be used.
    #[error("{0}")]
    File(CertificateError),
}

impl From<CertificateError> for Error {
    fn from(error: CertificateError) -> Error {
        Error::File(error)
    }
}

impl From<etcd_client::Error> for Error {
    fn from(error: etcd_client::Error) -> Error {
        Error::Etcd(in_words(&error))
    }
}

/// What etcd's client says, with what lies beneath: "transport error" alone helps nobody.
fn in_words(error: &etcd_client::Error) -> String {
    match error {
        etcd_client::Error::GRpcStatus(status) => {
            let mut words = status.message().to_owned();
            let mut source = std::error::Error::source(status);
            while let Some(cause) = source {
                let cause_words = cause.to_string();
                if !words.contains(&cause_words) {
                    words = format!("{words}: {cause_words}");
                }
                source = cause.source();
            }
            words
        }
        other => other.to_string(),
    }
}

/// What comes of it within the limit.
///
/// # Errors
///
/// It failed, or took longer.
pub async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, etcd_client::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::Silent(limit)),
    }
}

/// Connects to a member, which is spoken with at the first question.
///
/// # Errors
///
/// A file of TLS cannot be used, or the endpoint is none.
pub async fn connect(endpoint: &str, tls: Option<&AgreementTlsConfig>, limit: Duration) -> Result<Client, Error> {
    within(limit, Client::connect([endpoint], Some(options(tls, limit).await?))).await
}

/// How a member is connected to.
///
/// # Errors
///
/// A file of TLS cannot be used.
pub async fn options(tls: Option<&AgreementTlsConfig>, limit: Duration) -> Result<ConnectOptions, Error> {
    let options = ConnectOptions::new().with_connect_timeout(limit);
    Ok(match tls {
        Some(tls) => options.with_tls(tls_options(tls).await?),
        None => options,
    })
}

/// On a thread of its own: a disk that hangs holds up nothing else.
async fn tls_options(tls: &AgreementTlsConfig) -> Result<TlsOptions, Error> {
    let owned = tls.clone();
    let read = tokio::task::spawn_blocking(move || read(&owned));
    read.await.map_err(|error| Error::Etcd(error.to_string()))?
}

fn read(tls: &AgreementTlsConfig) -> Result<TlsOptions, Error> {
    files::check_with_key(tls)?;
    let text = |file: &Path| {
        std::fs::read(file).map_err(|error| Error::File(CertificateError::unread(file, &error, "a file in PEM")))
    };
    let (ca, certificate, key) = (text(&tls.ca)?, text(&tls.certificate)?, text(&tls.key)?);
    let identity = Identity::from_pem(certificate, key);
    Ok(TlsOptions::new().ca_certificate(Certificate::from_pem(ca)).identity(identity))
}
