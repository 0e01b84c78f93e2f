//! A fleet on a network of its own: members of etcd, webservers of the shop and proxies, each on its own host, and its visitors, who reach every
//! proxy whatever is cut.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use polder::api::daemon::Daemon;
use polder::api::proxy::{ServiceStatus, Status};
use polder::daemon::peers::Identity;
use polder::demo::documents::{STATEFUL, STATEFUL_HOST, STATELESS, STATELESS_HOST, proxy_name, stateful_name};
use polder::demo::supervisor::Supervised;
use polder::demo::webserver::Webserver;
use polder::health::Verdict;
use serde_json::{Map, Value, json};

use crate::cluster::{self, Cluster, Setting};
use crate::network::Network;
use crate::visits::{Visits, visit};
use crate::{LIMIT, programs};

/// The stateful service that goes on without etcd; the shop stops.
pub const KEPT: &str = "wiki";
/// Its host name.
pub const KEPT_HOST: &str = "wiki.polder.test";

/// A machine that is busy for half a second fails no check.
const PATIENT_CHECK: &str = "600ms";
const BACKENDS: usize = 3;

/// By what the proxies agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// By nothing but what they tell each other.
    Peers,
    /// By etcd, with leases of this time.
    Etcd(Duration),
}

/// What a fleet is made of.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'p> {
    pub engine: Engine,
    pub proxies: usize,
    /// How the members of etcd are run.
    pub members: &'p [Setting],
    /// Stateful services, the shop and the one that keeps among them.
    pub stateful: usize,
}

impl Plan<'static> {
    /// Three proxies and three members, two stateful services.
    pub const SMALL: Plan<'static> =
        Plan { engine: Engine::Peers, proxies: 3, members: &[Setting::AsEver; 3], stateful: 2 };
}

