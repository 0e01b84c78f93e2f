//! A document that is ready to build snapshots from: its keys are read, its routes and targets laid out once.
//!
//! Owns what stays the same until the next document. Must never: hold health, operator states or latches. Called by
//! `run` at the start and by every reload; [`Prepared::with_keys`] alone touches files.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::proxy::{
    self, BackendsConfig, Balance, ConnectionsConfig, CookieConfig, CookieValue, HttpsConfig, LatchConfig, Mode,
    PassedFields, Protocol, QueueConfig, ServiceConfig,
};
use crate::config::{HttpVersion, ProxyConfig};
use crate::daemon::key_file::{KeyError, Keys};
use crate::daemon::lifecycle::descriptors::{DescriptorError, lowered};
use crate::daemon::peers::{Identity, RECENT};
use crate::health::{Target, TargetHealth, Targets};
use crate::proxy::capacity::Capacity;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::Edge;
use crate::proxy::edge::drops::Drops;
use crate::proxy::edge::own_fields;
use crate::proxy::edge::watched::Watched;
use crate::proxy::route::Router;
use crate::proxy::snapshot::{Front, FrontTarget, Https, Settings};
use crate::proxy::target::OwnTarget;
use crate::proxy::target::answer::FixedAnswer;
use crate::proxy::target::files::Site;
use crate::proxy::target::pages::Pages;
use crate::proxy::target::redirect::{Ports, Redirect};
use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy_protocol;
use crate::tls::client::Connector;

/// Time for what follows the end of running requests in an operator's step: the latch on disk, the next snapshot.
const STORING: Duration = Duration::from_millis(1_500);

/// The ports that a URL need not name (RFC 9110, 4.2.1 and 4.2.2).
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// A document, ready.
#[derive(Debug)]
pub struct Prepared {
    /// The document.
    pub document: ProxyConfig,
    /// Its routes.
    pub router: Router,
    /// What is the same for every request.
    pub settings: Arc<Settings>,
    /// What visitors meet, in the order of the names; its routes lead here.
    pub fronts: Arc<[Front]>,
    /// Its services that have backends, in the order of their names.
    pub services: Vec<PreparedService>,
    /// The key by which its peers know this proxy; none where there are no peers.
    pub identity: Option<Identity>,
    /// The key by which our own nameservers know it; none where they are told nothing.
    pub nameservers_identity: Option<Identity>,
}

/// A service, ready.
#[derive(Debug)]
pub struct PreparedService {
    /// Its name.
    pub name: Arc<str>,
    /// The withheld request fields that its backends get.
    pub pass_fields: PassedFields,
    /// What decides before balance does.
    pub mode: PreparedMode,
    /// How the rest is spread.
    pub balance: Balance,
    /// The version of HTTP that its backends speak.
    pub backend_version: HttpVersion,
    /// How connections to its backends are opened over TLS; none: in clear text.
    pub backend_tls: Option<Arc<Connector>>,
    /// What connections to its backends begin with: a header of the PROXY protocol that names the visitor.
    pub send_proxy: Option<proxy_protocol::Version>,
    /// How connections to its backends are used.
    pub connections: ConnectionsConfig,
    /// How requests queue for its backends; none, where these take as many as come.
    pub queue: Option<QueueConfig>,
    /// In which time the weight of a backend that has come up grows to what it is.
    pub slow_start: Option<Duration>,
    /// In the order of the document.
    pub backends: Vec<PreparedBackend>,
    /// The check's detection bound.
    pub verdict_bound: Duration,
    /// That, or what an operator's step may take where it is longer.
    pub hold_bound: Duration,
}

/// What decides before balance does.
#[derive(Debug)]
pub enum PreparedMode {
    /// Nothing.
    Stateless,
    /// The cookie.
    Sticky(Arc<Cookie>),
    /// The latch.
    Latched {
        /// The cookie that names the active backend.
        cookie: Arc<Cookie>,
        /// How the latch moves.
        rules: LatchConfig,
    },
}

