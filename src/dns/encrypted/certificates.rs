//! What clients of encrypted transports are shown, and by which settings of TLS.
//!
//! Must never: print a key.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::acme::desired;
use crate::config::dns::EncryptedConfig;
use crate::config::{DnsConfig, Finding, HostPattern};
use crate::daemon::key_file::KeyError;
use crate::daemon::looks::Look;
use crate::dns::ordered;
use crate::tls::HTTP2;
use crate::tls::certificate::Chain;
use crate::tls::certificates::{Certificates, Origin, Slot};

/// DNS over TLS by its name in a handshake (RFC 7858, 3.2; RFC 9103, 7.1). Who names nothing is taken for it too.
const DOT: &[u8] = b"dot";

/// DNS over QUIC (RFC 9250, 4.1.1).
const DOQ: &[u8] = b"doq";

/// What clients resume their sessions by: of this process, whatever document is in force. None: they do not.
static TICKETS: LazyLock<Option<Arc<dyn ProducesTickets>>> = LazyLock::new(|| Ticketer::new().ok());

/// What clients are shown while a document is in force.
pub struct Shown {
    slots: Slots,
    over_tls: Arc<ServerConfig>,
    over_https: Arc<ServerConfig>,
    over_quic: Arc<QuicServerConfig>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shown").field(&self.slots).finish()
    }
}

/// The document's certificates: the one that is ordered, and those in files in their order.
#[derive(Debug, Clone)]
struct Slots(Arc<[Used]>);

/// A certificate, and what it has to be for at least; of one in files the operator knows.
#[derive(Debug, Clone)]
struct Used {
    slot: Arc<Slot>,
    names: Vec<HostPattern>,
}

impl Used {
    /// Takes what its files hold, if that is news.
    fn refresh(&self) {
        let file = self.slot.files.chain_file.display();
        match self.slot.refresh(&self.names) {
            None => {}
            Some(Ok(())) => tracing::info!("the certificate {file} has been read again, and is in force"),
            Some(Err(error)) => tracing::error!("the certificate {file} has changed and is not used: {error}"),
        }
    }
}

impl Shown {
    /// Reads what a document names, with the keys. The errors are of certificates that cannot be used, and are not there; what has been
    /// ordered lies in `state_dir`, and one that cannot be used is ordered again.
    pub fn read(config: &EncryptedConfig, state_dir: &Path) -> (Option<Arc<Shown>>, Vec<KeyError>) {
        let mut certificates = Certificates::default();
        let ordered = config.acme.iter().map(|acme| {
            let files = desired::files(state_dir, &ordered::called(acme));
            let names = acme.names.clone();
            Used { slot: certificates.add(&files, Origin::Acme, &names), names }
        });
        let mut slots: Vec<Used> = ordered.collect();
        let in_files = config.certificates.iter();
        slots.extend(
            in_files.map(|files| Used { slot: certificates.add(files, Origin::Files, &[]), names: Vec::new() }),
        );
        let of_files = slots.iter().filter(|used| used.slot.origin == Origin::Files).enumerate();
        let errors = of_files.filter_map(|(index, used)| {
            let error = used.slot.error()?;
            Some(KeyError::at(&error.file, None, error.why).of(path(index)))
        });
        let mut errors: Vec<_> = errors.collect();
        let slots = Slots(slots.into());
        match Shown::of(slots) {
            Ok(shown) => (Some(Arc::new(shown)), errors),
            Err(error) => {
                errors.push(KeyError::new(format!("TLS cannot be used: {error}")));
                (None, errors)
            }
        }
    }

    fn of(slots: Slots) -> Result<Shown, rustls::Error> {
        let over_tls = server_config(&slots, DOT, rustls::ALL_VERSIONS)?;
        let over_https = server_config(&slots, HTTP2, rustls::ALL_VERSIONS)?;
        let over_quic = QuicServerConfig::try_from(server_config(&slots, DOQ, &[&TLS13])?);
        let over_quic = over_quic.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Shown { slots, over_tls, over_https, over_quic: Arc::new(over_quic) })
    }

    /// The settings of DNS over TLS.
    pub fn over_tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.over_tls)
    }

    /// The settings of DNS over HTTPS.
    pub fn over_https(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.over_https)
    }

    /// The settings of DNS over QUIC.
    pub fn over_quic(&self) -> Arc<QuicServerConfig> {
        Arc::clone(&self.over_quic)
    }

    /// Looks at the files of each certificate, of which the new ones come into force.
    pub fn looks(&self) -> impl Iterator<Item = Look> {
        self.slots.0.iter().map(|used| {
            let (own, files) = (used.clone(), &used.slot.files);
            Look::at([&*files.chain_file, &files.key_file], move || own.refresh())
        })
    }

    /// Takes what has just been written of what a CA has given.
    pub fn take_renewed(&self) {
        self.slots.0.iter().filter(|used| used.slot.origin == Origin::Acme).for_each(Used::refresh);
    }

    /// Each of them.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.0.iter().map(|used| &*used.slot)
    }

    /// What the operator should look at, at a moment since the epoch.
    pub fn alarms(&self, since_epoch: Duration) -> impl Iterator<Item = String> {
        self.slots().flat_map(move |slot| slot.alarms(since_epoch))
    }
}

fn path(index: usize) -> String {
    format!("encrypted.certificates[{index}]")
}

fn server_config(
    slots: &Slots,
    protocol: &[u8],
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(slots.clone()));
    config.alpn_protocols = vec![protocol.to_vec()];
    // Clients keep the state of their sessions themselves: it costs us no memory.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    if let Some(tickets) = &*TICKETS {
        config.ticketer = Arc::clone(tickets);
    }
    Ok(Arc::new(config))
}

impl ResolvesServerCert for Slots {
    /// Of those that the client can use the first one for the name that it asks for, and else the first one: clients that go by the
    /// address of a nameserver name none.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.0.iter().filter_map(|used| used.slot.certificate());
        let usable = certificates.filter(|one| one.certified.key.choose_scheme(hello.signature_schemes()).is_some());
        let mut first = None;
        for certificate in usable {
            if hello.server_name().is_some_and(|name| certificate.chain.names.cover(name)) {
                return Some(Arc::clone(&certificate.certified));
            }
            first = first.or_else(|| Some(Arc::clone(&certificate.certified)));
        }
        first
    }
}

/// What is wrong with the certificates of a document, and what is worth a warning, as far as can be told without their keys: a file
/// that is not there yet, or that whoever checks may not read, is no error.
pub fn check(file: &Path, config: &DnsConfig) -> (Vec<Finding>, Vec<Finding>) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (mut findings, mut warnings) = (Vec::new(), Vec::new());
    let certificates = config.encrypted.iter().flat_map(|encrypted| &encrypted.certificates);
    for (index, files) in certificates.enumerate() {
        let finding = |message: String| Finding { file: file.to_owned(), line: None, path: path(index), message };
        match Chain::read(&files.chain_file) {
            Ok(chain) => {
                warnings.extend(chain.date_fault(now).map(|fault| finding(format!("the certificate {fault}"))));
            }
            Err(error) if matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)) => {
                warnings.push(finding(error.to_string()));
            }
            Err(error) => findings.push(finding(error.to_string())),
        }
    }
    (findings, warnings)
}