/// The fleet; it ends with the thread that started it.
pub struct World {
    pub network: Rc<Network>,
    pub proxies: Vec<Supervised>,
    pub fronts: Vec<SocketAddr>,
    backends: Vec<Webserver>,
    pub cluster: Option<Cluster>,
    engine: Engine,
    stateful: usize,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts it, and returns when every proxy serves the shop's primary.
    pub async fn start(plan: Plan<'_>) -> World {
        let Plan { engine, proxies, members, stateful } = plan;
        let names: Vec<String> = (0..members.len())
            .map(cluster::name)
            .chain((0..BACKENDS).map(stateful_name))
            .chain((0..proxies).map(proxy_name))
            .collect();
        let network = Rc::new(Network::make(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        let folder = tempfile::Builder::new().prefix("pt").tempdir_in("/tmp").unwrap();
        let cluster = (engine != Engine::Peers).then(|| Cluster::start_in(&network, members));
        let mut world = World {
            fronts: (0..proxies).map(|proxy| network.at(&proxy_name(proxy), 80)).collect(),
            proxies: Vec::new(),
            backends: Vec::new(),
            network,
            cluster,
            engine,
            stateful,
            folder,
        };
        world.start_backends().await;
        world.start_proxies(proxies).await;
        let all: Vec<usize> = (0..proxies).collect();
        world.until_served(&all, STATEFUL_HOST, &stateful_name(0)).await;
        world
    }

    async fn start_backends(&mut self) {
        for backend in 0..BACKENDS {
            let name = stateful_name(backend);
            let log = self.folder.path().join(format!("{name}.log"));
            let address = self.network.at(&name, 8080);
            self.network.enter(&name);
            let mut webserver = Webserver::new(name, address, Vec::new(), &programs().polder, log);
            webserver.start().await.unwrap();
            self.network.leave();
            self.backends.push(webserver);
        }
    }

    async fn start_proxies(&mut self, proxies: usize) {
        let folder = self.folder.path().to_owned();
        let mut members = Map::new();
        for name in (0..proxies).map(proxy_name) {
            std::fs::create_dir_all(folder.join(&name).join("state")).unwrap();
            let identity = Identity::make(&folder.join(&name).join("identity.key")).unwrap();
            let keys = [identity.public().to_string()];
            members.insert(name.clone(), json!({ "address": self.network.at(&name, 8405), "keys": keys }));
        }
        for name in (0..proxies).map(proxy_name) {
            let folder = folder.join(&name);
            let config = folder.join("proxy.json");
            std::fs::write(&config, self.document(&name, &folder, &members).to_string()).unwrap();
            let mut proxy = Supervised::new(&name, Daemon::Proxy, &programs(), &folder, &config).unwrap();
            self.network.enter(&name);
            proxy.start().await.unwrap_or_else(|error| panic!("{error}"));
            self.network.leave();
            self.proxies.push(proxy);
        }
    }

    fn document(&self, name: &str, folder: &Path, members: &Map<String, Value>) -> Value {
        let backend = |backend| {
            let name = stateful_name(backend);
            json!({ "name": name, "address": self.network.at(&name, 8080), "backup": backend > 0 })
        };
        let check = json!({ "path": "/healthz", "interval": "200ms", "timeout": PATIENT_CHECK, "fall": 3 });
        let stateful = |host: &str| {
            json!({
                "hosts": [host],
                "mode": "stateful",
                "failover": "permanent",
                "start_grace": "1s",
                "failover_drain": "500ms",
                "cookie": { "value": "address" },
                "backends": (0..BACKENDS).map(backend).collect::<Vec<_>>(),
                "check": check,
            })
        };
        let primaries: Vec<Value> = (0..BACKENDS)
            .map(stateful_name)
            .map(|name| json!({ "name": name, "address": self.network.at(&name, 8080) }))
            .collect();
        let mut document = json!({
            "version": 1,
            "name": name,
            "admin": { "socket": folder.join("admin.sock") },
            "state_dir": folder.join("state"),
            "workers": 1,
            "peers": {
                "listen": self.network.at(name, 8405),
                "key_file": folder.join("identity.key"),
                "members": members,
            },
            "listeners": [{ "name": "http", "address": self.network.at(name, 80) }],
            "timeouts": { "connect": PATIENT_CHECK, "drain": "2s" },
            "services": {
                STATEFUL: stateful(STATEFUL_HOST),
                KEPT: stateful(KEPT_HOST),
                STATELESS: { "hosts": [STATELESS_HOST], "mode": "stateless", "backends": primaries, "check": check },
            },
        });
        if let (Some(cluster), Engine::Etcd(lease)) = (&self.cluster, self.engine) {
            document["agreement"] = cluster.document(lease);
            document["services"][STATEFUL]["without_agreement"] = json!("stop");
            document["services"][KEPT]["without_agreement"] = json!("keep");
        }
        for number in 2..self.stateful {
            document["services"][format!("shop-{number}")] = stateful(&format!("shop-{number}.polder.test"));
        }
        document
    }

    /// Visitors of this host come to every proxy.
    pub async fn visits(&self, host: &'static str) -> Visits {
        Visits::begin(&self.fronts, host).await
    }

    /// Ends a webserver at once.
    pub async fn kill(&mut self, backend: usize) {
        self.backends[backend].kill().await;
    }

    /// Starts it again, and returns when every proxy finds it up.
    pub async fn mend(&mut self, backend: usize) {
        let name = stateful_name(backend);
        self.network.enter(&name);
        self.backends[backend].start().await.unwrap();
        self.network.leave();
    }

    pub async fn status(&self, proxy: usize) -> Option<Status> {
        serde_json::from_value(self.proxies[proxy].client().get("/status").await.ok()?).ok()
    }

    async fn service(&self, proxy: usize, name: &str) -> Option<ServiceStatus> {
        self.status(proxy).await?.services.into_iter().find(|service| service.name == name)
    }

    /// The highest epoch of a service's latch at any proxy that answers.
    pub async fn epoch(&self, service: &str) -> u64 {
        let mut epoch = 0;
        for proxy in 0..self.proxies.len() {
            epoch =
                epoch.max(self.service(proxy, service).await.and_then(|shown| Some(shown.latch?.epoch)).unwrap_or(0));
        }
        epoch
    }

    /// Waits until every proxy finds this backend up.
    pub async fn until_all_find_up(&self, backend: &str) {
        self.until(&format!("all find {backend} up"), || async {
            for proxy in 0..self.proxies.len() {
                let shop = self.service(proxy, STATEFUL).await;
                let found = shop.and_then(|shop| shop.backends.into_iter().find(|found| found.name == backend));
                if found.is_none_or(|found| found.check != Verdict::Up) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Waits until all proxies serve the same backend; which it is.
    pub async fn until_all_agree(&self) -> String {
        let served = RefCell::new(String::new());
        self.until("all serve the same backend", || async {
            let mut backends = Vec::new();
            for front in &self.fronts {
                backends.push(visit(*front, STATEFUL_HOST).await);
            }
            let first = backends[0].clone();
            served.replace(first.clone().unwrap_or_default());
            first.is_some() && backends.iter().all(|backend| *backend == first)
        })
        .await;
        served.into_inner()
    }

    /// Fails the shop back, at this proxy.
    pub async fn fail_back(&self, proxy: usize) {
        let command = json!({ "service": STATEFUL, "who": "test", "why": "" });
        let client = self.proxies[proxy].client();
        // A proxy that has fallen silent is waited for; so is the operator's word.
        self.until("the shop is failed back", || async { client.post("/failback", &command).await.is_ok() }).await;
    }

    /// Waits until each of these proxies answers visitors of this host from this backend.
    pub async fn until_served(&self, proxies: &[usize], host: &str, backend: &str) {
        self.until(&format!("{proxies:?} serve {host} from {backend}"), || async {
            for proxy in proxies {
                if visit(self.fronts[*proxy], host).await.as_deref() != Some(backend) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Waits for something, and says what every proxy says of the shop if it does not come.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, mut is_so: impl FnMut() -> F) {
        let began = Instant::now();
        while !is_so().await {
            assert!(began.elapsed() < LIMIT, "{what}: not within {LIMIT:?}\n{}", self.in_words().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn in_words(&self) -> String {
        let mut words = String::new();
        for proxy in 0..self.proxies.len() {
            let status = self.status(proxy).await;
            // Of two hundred services that have the same to say some are enough.
            let alarms = status.map(|status| status.daemon.alarms.into_iter().take(10).collect::<Vec<_>>());
            words.push_str(&format!(
                "{}: {alarms:?} {:?}\n",
                proxy_name(proxy),
                json!(self.service(proxy, STATEFUL).await)
            ));
        }
        words
    }
}
