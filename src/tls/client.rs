//! Connections over TLS that we open: to backends, by requests and by checks, and to the primaries of zones.
//!
//! Owns whom we believe and what we show, read from files and read again when they change: a renewal that cannot be used changes
//! nothing, and is an alarm. There is one [`Connector`] for all services, checks and primaries of the same settings. Must never: connect to a
//! server whose certificate was not verified, unless the settings say that nothing is.

#![allow(
    clippy::disallowed_types,
    reason = "held for a moment at a reload, when a connection is opened, and when files have changed"
)]

mod application;
mod fault;
mod unverified;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use super::TlsStream;
use super::pem::{self, CertificateError, FileStamp};
use super::session::{Session, Side};
use crate::config::{BackendProtocol, BackendTls};
use crate::counted::counted;
pub use application::Application;
use unverified::Anybody;

/// Those of this process, by their settings: what one document has brought is there for the next one, and for the checks.
static KNOWN: Mutex<BTreeMap<Settings, Weak<Connector>>> = Mutex::new(BTreeMap::new());

/// Numbers of what has come into force.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Days before its end at which a certificate that we show is an alarm.
const ALARM_DAYS: u64 = 14;

const DAY: u64 = 86_400;

/// Sessions that are kept for a backend.
const SESSIONS: usize = 32;

/// By what connections differ.
type Settings = (BackendTls, Application);

/// How connections with the same settings are opened.
pub struct Connector {
    tls: BackendTls,
    application: Application,
    in_force: ArcSwapOption<InForce>,
    last_read: Mutex<LastRead>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.tls).field(&self.application).finish()
    }
}

impl fmt::Display for Connector {
    /// The files of certificates that it goes by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.tls.client_certificate.iter().map(|shown| &shown.chain_file);
        let files: Vec<_> = self.tls.ca_file.iter().chain(shown).map(|file| file.display().to_string()).collect();
        f.write_str(&files.join(" and "))
    }
}

/// What the files held when they were read last and could be used.
struct InForce {
    number: u64,
    /// Whoever is connected to with it proves itself anew.
    config: Arc<ClientConfig>,
    /// By address, with the sessions of this backend: what one has proved is not believed of another.
    resuming: Mutex<HashMap<SocketAddr, Arc<ClientConfig>>>,
    /// Until when the certificate is valid that we show, since the epoch.
    ends: Option<Duration>,
}

impl InForce {
    fn config(&self, address: SocketAddr, proof: Proof) -> Arc<ClientConfig> {
        if proof == Proof::Anew {
            return Arc::clone(&self.config);
        }
        let mut resuming = self.resuming.lock().unwrap_or_else(PoisonError::into_inner);
        let config = resuming.entry(address).or_insert_with(|| {
            let mut config = ClientConfig::clone(&self.config);
            config.resumption = Resumption::in_memory_sessions(SESSIONS);
            Arc::new(config)
        });
        Arc::clone(config)
    }
}

/// How a backend proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// By its certificate, which is verified now: for checks.
    Anew,
    /// Or by resuming a session in which it has done so before: for requests, while the checks pass.
    OrResumed,
}

struct LastRead {
    stamps: Vec<FileStamp>,
    error: Option<CertificateError>,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeError {
    /// The files of the settings have never held what can be used: nobody would be believed.
    Unusable(CertificateError),
    /// The server went away, or its connection broke.
    Closed,
    /// What it sent is no TLS, or none that we speak, or not from whom it must be; or it has refused us. In words.
    Refused(String),
    /// This machine has no memory or no random bytes for it.
    OutOfResources(io::ErrorKind),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Unusable(error) => write!(f, "TLS: {error}"),
            HandshakeError::Closed => f.write_str("TLS: connection closed during the handshake"),
            HandshakeError::Refused(why) => write!(f, "TLS: {why}"),
            HandshakeError::OutOfResources(kind) => write!(f, "TLS: {kind}"),
        }
    }
}

impl std::error::Error for HandshakeError {}

impl Connector {
    /// The connector for backends that are spoken to in this way, its files read if nobody has read them yet. None: they are spoken to
    /// in clear text.
    pub fn of(protocol: &BackendProtocol) -> Option<Arc<Connector>> {
        Some(Connector::with(protocol.tls.as_deref()?, protocol.version.into()))
    }