/// A backend, ready.
#[derive(Debug)]
pub struct PreparedBackend {
    /// Its name within the service.
    pub name: Arc<str>,
    /// `SERVICE/BACKEND`: how operators name it.
    pub subject: String,
    /// `SERVICE/ADDRESS`: how proxies name it to each other, whose documents may call it otherwise.
    pub told_as: String,
    /// What is dialled.
    pub address: SocketAddr,
    /// Its share.
    pub weight: u32,
    /// Used only when no primary can be.
    pub backup: bool,
    /// The requests that it takes at once.
    pub max_connections: Option<usize>,
    /// The fields by which some service tells it who visitors are, and which no visitor may send it; none: no service does.
    pub own_fields: Option<Arc<Drops>>,
    /// What is probed.
    pub target: Arc<Target>,
}

impl PreparedBackend {
    /// What a latch knows it by.
    pub fn identity(&self) -> (&str, SocketAddr) {
        (&self.name, self.address)
    }
}

impl Prepared {
    /// Reads the keys a document names, and lays it out.
    ///
    /// # Errors
    ///
    /// A key file that cannot be used.
    pub fn with_keys(document: ProxyConfig) -> Result<Prepared, KeyError> {
        let peers = document.peers.as_ref();
        let identity = peers.map(|peers| Identity::of_daemon(&document.name, peers)).transpose()?;
        let nameservers = document.acme.as_ref().and_then(|acme| acme.nameservers.as_ref());
        let nameservers_identity = nameservers.map(|nameservers| {
            Identity::read(&nameservers.key_file).map_err(|error| error.of("acme.nameservers.key_file"))
        });
        let nameservers_identity = nameservers_identity.transpose()?;
        let prepared = Prepared::new(document, |file| Keys::read(file).map(|keys| keys.as_slice().to_vec()))?;
        Ok(Prepared { identity, nameservers_identity, ..prepared })
    }

    /// Lays a document out; `read_keys` gives the keys of a file of cookies' keys.
    pub fn new(
        document: ProxyConfig,
        read_keys: impl Fn(&Path) -> Result<Vec<[u8; 32]>, KeyError>,
    ) -> Result<Prepared, KeyError> {
        let ports = ports(&document);
        let own = FrontTarget::Own;
        // So long others may wait for a proxy that has fallen silent.
        let lease = document.agreement.as_ref().map_or(Duration::ZERO, |agreement| agreement.lease);
        let own_fields = own_fields::by_address(&document);
        let (mut fronts, mut services) = (Vec::new(), Vec::new());
        for service in document.services.values() {
            let target = match &service.target {
                proxy::Target::Backends(backends) => {
                    services.push(PreparedService::new(service, backends, lease, &own_fields, &read_keys)?);
                    FrontTarget::Backends(services.len() - 1)
                }
                proxy::Target::Redirect(redirect) => {
                    own(OwnTarget::Redirect(Arc::new(Redirect::new(redirect, &service.paths, ports))))
                }
                proxy::Target::Answer(answer) => {
                    let key = format!("services.{}.answer", service.name);
                    own(OwnTarget::Answer(Arc::new(FixedAnswer::new(answer, &key))))
                }
                proxy::Target::Files(files) => {
                    let key = format!("services.{}.files", service.name);
                    own(OwnTarget::Files(Arc::new(Site::new(files, &service.paths, &key))))
                }
            };
            fronts.push(front(&document, service, target, ports.https));
        }
        let routes = document.services.values().enumerate().flat_map(|(index, service)| {
            let pairs = service.hosts.iter().flat_map(|host| service.paths.iter().map(move |path| (host, path)));
            pairs.map(move |(host, path)| (host.clone(), path.clone(), index))
        });
        let router = Router::new(routes);
        let settings = Arc::new(Settings {
            timeouts: document.timeouts.clone(),
            limits: document.limits.clone(),
            capacity: Capacity::unbounded(&document.limits),
            trusted_proxies: document.trusted_proxies.clone(),
            via: document.via.then(|| document.name.as_str().into()),
            request_id: document.request_id.as_ref().map(|name| name.as_str().into()),
            names_visitors: services.iter().any(|service| service.send_proxy.is_some()),
            tls: None,
        });
        Ok(Prepared {
            document,
            router,
            settings,
            fronts: fronts.into(),
            services,
            identity: None,
            nameservers_identity: None,
        })
    }

