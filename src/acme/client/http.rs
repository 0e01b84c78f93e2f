//! The HTTP of the conversation: HTTP/1.1 over TLS, a connection a request.
//!
//! Bounded in time and size, whatever the CA does. Remembers what the CA last said of when to come again.

#![allow(clippy::disallowed_types, reason = "held only to note or read a time, a few times an order")]

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HOST, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::regular_file::read_regular_file;

/// The most that a request may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest Retry-After: a CA may say anything.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// The most bytes of an answer.
const MOST: usize = 1024 * 1024;

/// The most that is read of a file of roots: the system's has a quarter of a MiB.
const MOST_ROOTS: u64 = 8 * 1024 * 1024;

/// A client of one CA.
#[derive(Clone)]
pub(super) struct Http {
    tls: Arc<ClientConfig>,
    retry_after: Arc<Mutex<Option<Duration>>>,
}

/// Why the CA's roots cannot be used.
#[derive(Debug)]
pub(super) struct RootsError {
    file: PathBuf,
    why: String,
}

impl fmt::Display for RootsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}; expected certificates in PEM, by which the CA's own https is checked (\"ca_file\")",
            self.file.display(),
            self.why
        )
    }
}

/// Why the CA could not be asked.
#[derive(Debug)]
pub(super) struct Unreached(String);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreached {}

impl Http {
    /// A client that believes servers with certificates by these roots.
    pub(super) fn new(ca_file: &Path) -> Result<Http, RootsError> {
        let fail = |why: String| RootsError { file: ca_file.to_owned(), why };
        let text = read_regular_file(ca_file, MOST_ROOTS).map_err(|error| fail(format!("cannot be read: {error}")))?;
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).filter_map(Result::ok));
        if added == 0 {
            return Err(fail("holds no certificate".to_owned()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| fail(error.to_string()))?.with_root_certificates(roots).with_no_client_auth();
        Ok(Http { tls: Arc::new(tls), retry_after: Arc::default() })
    }

    /// What the CA said last of when to come again.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes when to come again, and leaves the library no more of it than it can add to the time of day: it does not look.
    fn note(&self, response: &mut Response<Bytes>) {
        let headers = response.headers_mut();
        let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| {
            let text = text.trim();
            match u64::from_str(text) {
                Ok(seconds) => Some(Duration::from_secs(seconds)),
                Err(_) => {
                    Some(httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default())
                }
            }
        });
        let said = said.map(|time| time.min(LONGEST_RETRY_AFTER));
        match said {
            Some(time) => drop(headers.insert(RETRY_AFTER, HeaderValue::from(time.as_secs()))),
            None => drop(headers.remove(RETRY_AFTER)),
        }
        *self.retry_after.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreached> {
        let uri = request.uri().clone();
        let asked = async {
            let stream = connect(&uri).await?;
            let name = ServerName::try_from(host_of(&uri)?.trim_matches(['[', ']']).to_owned())
                .map_err(|_| Unreached(format!("{uri} names no host")))?;
            let fail =
                |what: &str, error: &dyn fmt::Display| Unreached(format!("{what} {}: {error}", authority_of(&uri)));
            let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
            let stream = stream.map_err(|error| fail("TLS to", &error))?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|error| fail("HTTP to", &error))?;
            let answered = async {
                let response = sender.send_request(of_origin(request, &uri)?).await;
                let (parts, body) = response.map_err(|error| fail("asking", &error))?.into_parts();
                let body = Limited::new(body, MOST).collect().await.map_err(|error| fail("the answer of", &error))?;
                Ok(Response::from_parts(parts, body.to_bytes()))
            };
            tokio::pin!(answered);
            tokio::select! {
                response = &mut answered => response,
                ended = connection => match ended {
                    Ok(()) => answered.await,
                    Err(error) => Err(fail("asking", &error)),
                },
            }
        };
        let response = tokio::time::timeout(LIMIT, asked).await;
        let mut response =
            response.map_err(|_| Unreached(format!("{} does not answer within 30 s", authority_of(&uri))))??;
        self.note(&mut response);
        Ok(response)
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            // A body in memory: it cannot fail.
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let answered = client.exchange(Request::from_parts(parts, body)).await;
            let response = answered.map_err(|error| instant_acme::Error::Other(Box::new(error)))?;
            Ok(BytesResponse::from(response.map(Full::new)))
        })
    }
}

async fn connect(uri: &Uri) -> Result<TcpStream, Unreached> {
    let port = uri.port_u16().unwrap_or(443);
    let host = host_of(uri)?.trim_matches(['[', ']']);
    let fail = |error: io::Error| Unreached(format!("connecting to {}: {error}", authority_of(uri)));
    TcpStream::connect((host, port)).await.map_err(fail)
}

fn host_of(uri: &Uri) -> Result<&str, Unreached> {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => Ok(host),
        _ => Err(Unreached(format!("the CA leads to {uri}, which is no https URL"))),
    }
}

fn authority_of(uri: &Uri) -> &str {
    uri.authority().map_or("the CA", |authority| authority.as_str())
}

/// The request as its server wants it: the path alone, and the authority in Host (RFC 9112, 3.2.1).
fn of_origin(mut request: Request<Bytes>, uri: &Uri) -> Result<Request<Full<Bytes>>, Unreached> {
    let wrong = || Unreached(format!("the CA leads to {uri}, which is no URL to ask"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| wrong())?;
    let host = authority_of(uri).parse().map_err(|_| wrong())?;
    request.headers_mut().insert(HOST, host);
    Ok(request.map(Full::new))
}

#[cfg(test)]
mod tests;
