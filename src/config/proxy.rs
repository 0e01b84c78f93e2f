//! `proxy.json`: the document of the reverse proxy.
//!
//! One file a part: [`ServiceConfig`] and its routes, backends, mode and cookie; limits; the access log. Everything is
//! `config::proxy::X` to the rest of the program.

mod access;
mod access_log;
mod acme;
pub(in crate::config) mod agreement;
mod answer;
mod auth_servers;
mod backends;
mod basic_auth;
mod client_certificates;
mod compression;
mod connections;
mod context;
mod cookie;
mod error_pages;
mod field;
mod files;
mod forward_auth;
mod headers;
mod https;
mod limits;
mod listeners;
mod mode;
mod queue;
mod rate_limit;
mod redirect;
mod retry_on;
mod services;
mod target;
mod tls;
mod withheld;

pub use super::CertificateConfig;
pub use super::acme::{CaConfig, ChallengeKind, EabConfig};
pub use super::host_pattern::HostPattern;
pub use access::{AccessConfig, NetworkList};
pub use access_log::{AccessLogConfig, AccessLogFormat, AccessLogPath, AskedFields};
pub use acme::{AcmeConfig, AcmeNameserversConfig};
pub use agreement::{AgreementConfig, AgreementTlsConfig};
pub use answer::{AnswerBody, AnswerConfig};
pub use backends::{BackendConfig, BackendsConfig, Balance};
pub use basic_auth::BasicAuthConfig;
pub use client_certificates::{ClientAuthorityConfig, ClientCertificatesConfig};
pub use compression::{Algorithm, CompressionConfig, MediaRange};
pub use connections::{ConnectionsConfig, Redispatch, Reuse};
pub use cookie::{CookieConfig, CookieValue};
pub use error_pages::ErrorPagesConfig;
pub use field::FieldValue;
pub use files::FilesConfig;
pub use forward_auth::{AuthServer, FieldName, ForwardAuthConfig};
pub use headers::{CLIENT_CERT, FieldConfig, HeaderEdits, HeadersConfig, Part, RemovedFields, Template, Variable};
pub use https::{HstsConfig, HttpsConfig};
pub use limits::{LimitsConfig, MOST_FIELDS, TimeoutsConfig};
pub use listeners::{ListenerConfig, Protocol};
pub use mode::{LatchConfig, Mode, WithoutAgreement};
pub use queue::QueueConfig;
pub use rate_limit::{ClientRateConfig, RateConfig, RateLimitConfig};
pub use redirect::{RedirectConfig, RedirectPath, RedirectScheme};
pub use retry_on::{RetryConfig, RetryOn};
pub use services::ServiceConfig;
pub use target::Target;
pub use tls::{CertificateSource, MOST_ORDERED, TlsConfig};
pub use withheld::{PassedFields, Shapes, WithheldField};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::admin::{self, AdminConfig};
use super::bounds::{MOST_WORKERS, most_subjects};
use super::finding::Findings;
use super::fingerprint::Settings;
use super::listen::Listening;
use super::peers::{self, PeersConfig};
use super::reader::{Keys, Read, Value, read_file, read_text};
use super::{backend_protocol, check, own_name, pages, version};

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// This proxy's name in the fleet. Default: the machine's host name.
    pub name: String,
    /// Where visitors are accepted; never empty, names and addresses distinct.
    pub listeners: Vec<ListenerConfig>,
    /// The admin API.
    pub admin: AdminConfig,
    /// The folder for latches, operator states and health that outlive the process.
    pub state_dir: PathBuf,
    /// The other proxies.
    pub peers: Option<PeersConfig>,
    /// By what the proxies agree on latches; none: by telling each other.
    pub agreement: Option<AgreementConfig>,
    /// Worker threads. Default: one per core.
    pub workers: Option<usize>,
    /// Clients whose forwarded headers are believed and kept.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether requests say in `Via` that they have passed this proxy, and one that has is refused. Default true.
    pub via: bool,
    /// The header field by which backends and visitors learn the ids of requests; none: they do not.
    pub request_id: Option<FieldName>,
    /// Time limits.
    pub timeouts: TimeoutsConfig,
    /// Sizes and counts that bound what a client can take.
    pub limits: LimitsConfig,
    /// Where requests are logged; none: nowhere.
    pub access_log: Option<AccessLogConfig>,
    /// What the proxies of a fleet have alike besides services ([`ALIKE`]).
    pub settings: Settings,
    /// The services by name.
    pub services: BTreeMap<String, ServiceConfig>,
    /// The service whose certificate is shown to clients that name no host, or one that nobody has. Default none: they are refused.
    pub tls_default: Option<String>,
    /// The CA from which services with `"tls": "acme"` get their certificates.
    pub acme: Option<AcmeConfig>,
    /// The keys from which the tickets are made by which visitors resume. Default: the file of cookies' keys, where there is one
    /// and all services that seal cookies have the same. Otherwise each process makes keys of its own.
    pub ticket_key_file: Option<PathBuf>,
}

