//! Everything a request needs to be answered, immutable, swapped whole.
//!
//! Built by the control thread (`build`), read by the workers through arc-swap. Plain data: the pure parts (route,
//! choose) work on it without a clock, a socket or a task.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use ipnet::IpNet;

use crate::acme::challenges::Challenges;
use crate::api::operator::OperatorState;
use crate::config::HttpVersion;
use crate::config::proxy::{Balance, ConnectionsConfig, LimitsConfig, PassedFields, QueueConfig, TimeoutsConfig};
use crate::daemon::key_file::KeyError;
use crate::health::{Proof, Target, Verdict};
use crate::proxy::capacity::Capacity;
use crate::proxy::choose::cookie::Cookie;
use crate::proxy::edge::Edge;
use crate::proxy::edge::drops::Drops;
use crate::proxy::queue::{Queue, Slots};
use crate::proxy::retry_budget::RetryBudget;
use crate::proxy::route::{Router, spelling};
use crate::proxy::service_counters::ServiceCounters;
use crate::proxy::target::OwnTarget;
use crate::proxy::target::files::folder::WatchedFolder;
use crate::proxy::target::kept_file::{KeptFile, Reread};
use crate::proxy::target::pages::Pages;
use crate::proxy::tls::acceptor::Acceptor;
use crate::proxy_protocol;
use crate::tls::client::Connector;

/// What all requests are answered from until the next one.
#[derive(Debug)]
pub struct Snapshot {
    /// Rises by one with each snapshot.
    pub generation: u64,
    /// What `/.polder/ready` answers: checked, not draining, every latch decided, at least one service usable.
    pub ready: bool,
    /// The daemon is stopping or handed over: `Connection: close` on every response.
    pub draining: bool,
    /// Whether what is known of the peers' latches may be acted on still.
    pub peers: Proof,
    /// Host and path to front.
    pub router: Router,
    /// What visitors meet under them; [`Router`] answers with an index into this.
    pub fronts: Arc<[Front]>,
    /// What is counted of each front's visitors, a slot for each worker; kept across snapshots and documents by name.
    pub counted: Arc<[Arc<[ServiceCounters]>]>,
    /// The services that have backends, in the order of their names.
    pub services: Vec<Service>,
    /// What a CA is answered that asks whether a host is ours.
    pub challenges: Challenges,
    /// What is the same for every request.
    pub settings: Arc<Settings>,
}

/// What is the same for every request until the next document.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time limits.
    pub timeouts: TimeoutsConfig,
    /// Sizes and counts.
    pub limits: LimitsConfig,
    /// How many connections.
    pub capacity: Capacity,
    /// Clients whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The name under which requests say in `Via` that they have passed this proxy.
    pub via: Option<Arc<str>>,
    /// The header field by which requests are called by their ids; none: none.
    pub request_id: Option<Arc<str>>,
    /// Backends of a service are told who the visitor is by the PROXY protocol.
    pub names_visitors: bool,
    /// What handshakes are answered from; none where no listener speaks https.
    pub tls: Option<Arc<Acceptor>>,
}

/// What visitors meet of a service under its hosts and paths, whatever answers them. The same until the next document.
#[derive(Debug)]
pub struct Front {
    /// The service's name.
    pub name: Arc<str>,
    /// It is reached over TLS, too.
    pub over_tls: bool,
    /// What it says to visitors about https.
    pub https: Https,
    /// What it asks of requests, and does to responses; none, where it does neither.
    pub edge: Option<Arc<Edge>>,
    /// What visitors see instead of the proxy's own words; none: those.
    pub pages: Option<Arc<Pages>>,
    /// What answers.
    pub target: FrontTarget,
}

/// What answers the requests of a service.
#[derive(Debug, Clone)]
pub enum FrontTarget {
    /// The backends of the service in this place among those of the snapshot.
    Backends(usize),
    /// The proxy itself.
    Own(OwnTarget),
}

impl Front {
    /// It is not for everybody and as much as anybody likes, or answers by itself what lies beneath another one.
    fn guards(&self) -> bool {
        self.edge.as_deref().is_some_and(Edge::guards) || !matches!(self.target, FrontTarget::Backends(_))
    }

    /// The place of the service whose backends answer, if they do.
    pub fn service(&self) -> Option<usize> {
        match self.target {
            FrontTarget::Backends(place) => Some(place),
            FrontTarget::Own(_) => None,
        }
    }

    /// The files that it holds.
    pub fn files(&self) -> Vec<&Path> {
        let answer = match &self.target {
            FrontTarget::Own(OwnTarget::Answer(answer)) => answer.file().map(KeptFile::path),
            FrontTarget::Own(OwnTarget::Redirect(_) | OwnTarget::Files(_)) | FrontTarget::Backends(_) => None,
        };
        let pages = self.pages.iter().flat_map(|pages| pages.files().map(KeptFile::path));
        answer.into_iter().chain(pages).collect()
    }

