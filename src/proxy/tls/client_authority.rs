//! The authorities of visitors' certificates, each in force until its files bring a better one.
//!
//! What cannot be used changes nothing, and is an alarm until it is mended; where nothing ever could be used, no certificate is good.
//! A list of revoked certificates that has run out goes on, and is an alarm, too: visitors whom it does not name are not shut out
//! because it came late. The daemon looks at the files every few seconds; handshakes read what is in force without a lock.

#![allow(clippy::disallowed_types, reason = "held only while files are looked at, every few seconds and at a reload")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{Error, RootCertStore};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;

use crate::config::proxy::ClientAuthorityConfig;
use crate::config::regular_file::read_regular_file;
use crate::tls::pem::{self, CertificateError, FileStamp};

/// The most that is read of a file of revoked certificates: half a million of them.
const MOST_REVOKED: u64 = 20 * 1024 * 1024;

/// Those of this process, by their files: what one document has brought is there for the next one, and for visitors who came before.
static KNOWN: Mutex<BTreeMap<ClientAuthorityConfig, Weak<ClientAuthority>>> = Mutex::new(BTreeMap::new());

/// Numbers of what has come into force.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// An authority, or several in one file.
#[derive(Debug)]
pub struct ClientAuthority {
    /// Its files.
    pub files: ClientAuthorityConfig,
    in_force: ArcSwapOption<InForce>,
    last_read: Mutex<LastRead>,
}

/// What the files held when they were read last and could be used.
#[derive(Debug)]
struct InForce {
    number: u64,
    verifier: Arc<dyn ClientCertVerifier>,
    /// When the first of the lists runs out, since the epoch.
    runs_out: Option<Duration>,
}

#[derive(Debug)]
struct LastRead {
    stamps: Vec<FileStamp>,
    /// Why what the files hold now is not in force.
    error: Option<CertificateError>,
}