/// The keys of `proxy.json`.
const ROOT: Keys = Keys {
    object: "proxy.json",
    names: &[
        "access_log",
        "acme",
        "admin",
        "agreement",
        "limits",
        "listeners",
        "name",
        "peers",
        "request_id",
        "services",
        "state_dir",
        "timeouts",
        "tls",
        "trusted_proxies",
        "version",
        "via",
        "workers",
    ],
};

/// Those of which each proxy of a fleet is to have the same. The rest is a machine's own: where it listens, who its peers are, what it logs,
/// how much it can carry.
const ALIKE: [&str; 7] = ["acme", "agreement", "request_id", "timeouts", "tls", "trusted_proxies", "via"];

/// The keys of every object of `proxy.json`.
pub const KEYS: &[&Keys] = &[
    &ROOT,
    &listeners::KEYS,
    &admin::KEYS,
    &pages::KEYS,
    &peers::KEYS,
    &peers::MEMBER_KEYS,
    &agreement::KEYS,
    &agreement::TLS,
    &limits::TIMEOUTS,
    &limits::LIMITS,
    &access_log::KEYS,
    &acme::KEYS,
    &acme::EAB,
    &acme::NAMESERVERS,
    &services::KEYS,
    &basic_auth::KEYS,
    &forward_auth::KEYS,
    &tls::ROOT,
    &tls::TICKETS,
    &tls::SERVICE,
    &tls::SERVICE_ACME,
    &https::KEYS,
    &headers::REQUEST,
    &headers::RESPONSE,
    &tls::CERTIFICATE,
    &client_certificates::KEYS,
    &backends::KEYS,
    &redirect::KEYS,
    &answer::KEYS,
    &files::KEYS,
    &error_pages::KEYS,
    &backend_protocol::KEYS,
    &compression::KEYS,
    &access::KEYS,
    &backend_protocol::CLIENT_CERTIFICATE,
    &check::KEYS,
    &cookie::KEYS,
    &rate_limit::KEYS,
    &rate_limit::CLIENT,
    &rate_limit::SERVICE,
];

/// Reads and checks a document: all of it, or every finding. Reads no key and opens no socket.
pub fn load(file: &Path) -> Result<ProxyConfig, Findings> {
    read_file(file, read)
}

/// The same from text, `file` standing in the findings.
pub fn parse(file: &Path, text: &str) -> Result<ProxyConfig, Findings> {
    read_text(file, text, read)
}