    /// Reads the files again that it holds, if they have changed.
    pub fn refresh_files(&self) -> Vec<Reread> {
        let answer = match &self.target {
            FrontTarget::Own(OwnTarget::Answer(answer)) => answer.file().and_then(KeptFile::refresh),
            FrontTarget::Own(OwnTarget::Redirect(_) | OwnTarget::Files(_)) | FrontTarget::Backends(_) => None,
        };
        let pages = self.pages.iter().flat_map(|pages| pages.files().filter_map(KeptFile::refresh));
        answer.into_iter().chain(pages).collect()
    }

    /// The folder whose files it answers with, if it does.
    pub fn folder(&self) -> Option<&WatchedFolder> {
        match &self.target {
            FrontTarget::Own(OwnTarget::Files(site)) => Some(site.watched()),
            FrontTarget::Own(OwnTarget::Redirect(_) | OwnTarget::Answer(_)) | FrontTarget::Backends(_) => None,
        }
    }

    /// Why files that it holds cannot be used as they are now.
    pub fn file_errors(&self) -> Vec<KeyError> {
        let answer = match &self.target {
            FrontTarget::Own(OwnTarget::Answer(answer)) => answer.file().and_then(KeptFile::error),
            FrontTarget::Own(OwnTarget::Redirect(_) | OwnTarget::Files(_)) | FrontTarget::Backends(_) => None,
        };
        let pages = self.pages.iter().flat_map(|pages| pages.files().filter_map(KeptFile::error));
        answer.into_iter().chain(pages).collect()
    }
}

/// The backends of a service, ready to be chosen from.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: Arc<str>,
    /// The withheld request fields that its backends get.
    pub pass_fields: PassedFields,
    /// Where its backend comes from.
    pub mode: ServiceMode,
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
    /// What may be sent again of its requests; none: as much as `connections` says. Kept across snapshots.
    pub retry_budget: Option<Arc<RetryBudget>>,
    /// How requests queue for its backends; none, where these take as many as come.
    pub queue: Option<ServiceQueue>,
    /// In which time the weight of a backend that has come up grows to what it is; none: at once.
    pub slow_start: Option<Duration>,
    /// In the order of the document.
    pub backends: Vec<Backend>,
    /// How long a request may wait for a verdict: the check's detection bound.
    pub verdict_bound: Duration,
    /// How long a request may wait while the latch is held: what an operator's step may take, and not less than for a
    /// verdict.
    pub hold_bound: Duration,
    /// Until when this proxy may serve the active backend without another word from the store by which proxies agree.
    pub fence: Proof,
    /// Which requests that run may go on.
    pub stays: Stays,
    /// Requests of this service that wait for a verdict now, over all workers; kept across snapshots.
    pub waiting: Arc<AtomicUsize>,
}

/// How requests of a service queue for backends that take so many at once.
#[derive(Debug, Clone)]
pub struct ServiceQueue {
    /// Who queues; kept across snapshots.
    pub queue: Arc<Queue>,
    /// How many may, and for how long.
    pub config: QueueConfig,
}

/// What a service says to visitors about https.
#[derive(Debug, Clone, Default)]
pub struct Https {
    /// Requests in clear text are sent to this port.
    pub redirect: Option<u16>,
    /// What responses over it say of the next visits (RFC 6797). A backend's own words give way to it, and in clear text nothing
    /// is said.
    pub hsts: Option<Arc<str>>,
}

/// What decides before balance does.
#[derive(Debug)]
pub enum ServiceMode {
    /// Nothing.
    Stateless,
    /// The cookie.
    Sticky {
        /// How it is read and written.
        cookie: Arc<Cookie>,
    },
    /// The latch.
    Latched {
        /// How the cookie is read and written.
        cookie: Arc<Cookie>,
        /// What the latch says now.
        latch: LatchView,
    },
}

/// Which requests that run on a backend may go on there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stays {
    /// Those that what is said of the latch allows: the proxies tell each other.
    #[default]
    ByView,
    /// Those on this backend (an index), which the proxies have agreed on; none: the document does not have it.
    Only(Option<usize>),
    /// None: another backend may be served elsewhere by now.
    Nobody,
}

/// What requests do by the latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatchView {
    /// This backend (an index) is active.
    Active(usize),
    /// An operator's failover is under way, the active backend has its start grace, or peers have yet to find it down as well: wait,
    /// bounded.
    Hold,
    /// This proxy alone cannot reach the active backend, which its peers reach.
    Isolated,
    /// There is none that may serve (last resort refused, a backend that only a peer's document has).
    Nobody,
    /// The proxies have agreed on this backend (an index), and some have yet to leave the one before: wait, bounded.
    Awaiting(usize),
    /// This proxy has no word from the store by which the proxies agree: another one may be active by now.
    Unagreed,
    /// Which one is active is not known.
    Undecided,
}