impl ClientAuthority {
    /// The authority in these files, which are read if nobody has read them yet.
    pub fn of(files: &ClientAuthorityConfig) -> Arc<ClientAuthority> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, authority| authority.strong_count() > 0);
        if let Some(authority) = known.get(files).and_then(Weak::upgrade) {
            return authority;
        }
        let authority = Arc::new(ClientAuthority::open(files));
        known.insert(files.clone(), Arc::downgrade(&authority));
        authority
    }

    fn open(files: &ClientAuthorityConfig) -> ClientAuthority {
        let last_read = Mutex::new(LastRead { stamps: stamps(files), error: None });
        let authority = ClientAuthority { files: files.clone(), in_force: ArcSwapOption::empty(), last_read };
        let error = authority.read();
        authority.lock().error = error;
        authority
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in force what the files hold, or gives why not.
    fn read(&self) -> Option<CertificateError> {
        match read(&self.files) {
            Ok((verifier, runs_out)) => {
                let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
                self.in_force.store(Some(Arc::new(InForce { number, verifier, runs_out })));
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Why what the files hold is not in force.
    pub fn error(&self) -> Option<CertificateError> {
        self.lock().error.clone()
    }

    /// Reads the files again if one of them has changed, and gives what became of it.
    pub fn refresh(&self) -> Option<Result<(), CertificateError>> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamps = stamps(&self.files);
        let (is_same, last_error) = {
            let last = self.lock();
            (stamps == last.stamps, last.error.clone())
        };
        if is_same && last_error.as_ref().is_none_or(|error| error.kind.is_none()) {
            return None;
        }
        let error = self.read();
        *self.lock() = LastRead { stamps, error: error.clone() };
        let is_same = is_same && error == last_error;
        (!is_same).then(|| error.map_or(Ok(()), Err))
    }

    /// The number of what is in force, never given twice; a certificate that was good under it need not be looked at again. None:
    /// nothing is in force.
    pub fn number(&self) -> Option<u64> {
        self.in_force.load().as_ref().map(|in_force| in_force.number)
    }

    /// Whether a chain is good now, and the number of what it was found to be so by.
    ///
    /// # Errors
    ///
    /// Why it is not, for the visitor.
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<u64, Error> {
        let nobody = || Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let in_force = self.in_force.load_full().ok_or_else(nobody)?;
        let (first, rest) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        in_force.verifier.verify_client_cert(first, rest, now)?;
        Ok(in_force.number)
    }

    /// What the operator should know of it at a moment since the epoch.
    pub fn alarms(&self, since_epoch: Duration) -> Vec<String> {
        let in_force = self.in_force.load();
        let unused = self.error().map(|error| match &*in_force {
            Some(_) => format!(
                "visitors' certificates: a file has changed and is not used: {error}; what it held before goes on"
            ),
            None => format!("visitors' certificates cannot be verified, and none is taken for good: {error}"),
        });
        let run_out = in_force.as_ref().and_then(|in_force| in_force.runs_out).filter(|end| *end < since_epoch);
        let run_out = run_out.zip(self.files.crl_file.as_ref()).map(|(end, file)| {
            let hours = (since_epoch - end).as_secs() / 3600;
            format!(
                "the list of revoked certificates {} has run out {hours} hours ago: what was revoked since is not known, and visitors \
                 with it are let in; have the authority's next list brought there",
                file.display()
            )
        });
        unused.into_iter().chain(run_out).collect()
    }
}

fn stamps(files: &ClientAuthorityConfig) -> Vec<FileStamp> {
    std::iter::once(&files.ca_file).chain(&files.crl_file).map(|file| FileStamp::of(file)).collect()
}

/// Whether the files can be used.
///
/// # Errors
///
/// Why not.
pub fn check(files: &ClientAuthorityConfig) -> Result<(), CertificateError> {
    read(files).map(drop)
}

fn read(files: &ClientAuthorityConfig) -> Result<(Arc<dyn ClientCertVerifier>, Option<Duration>), CertificateError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(&files.ca_file, "the certificates of authorities in PEM")? {
        let malformed =
            |error: Error| CertificateError::new(&files.ca_file, format!("a certificate in it is malformed: {error}"));
        roots.add(certificate).map_err(malformed)?;
    }
    if roots.is_empty() {
        return Err(CertificateError::new(
            &files.ca_file,
            "holds no certificate: expected -----BEGIN CERTIFICATE-----",
        ));
    }
    let revoked = files.crl_file.as_deref().map(revoked).transpose()?.unwrap_or_default();
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::new(aws_lc_rs::default_provider()));
    let blamed: &PathBuf = files.crl_file.as_ref().unwrap_or(&files.ca_file);
    let verifier = builder.with_crls(revoked.lists).build();
    let verifier = verifier.map_err(|error| CertificateError::new(blamed, format!("cannot be used: {error}")))?;
    Ok((verifier, revoked.runs_out))
}

/// The lists of a file.
#[derive(Default)]
struct Revoked {
    lists: Vec<CertificateRevocationListDer<'static>>,
    runs_out: Option<Duration>,
}

fn revoked(file: &Path) -> Result<Revoked, CertificateError> {
    let expected = "lists of revoked certificates in PEM";
    let text =
        read_regular_file(file, MOST_REVOKED).map_err(|error| CertificateError::unread(file, &error, expected))?;
    let lists = CertificateRevocationListDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| CertificateError::new(file, format!("is not PEM: {error}")))?;
    if lists.is_empty() {
        let why =
            "holds no list: expected -----BEGIN X509 CRL----- (openssl crl -inform DER turns one in DER into that)";
        return Err(CertificateError::new(file, why));
    }
    let end = |list: &CertificateRevocationListDer<'_>| {
        let list: CertificateList = CertificateList::from_der(list)
            .map_err(|error| CertificateError::new(file, format!("a list in it is malformed: {error}")))?;
        Ok(list.tbs_cert_list.next_update.map(|end| end.to_unix_duration()))
    };
    let ends = lists.iter().map(end).collect::<Result<Vec<_>, _>>()?;
    Ok(Revoked { lists, runs_out: ends.into_iter().flatten().min() })
}

#[cfg(test)]
mod tests;