    /// Answers handshakes by this from now on.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Arc<Acceptor>>) -> Prepared {
        self.settings = Arc::new(Settings { tls, ..(*self.settings).clone() });
        self
    }

    /// Keeps its connections within the descriptors that this process may have. Gives a note if that is less than the default.
    ///
    /// # Errors
    ///
    /// What it asks for does not fit.
    pub fn fit(&mut self, open_files: u64) -> Result<Option<String>, DescriptorError> {
        let capacity = Capacity::of(&self.document, self.workers(), self.targets().len(), open_files)?;
        self.settings = Arc::new(Settings { capacity, ..(*self.settings).clone() });
        let default = Capacity::unbounded(&self.document.limits).connections;
        Ok(lowered("limits.connections", capacity.connections, default, open_files))
    }

    /// Goes on with what was counted under the last document.
    pub fn follow(&self, before: &Prepared) {
        for front in self.fronts.iter() {
            let last = before.fronts.binary_search_by(|last| last.name.cmp(&front.name)).ok();
            let last = last.and_then(|place| before.fronts[place].edge.as_ref());
            if let (Some(now), Some(before)) = (&front.edge, last) {
                now.follow(before);
            }
        }
    }

    /// Threads that serve: one for each core, unless the document says how many.
    pub fn workers(&self) -> usize {
        self.document.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Everything to be probed, with who uses it.
    pub fn targets(&self) -> Targets {
        let mut targets = Targets::new();
        for backend in self.services.iter().flat_map(|service| &service.backends) {
            targets.entry((*backend.target).clone()).or_default().push(backend.subject.clone());
        }
        targets
    }

    /// The backends whose state operators can set: `SERVICE/BACKEND`.
    pub fn subjects(&self) -> impl Iterator<Item = &String> {
        self.services.iter().flat_map(|service| &service.backends).map(|backend| &backend.subject)
    }

    /// The files that rules of services stand in: users, networks.
    pub fn rule_files(&self) -> impl Iterator<Item = (&Front, &dyn Watched)> {
        self.fronts
            .iter()
            .flat_map(|front| front.edge.iter().flat_map(|edge| edge.files()).map(move |file| (front, file)))
    }

    /// Whether it has this `SERVICE/BACKEND`.
    pub fn names(&self, subject: &str) -> bool {
        let service = subject.split_once('/').and_then(|(service, _)| self.service(service));
        service.is_some_and(|service| service.backends.iter().any(|backend| backend.subject == *subject))
    }

    /// Whether it has what proxies call so.
    pub fn is_told_as(&self, told_as: &str) -> bool {
        let service = told_as.split_once('/').and_then(|(service, _)| self.service(service));
        service.is_some_and(|service| service.backends.iter().any(|backend| backend.told_as == *told_as))
    }

    /// The services that have a latch.
    pub fn latched(&self) -> impl Iterator<Item = &PreparedService> {
        self.services.iter().filter(|service| service.rules().is_some())
    }

    /// A service by name.
    pub fn service(&self, name: &str) -> Option<&PreparedService> {
        // In the order of the document's table.
        let found = self.services.binary_search_by(|service| (*service.name).cmp(name));
        found.ok().map(|index| &self.services[index])
    }
}