    /// The connector with these settings, its files read if nobody has read them yet.
    pub fn with(tls: &BackendTls, application: Application) -> Arc<Connector> {
        let settings = (tls.clone(), application);
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connector) = known().get(&settings).and_then(Weak::upgrade) {
            return connector;
        }
        // Not under the lock: a disk that does not answer must hold up nobody else.
        let opened = Arc::new(Connector::open(tls.clone(), application));
        let mut known = known();
        known.retain(|_, connector| connector.strong_count() > 0);
        if let Some(connector) = known.get(&settings).and_then(Weak::upgrade) {
            return connector;
        }
        known.insert(settings, Arc::downgrade(&opened));
        opened
    }

    fn open(tls: BackendTls, application: Application) -> Connector {
        let last_read = Mutex::new(LastRead { stamps: stamps(&tls), error: None });
        let connector = Connector { tls, application, in_force: ArcSwapOption::empty(), last_read };
        let error = connector.read();
        connector.lock().error = error;
        connector
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in force what the files hold, or gives why not.
    fn read(&self) -> Option<CertificateError> {
        match read(&self.tls, self.application) {
            Ok((config, ends)) => {
                let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
                let resuming = Mutex::default();
                self.in_force.store(Some(Arc::new(InForce { number, config: Arc::new(config), resuming, ends })));
                None
            }
            Err(error) => Some(error),
        }
    }

    /// The settings.
    pub fn tls(&self) -> &BackendTls {
        &self.tls
    }

    /// The files that it goes by.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        files(&self.tls).map(PathBuf::as_path)
    }

    /// Why what the files hold is not in force.
    pub fn error(&self) -> Option<CertificateError> {
        self.lock().error.clone()
    }

    /// The number of what is in force, never given twice: connections that were opened under another one are not used any more. None:
    /// nothing is.
    pub fn number(&self) -> Option<u64> {
        self.in_force.load().as_ref().map(|in_force| in_force.number)
    }

    /// Reads the files again if one of them has changed, and gives what became of it.
    pub fn refresh(&self) -> Option<Result<(), CertificateError>> {
        // Not under the lock: a disk that does not answer must not hold up who only asks how things are.
        let stamps = stamps(&self.tls);
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

    /// Why the server ends a connection with this alert, behind the handshake.
    pub fn refused_by(&self, alert: AlertDescription, address: SocketAddr) -> HandshakeError {
        HandshakeError::Refused(fault::of_alert(alert, self.application, &self.tls, address))
    }

    /// What the operator should know of it at a moment since the epoch.
    pub fn alarms(&self, since_epoch: Duration) -> Vec<String> {
        let (in_force, error) = (self.in_force.load(), self.error());
        let (server, servers) = (self.application.server(), self.application.servers());
        let unused = error.map(|error| match &*in_force {
            Some(_) => {
                format!("TLS to {servers}: a file has changed and is not used: {error}; what it held before goes on")
            }
            None => format!("TLS to {servers} cannot be used, and no {server} that needs it is reached: {error}"),
        });
        let ending = in_force.as_ref().and_then(|in_force| {
            let (ends, file) = (in_force.ends?, self.tls.client_certificate.as_ref()?.chain_file.display());
            if ends <= since_epoch {
                let days = counted((since_epoch - ends).as_secs() / DAY, "day");
                return Some(format!(
                    "the certificate {file}, which {servers} are shown, ended {days} ago: {servers} that ask for one refuse it"
                ));
            }
            let left = (ends - since_epoch).as_secs() / DAY;
            let ending = || format!("the certificate {file}, which {servers} are shown, ends in {}", counted(left, "day"));
            (left < ALARM_DAYS).then(ending)
        });
        unused.into_iter().chain(ending).collect()
    }

    /// Does our side of the handshake with the server at this address. The caller bounds the time.
    ///
    /// # Errors
    ///
    /// Why there is no connection. The server has been sent an alert where one is due.
    pub async fn connect(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        proof: Proof,
    ) -> Result<TlsStream, HandshakeError> {
        let Some(in_force) = self.in_force.load_full() else {
            let none = || HandshakeError::Refused("its settings have not been read".to_owned());
            return Err(self.error().map_or_else(none, HandshakeError::Unusable));
        };
        let name = ServerName::try_from(self.tls.name_of(address))
            .map_err(|_| HandshakeError::Refused("the server's name is none".to_owned()))?;
        let connection = UnbufferedClientConnection::new(in_force.config(address, proof), name)
            .map_err(|error| HandshakeError::Refused(error.to_string()))?;
        let mut session = Session::new(Side::Client(connection));
        session.begin().map_err(|error| HandshakeError::OutOfResources(error.kind()))?;
        flush(&tcp, &mut session).await?;
        while session.is_handshaking() {
            tcp.readable().await.map_err(|_| HandshakeError::Closed)?;
            match session.receive(|room| tcp.try_read(room)) {
                Ok(()) if session.has_ended() => return Err(HandshakeError::Closed),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let _ = session.send(|data| tcp.try_write(data));
                    return Err(HandshakeError::Refused(fault::in_words(&error, self.application, &self.tls, address)));
                }
                Err(_) => return Err(HandshakeError::Closed),
            }
            flush(&tcp, &mut session).await?;
        }
        if let Some(why) = self.application.why_not(session.protocol()) {
            return Err(HandshakeError::Refused(why.to_owned()));
        }
        Ok(TlsStream::new(tcp, session, None))
    }
}