fn read(document: &Value<'_>) -> Read<ProxyConfig> {
    version::read(document)?;
    let root = document.object(&ROOT)?;
    let mut listening = Listening::default();
    let name = own_name::read(&root);
    let trusted_proxies = root.with_default("trusted_proxies", Vec::new(), listeners::read_networks);
    let trusted = trusted_proxies.as_deref().ok();
    let listeners = root.required("listeners", |value| listeners::read(value, trusted, &mut listening));
    let admin = root.required("admin", |value| admin::read(value, &mut listening));
    let state_dir = root.required("state_dir", Value::absolute_path);
    let peers = root.optional("peers", |value| peers::read(value, name.as_ref().ok(), &mut listening));
    let agreement = agreement::read(&root);
    let workers = root.optional("workers", |value| value.integer(1..=MOST_WORKERS));
    let via = root.with_default("via", true, |value| value.boolean());
    let request_id = root.optional("request_id", headers::read_request_id);
    let timeouts = root.with_default("timeouts", TimeoutsConfig::default(), limits::read_timeouts);
    let limits = root.with_default("limits", LimitsConfig::default(), limits::read_limits);
    let access_log = root.optional("access_log", access_log::read);
    let own = listeners.iter().flatten().map(|listener| listener.address).collect();
    let any_trusted = trusted.is_some_and(|networks| !networks.is_empty());
    let acme = acme::read(&root);
    // What is wrong with it is told already.
    let challenge = acme.as_ref().map_or(Some(ChallengeKind::Http01), |acme| acme.as_ref().map(|acme| acme.challenge));
    let mut first_tls = None;
    let services = root.required("services", |value| {
        let services: BTreeMap<String, ServiceConfig> =
            services::read(value, own, any_trusted, challenge, &mut first_tls)?;
        auth_servers::vet(value, &services)?;
        let backends = services.values().filter_map(|service| Some(service.target.backends()?.backends.len()));
        most_subjects(value, "backends", backends.sum())?;
        let is_ordered = |service: &&ServiceConfig| {
            service.tls.as_ref().is_some_and(|tls| matches!(tls.source, CertificateSource::Acme(_)))
        };
        tls::most_ordered(value, services.values().filter(is_ordered).count())?;
        Ok(services)
    });
    let common_tls = tls::read_common(&root, |name| match &services {
        Ok(services) => services.get(name).map(|service| service.tls.is_some()),
        // What is wrong with the services is told already.
        Err(_) => Some(true),
    });
    if let (Some(value), Ok(listeners), Ok(services)) = (root.get("listeners"), &listeners, &services) {
        let any_speaks_https = listeners.iter().any(|listener| listener.protocol == Protocol::Https);
        tls::vet(&value, any_speaks_https, first_tls.as_ref())?;
        let any_speaks_http = listeners.iter().any(|listener| listener.protocol == Protocol::Http);
        let with_tls = services.values().filter_map(|service| Some((&*service.name, service.tls.as_ref()?)));
        tls::vet_challenges(&value, any_speaks_http, with_tls.clone())?;
        if let (Some(value), Ok(Some(acme))) = (root.get("acme"), &acme) {
            tls::vet_nameservers(&value, acme, with_tls)?;
        }
    }
    let (services, tls) = (services?, common_tls?);
    Ok(ProxyConfig {
        name: name?.into_string(),
        listeners: listeners?,
        admin: admin?,
        state_dir: state_dir?,
        peers: peers?,
        agreement: agreement?,
        workers: workers?,
        trusted_proxies: trusted_proxies?,
        via: via?,
        request_id: request_id?,
        timeouts: timeouts?,
        limits: limits?,
        access_log: access_log?,
        settings: root.fingerprints(&ALIKE),
        tls_default: tls.default,
        ticket_key_file: tls.ticket_key_file.or_else(|| cookies_key_file(&services)),
        services,
        acme: acme?,
    })
}

/// The file of cookies' keys, if all services that seal cookies have the same.
fn cookies_key_file(services: &BTreeMap<String, ServiceConfig>) -> Option<PathBuf> {
    let mut files = services.values().filter_map(ServiceConfig::cookie_key_file);
    let first = files.next()?;
    files.all(|file| file == first).then(|| first.to_owned())
}