impl PreparedService {
    fn new(
        service: &ServiceConfig,
        backends: &BackendsConfig,
        lease: Duration,
        own_fields: &HashMap<SocketAddr, Arc<Drops>>,
        read_keys: &impl Fn(&Path) -> Result<Vec<[u8; 32]>, KeyError>,
    ) -> Result<PreparedService, KeyError> {
        let cookie = |config: &CookieConfig| cookie(&service.name, config, read_keys).map(Arc::new);
        let mode = match &backends.mode {
            Mode::Stateless => PreparedMode::Stateless,
            Mode::Sticky { cookie: config } => PreparedMode::Sticky(cookie(config)?),
            Mode::Latched { cookie: config, latch } => {
                PreparedMode::Latched { cookie: cookie(config)?, rules: latch.clone() }
            }
        };
        let prepared = backends.backends.iter().map(|backend| {
            let address = SocketAddr::new(backend.address.ip(), backends.check.port.unwrap_or(backend.address.port()));
            PreparedBackend {
                name: backend.name.as_str().into(),
                subject: format!("{}/{}", service.name, backend.name),
                told_as: format!("{}/{}", service.name, backend.address),
                address: backend.address,
                weight: backend.weight,
                backup: backend.backup,
                max_connections: backend.max_connections,
                own_fields: own_fields.get(&own_fields::normal(backend.address)).cloned(),
                target: Arc::new(Target { address, check: backends.check.clone() }),
            }
        });
        let any_bounded = backends.backends.iter().any(|backend| backend.max_connections.is_some());
        let verdict_bound = backends.check.detection_bound();
        let step = match &mode {
            PreparedMode::Latched { rules, .. } => rules.failover_drain + STORING,
            PreparedMode::Stateless | PreparedMode::Sticky(_) => Duration::ZERO,
        };
        Ok(PreparedService {
            name: service.name.as_str().into(),
            pass_fields: service.pass_fields,
            mode,
            balance: backends.balance,
            backend_version: backends.protocol.version,
            backend_tls: Connector::of(&backends.protocol),
            send_proxy: backends.protocol.send_proxy,
            connections: backends.connections,
            queue: any_bounded.then_some(backends.queue),
            slow_start: backends.slow_start,
            backends: prepared.collect(),
            verdict_bound,
            // The last of the proxies to find a backend down lets it be left, or peers that died with it are heard no more.
            hold_bound: if step.is_zero() {
                verdict_bound
            } else {
                (verdict_bound + RECENT + STORING).max(step) + lease
            },
        })
    }

    /// How its latch moves, if it has one.
    pub fn rules(&self) -> Option<&LatchConfig> {
        match &self.mode {
            PreparedMode::Latched { rules, .. } => Some(rules),
            PreparedMode::Stateless | PreparedMode::Sticky(_) => None,
        }
    }

    /// The health by which a backend is judged. What a latched service is decided by is for good.
    pub fn judged_by<'h>(&self, health: &'h TargetHealth) -> &'h TargetHealth {
        match self.mode {
            PreparedMode::Latched { .. } => health.lasting(),
            PreparedMode::Stateless | PreparedMode::Sticky(_) => health,
        }
    }

    /// The backend a latch begins with.
    pub fn primary(&self) -> Option<&PreparedBackend> {
        self.backends.iter().find(|backend| !backend.backup)
    }
}

fn front(document: &ProxyConfig, service: &ServiceConfig, target: FrontTarget, https_port: u16) -> Front {
    Front {
        name: service.name.as_str().into(),
        over_tls: service.tls.is_some(),
        https: https(service.https, https_port),
        edge: Edge::naming_requests(service, document.request_id.as_ref()),
        pages: Pages::read(&service.error_pages, &format!("services.{}.error_pages", service.name)),
        target,
    }
}

/// Where visitors are sent who should come by another scheme: the port that a URL need not name, if a listener speaks it there.
fn ports(document: &ProxyConfig) -> Ports {
    let port = |protocol, default| {
        let listeners = document.listeners.iter().filter(|listener| listener.protocol == protocol);
        let mut ports = listeners.map(|listener| listener.address.port());
        let first = ports.next().unwrap_or(default);
        if ports.any(|port| port == default) { default } else { first }
    };
    Ports { http: port(Protocol::Http, HTTP), https: port(Protocol::Https, HTTPS) }
}

fn https(config: HttpsConfig, port: u16) -> Https {
    let hsts = config.hsts.map(|hsts| {
        let more = |is_set, directive| if is_set { directive } else { "" };
        let subdomains = more(hsts.include_subdomains, "; includeSubDomains");
        format!("max-age={}{subdomains}{}", hsts.max_age.as_secs(), more(hsts.preload, "; preload")).into()
    });
    Https { redirect: config.redirect.then_some(port), hsts }
}

fn cookie(
    service: &str,
    config: &CookieConfig,
    read_keys: &impl Fn(&Path) -> Result<Vec<[u8; 32]>, KeyError>,
) -> Result<Cookie, KeyError> {
    match &config.value {
        CookieValue::Address => Ok(Cookie::address(&config.name)),
        CookieValue::Sealed { key_file } => {
            let key = format!("services.{service}.cookie.key_file");
            let keys = read_keys(key_file).map_err(|error| error.of(&key))?;
            let cookie = Cookie::sealed(&config.name, service, &keys);
            cookie.ok_or_else(|| KeyError::at(key_file, None, "holds no key").of(key))
        }
    }
}