async fn flush(tcp: &TcpStream, session: &mut Session) -> Result<(), HandshakeError> {
    loop {
        match session.send(|data| tcp.try_write(data)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tcp.writable().await.map_err(|_| HandshakeError::Closed)?;
            }
            Err(_) => return Err(HandshakeError::Closed),
        }
    }
}

fn files(tls: &BackendTls) -> impl Iterator<Item = &PathBuf> {
    let shown = tls.client_certificate.iter().flat_map(|shown| [&shown.chain_file, &shown.key_file]);
    tls.ca_file.iter().chain(shown)
}

fn stamps(tls: &BackendTls) -> Vec<FileStamp> {
    files(tls).map(|file| FileStamp::of(file)).collect()
}

/// Whether the files of certificates can be used, as far as can be told without the key.
///
/// # Errors
///
/// Why not.
pub fn check(tls: &BackendTls) -> Result<(), CertificateError> {
    tls.ca_file.as_deref().map(roots).transpose()?;
    tls.client_certificate.as_ref().map_or(Ok(()), |shown| shown_chain(&shown.chain_file).map(drop))
}

/// The authorities in a file.
///
/// # Errors
///
/// Why they cannot be used.
pub fn roots(ca_file: &Path) -> Result<RootCertStore, CertificateError> {
    let fail = |why: String| CertificateError::new(ca_file, why);
    let mut roots = RootCertStore::empty();
    let found = pem::certificates(ca_file, "the certificates of authorities in PEM")?;
    // A bundle of hundreds may hold one that nobody can read.
    let (taken, ignored) = roots.add_parsable_certificates(found);
    match (taken, ignored) {
        (0, 0) => Err(fail("holds no certificate: expected -----BEGIN CERTIFICATE-----".to_owned())),
        (0, ignored) => Err(fail(format!("holds {ignored} certificates, and none that can be used"))),
        _ => Ok(roots),
    }
}

fn shown_chain(file: &Path) -> Result<pem::DatedChain, CertificateError> {
    pem::dated_chain(file, "a certificate in PEM, which servers are shown")
}

fn read(tls: &BackendTls, application: Application) -> Result<(ClientConfig, Option<Duration>), CertificateError> {
    let blamed = tls.ca_file.clone().unwrap_or_default();
    let fail = |error: rustls::Error| CertificateError::new(&blamed, format!("TLS cannot be used: {error}"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let config =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(application.versions()).map_err(fail)?;
    let config = match &tls.ca_file {
        Some(ca_file) => config.with_root_certificates(roots(ca_file)?),
        None => config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(algorithms))),
    };
    let (mut config, ends) = match &tls.client_certificate {
        None => (config.with_no_client_auth(), None),
        Some(shown) => {
            let pem::DatedChain { certificates, ends } = shown_chain(&shown.chain_file)?;
            let certified = pem::with_key(certificates, &shown.key_file)?;
            (config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified))), Some(ends))
        }
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![application.alpn().to_vec()];
    Ok((config, ends))
}

#[cfg(test)]
mod tests;