/// One backend.
#[derive(Debug)]
pub struct Backend {
    /// Its name within the service.
    pub name: Arc<str>,
    /// What is dialled.
    pub address: SocketAddr,
    /// Its share; 0 gets only requests that name it.
    pub weight: u32,
    /// Used only when no primary can be.
    pub backup: bool,
    /// The verdict of its checks.
    pub verdict: Verdict,
    /// Whether that may be acted on still.
    pub proof: Proof,
    /// Its operator state.
    pub operator: OperatorState,
    /// When it came up, or back from the operator's hands, since the process began; none: it was there from the start.
    pub up_since: Option<Duration>,
    /// The requests that it takes at once; none: as many as come.
    pub slots: Option<Slots>,
    /// The fields by which some service tells it who visitors are, and which no visitor may send it; none: no service does.
    pub own_fields: Option<Arc<Drops>>,
    /// What is probed, to bring its next probe forward after a live error.
    pub target: Arc<Target>,
    /// One slot a worker, kept across snapshots as long as service, name and address stay the same.
    pub counters: Arc<[BackendCounters]>,
}

/// One worker's counts for one backend. Written by that worker only.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct BackendCounters {
    /// Requests running now.
    pub running: AtomicU64,
    /// Requests sent, in all.
    pub requests: AtomicU64,
    /// Those of them whose cookie named it.
    pub by_cookie: AtomicU64,
    /// Attempts that failed before the response began.
    pub failed_attempts: AtomicU64,
    /// Responses cut short after they had begun.
    pub aborted: AtomicU64,
    /// Bytes of bodies to the backend.
    pub bytes_out: AtomicU64,
    /// Bytes of bodies from the backend.
    pub bytes_in: AtomicU64,
    /// Responses by class: 1xx..5xx.
    pub responses: [AtomicU64; 5],
}

impl Snapshot {
    /// Whether a program behind this front may take the path for one that another front guards: it is refused, for which of both is asked
    /// for nobody can tell.
    pub fn is_ambiguous(&self, host: &[u8], path: &[u8], front: usize) -> bool {
        let others = spelling::readings(path).filter_map(|reading| self.router.route(host, &reading));
        others.into_iter().any(|other| other != front && self.fronts[other].guards())
    }

    /// A service by name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.place_of(name).map(|place| &self.services[place])
    }

    /// The place of a service among the others.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        // In the order of the document's table.
        self.services.binary_search_by(|service| (*service.name).cmp(name)).ok()
    }
}

impl Service {
    /// The cookie by which it knows its visitors again.
    pub fn cookie(&self) -> Option<&Cookie> {
        match &self.mode {
            ServiceMode::Stateless => None,
            ServiceMode::Sticky { cookie } | ServiceMode::Latched { cookie, .. } => Some(cookie),
        }
    }

    /// Whether its cookie decides where a visitor goes. Where there is a latch, that does.
    pub fn is_sticky(&self) -> bool {
        matches!(self.mode, ServiceMode::Sticky { .. })
    }

    /// The addresses of its backends, in their order.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.backends.iter().map(|backend| backend.address)
    }

    /// How long a request may wait, as things are.
    pub fn longest_wait(&self) -> Duration {
        match &self.mode {
            ServiceMode::Latched { latch: LatchView::Hold | LatchView::Awaiting(_), .. } => self.hold_bound,
            _ => self.verdict_bound,
        }
    }

    /// This proxy cannot agree with the others which backend is active.
    pub fn is_unagreed(&self) -> bool {
        matches!(self.mode, ServiceMode::Latched { latch: LatchView::Unagreed, .. })
    }

    /// Its latch is undecided.
    pub fn is_undecided(&self) -> bool {
        matches!(self.mode, ServiceMode::Latched { latch: LatchView::Undecided, .. })
    }
}

impl Backend {
    /// Whether it has as many requests as it takes.
    pub fn is_full(&self) -> bool {
        self.slots.as_ref().is_some_and(Slots::are_taken)
    }

    /// Requests running now, over all workers.
    pub fn running(&self) -> u64 {
        self.counters.iter().map(|slot| slot.running.load(std::sync::atomic::Ordering::Relaxed)).sum()
    }

    /// Requests sent to it since it was first known, by all workers.
    pub fn requests(&self) -> u64 {
        self.counters.iter().map(|slot| slot.requests.load(std::sync::atomic::Ordering::Relaxed)).sum()
    }

    /// Those of them whose cookie named it: of visitors who have been there before.
    pub fn requests_by_cookie(&self) -> u64 {
        self.counters.iter().map(|slot| slot.by_cookie.load(std::sync::atomic::Ordering::Relaxed)).sum()
    }
}
