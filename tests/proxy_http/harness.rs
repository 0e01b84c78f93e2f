//! One worker with a snapshot made by hand, and a client on a bare socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use polder::api::operator::OperatorState;
use polder::config::proxy::{
    Balance, ConnectionsConfig, HostPattern, LimitsConfig, Protocol, QueueConfig, TimeoutsConfig,
};
use polder::config::{CheckConfig, HttpVersion, ProbeKind};
use polder::daemon::ticks::Ticks;
use polder::health::{Proof, Target, Verdict};
use polder::proxy::capacity::Capacity;
use polder::proxy::edge::Edge;
use polder::proxy::edge::drops::Drops;
use polder::proxy::queue::Slots;
use polder::proxy::route::Router;
use polder::proxy::service_counters::ServiceCounters;
use polder::proxy::snapshot::{
    Backend, Front, FrontTarget, Https, LatchView, Service, ServiceMode, ServiceQueue, Settings, Snapshot,
};
use polder::proxy::tls::acceptor::Acceptor;
use polder::proxy::traffic::access_log::AccessLog;
use polder::proxy::traffic::door::Door;
use polder::proxy::traffic::shared::{Report, Shared};
use polder::proxy::traffic::worker::{Command, Listening, Worker, spawn};
use polder::tls::client::Connector;
use tokio::sync::mpsc;

use crate::script::read_head;

/// An address that refuses connections.
pub use crate::ports::free_address as refusing;
pub use crate::script::{OK, PATIENCE, Script, Served};

/// What a test wants of its proxy.
pub struct Setup {
    pub timeouts: TimeoutsConfig,
    pub limits: LimitsConfig,
    pub trusted: Vec<ipnet::IpNet>,
    /// Its listener takes connections with a header of the PROXY protocol alone, from these.
    pub proxies: Option<Vec<ipnet::IpNet>>,
    /// What connections to its backends begin with.
    pub send_proxy: Option<polder::proxy_protocol::Version>,
    pub balance: Balance,
    pub connections: ConnectionsConfig,
    pub latch: Option<LatchView>,
    pub sticky: bool,
    pub fast_interval: Duration,
    pub verdict_bound: Duration,
    pub hold_bound: Duration,
    pub verdicts: Vec<Verdict>,
    pub proofs: Vec<Proof>,
    pub log: Option<polder::config::proxy::AccessLogConfig>,
    /// Its listener speaks https, with these certificates.
    pub tls: Option<Arc<Acceptor>>,
    pub over_tls: bool,
    /// Its listener is in clear text although there are certificates.
    pub in_clear: bool,
    pub backend_version: HttpVersion,
    /// Its listener of https speaks HTTP/2, too.
    pub http2: bool,
    /// How its backends are connected to over TLS.
    pub backend_tls: Option<Arc<Connector>>,
    pub https: Https,
    /// What its service asks of requests and does to messages.
    pub edge: Option<Arc<Edge>>,
    /// Requests that each backend takes at once.
    pub max_connections: Option<usize>,
    pub queue: QueueConfig,
    pub slow_start: Option<Duration>,
    pub up_since: Vec<Option<Duration>>,
    pub own_fields: Option<Arc<Drops>>,
    /// How much the kernel keeps of what is sent on each connection.
    pub send_buffer: Option<usize>,
}

impl Default for Setup {
    fn default() -> Setup {
        let seconds = Duration::from_secs;
        Setup {
            timeouts: TimeoutsConfig {
                request_head: seconds(60),
                proxy_protocol: seconds(60),
                tls_handshake: seconds(60),
                body_idle: seconds(60),
                connect: seconds(60),
                response_head: seconds(60),
                keep_alive: seconds(60),
                backend_keep_alive: seconds(60),
                tunnel_idle: seconds(60),
                drain: seconds(60),
            },
            limits: LimitsConfig {
                request_head: 16384,
                request_headers: 100,
                response_head: 65536,
                connections: Some(1000),
                connections_per_address: Some(1000),
                tls_handshakes: None,
                compressions: 256,
                waiting: 100,
                tries: 3,
                idle_per_backend: Some(8),
            },
            trusted: Vec::new(),
            proxies: None,
            send_proxy: None,
            balance: Balance::RoundRobin,
            connections: ConnectionsConfig::default(),
            latch: None,
            sticky: false,
            fast_interval: Duration::from_millis(20),
            verdict_bound: seconds(5),
            hold_bound: seconds(5),
            verdicts: Vec::new(),
            proofs: Vec::new(),
            log: None,
            tls: None,
            over_tls: true,
            in_clear: false,
            backend_version: HttpVersion::Http1,
            http2: true,
            backend_tls: None,
            https: Https::default(),
            edge: None,
            max_connections: None,
            queue: QueueConfig { most: 100, timeout: seconds(60) },
            slow_start: None,
            up_since: Vec::new(),
            own_fields: None,
            send_buffer: None,
        }
    }
}

/// A running worker.
pub struct Proxy {
    pub address: SocketAddr,
    pub shared: Arc<Shared>,
    pub worker: Option<Worker>,
    pub reports: mpsc::UnboundedReceiver<Report>,
    pub waiting: Arc<AtomicUsize>,
    setup: Setup,
    backends: Vec<SocketAddr>,
}

impl Proxy {
    /// With one service `www` for `www.test`, over these backends.
    pub fn start(setup: Setup, backends: &[SocketAddr]) -> Proxy {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        if let Some(bytes) = setup.send_buffer {
            socket2::SockRef::from(&socket).set_send_buffer_size(bytes).unwrap();
        }
        let address = socket.local_addr().unwrap();
        let waiting = Arc::default();
        let snapshot = make_snapshot(1, &setup, backends, &waiting);
        let (sender, reports) = mpsc::unbounded_channel();
        let log = AccessLog::open(setup.log.as_ref(), None).unwrap();
        let shared = Arc::new(Shared::new(snapshot, sender, log, 2));
        let worker = spawn(0, Arc::clone(&shared), Ticks::default().worker("worker-0")).unwrap();
        let protocol = if setup.tls.is_some() && !setup.in_clear { Protocol::Https } else { Protocol::Http };
        let door = Door { name: "http".into(), protocol, http2: setup.http2, proxies: setup.proxies.clone() };
        let listening = Listening { door: Arc::new(door), socket };
        worker.commands.send(Command::Listen(vec![listening])).unwrap();
        Proxy { address, shared, worker: Some(worker), reports, waiting, setup, backends: backends.to_vec() }
    }

    /// Swaps in a snapshot after `change`.
    pub fn swap(&mut self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.setup);
        let generation = self.shared.snapshot.load().generation + 1;
        let mut snapshot = make_snapshot(generation, &self.setup, &self.backends, &self.waiting);
        let last = self.shared.snapshot.load_full();
        for (new, old) in snapshot.services[0].backends.iter_mut().zip(&last.services[0].backends) {
            new.counters = Arc::clone(&old.counters);
            new.slots = self.setup.max_connections.map(|most| Slots::new(most, old.slots.as_ref()));
        }
        if let (Some(new), Some(old)) = (&mut snapshot.services[0].queue, &last.services[0].queue) {
            new.queue = Arc::clone(&old.queue);
        }
        self.shared.snapshot.store(Arc::new(snapshot));
        self.shared.changed.send(generation).unwrap();
    }

    /// A second worker beside the first, with an address of its own.
    pub fn second_worker(&self) -> (Worker, SocketAddr) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let worker = spawn(1, Arc::clone(&self.shared), Ticks::default().worker("worker-1")).unwrap();
        let door = Door { name: "http".into(), protocol: Protocol::Http, http2: true, proxies: None };
        let listening = Listening { door: Arc::new(door), socket };
        worker.commands.send(Command::Listen(vec![listening])).unwrap();
        (worker, address)
    }

    /// A client's connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client's connection from another of this machine's addresses.
    pub fn connect_from(&self, source: [u8; 4]) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        Client::new(socket.into())
    }

    /// Waits until so many connections are open.
    pub fn holds(&self, connections: usize) {
        let open = || self.shared.admission.connections();
        eventually(&format!("{connections} connections are open, not {}", open()), || open() == connections);
    }

    /// Sends one request on a new connection and gives the response.
    pub fn ask(&self, request: &str) -> Response {
        let mut client = self.connect();
        client.send(request);
        client.response()
    }

    /// This worker's counts of the backend at this place.
    pub fn running(&self, backend: usize) -> u64 {
        self.shared.snapshot.load().services[0].backends[backend].running()
    }

    /// Requests whose cookie named a backend.
    pub fn requests_by_cookie(&self, backend: usize) -> u64 {
        self.shared.snapshot.load().services[0].backends[backend].requests_by_cookie()
    }

    pub fn drain(&self) {
        self.worker.as_ref().unwrap().commands.send(Command::Drain).unwrap();
    }

    /// Waits for the worker's thread to end.
    pub fn join(&mut self) {
        let worker = self.worker.take().unwrap();
        eventually("the worker's thread ends", || worker.thread.is_finished());
        worker.thread.join().unwrap();
    }
}

fn make_snapshot(generation: u64, setup: &Setup, backends: &[SocketAddr], waiting: &Arc<AtomicUsize>) -> Snapshot {
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: None,
        interval: setup.fast_interval * 4,
        fast_interval: setup.fast_interval,
        timeout: Duration::from_secs(60),
        rise: 2,
        fall: 3,
    };
    let backends = backends.iter().enumerate().map(|(index, address)| Backend {
        name: format!("web{index}").into(),
        address: *address,
        weight: 100,
        backup: setup.latch.is_some() && index > 0,
        verdict: setup.verdicts.get(index).copied().unwrap_or(Verdict::Up),
        proof: setup.proofs.get(index).cloned().unwrap_or_default(),
        operator: OperatorState::Ready,
        up_since: setup.up_since.get(index).copied().flatten(),
        own_fields: setup.own_fields.clone(),
        slots: setup.max_connections.map(|most| Slots::new(most, None)),
        target: Arc::new(Target { address: *address, check: check.clone() }),
        counters: (0..1).map(|_| Default::default()).collect(),
    });
    let cookie = || Arc::new(polder::proxy::choose::cookie::Cookie::address("polder-www"));
    let mode = match setup.latch {
        Some(latch) => ServiceMode::Latched { cookie: cookie(), latch },
        None if setup.sticky => ServiceMode::Sticky { cookie: cookie() },
        None => ServiceMode::Stateless,
    };
    let front = Front {
        name: "www".into(),
        over_tls: setup.over_tls,
        https: setup.https.clone(),
        edge: setup.edge.clone(),
        pages: None,
        target: FrontTarget::Backends(0),
    };
    let service = Service {
        name: "www".into(),
        pass_fields: Default::default(),
        mode,
        balance: setup.balance,
        backend_version: setup.backend_version,
        backend_tls: setup.backend_tls.clone(),
        send_proxy: setup.send_proxy,
        connections: setup.connections,
        retry_budget: setup.connections.retry.budget.map(|_| Arc::default()),
        queue: setup.max_connections.map(|_| ServiceQueue { queue: Arc::default(), config: setup.queue }),
        slow_start: setup.slow_start,
        backends: backends.collect(),
        verdict_bound: setup.verdict_bound,
        hold_bound: setup.hold_bound,
        fence: Default::default(),
        stays: Default::default(),
        waiting: Arc::clone(waiting),
    };
    Snapshot {
        generation,
        ready: true,
        draining: false,
        peers: Proof::default(),
        router: Router::new([(HostPattern::Exact("www.test".into()), "/".into(), 0)]),
        fronts: [front].into(),
        counted: [ServiceCounters::of_workers(1)].into(),
        services: vec![service],
        challenges: Default::default(),
        settings: Arc::new(Settings {
            capacity: Capacity::unbounded(&setup.limits),
            timeouts: setup.timeouts.clone(),
            limits: setup.limits.clone(),
            trusted_proxies: setup.trusted.clone(),
            via: Some("px-1".into()),
            request_id: None,
            names_visitors: setup.send_proxy.is_some(),
            tls: setup.tls.clone(),
        }),
    }
}

/// A client on a bare socket, or on what is over one.
pub struct Client<S = TcpStream> {
    pub stream: S,
}

/// A response taken apart.
#[derive(Debug)]
pub struct Response {
    pub head: String,
    pub body: Vec<u8>,
    pub trailers: String,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }
}

/// The value of a field of a head.
pub fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        Client::new(TcpStream::connect(address).unwrap())
    }

    fn new(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Goes away so that the proxy is told: with a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Sends no more.
    pub fn close_half(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Sends a body of many records twice, and gets the same back.
    pub fn assert_echoes(&mut self, length: usize) {
        let body: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        for _ in 0..2 {
            self.send(&format!("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: {length}\r\n\r\n"));
            self.stream.write_all(&body).unwrap();
            assert!(self.response().body == body, "the body is another one");
        }
    }

    /// The next response to a request that is not HEAD.
    pub fn response(&mut self) -> Response {
        let head = self.head();
        let status: u16 = head[9..12].parse().unwrap();
        let (mut body, mut trailers) = (Vec::new(), String::new());
        if status < 200 || status == 204 || status == 304 {
        } else if let Some(length) = field(&head, "content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.stream.read_exact(&mut body).unwrap();
        } else if field(&head, "transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(self.line().trim_end(), 16).unwrap();
                if size == 0 {
                    break;
                }
                let at = body.len();
                body.resize(at + size, 0);
                self.stream.read_exact(&mut body[at..]).unwrap();
                assert_eq!(self.line(), "\r\n");
            }
            loop {
                match self.line() {
                    line if line == "\r\n" => break,
                    line => trailers.push_str(&line),
                }
            }
        } else {
            self.stream.read_to_end(&mut body).unwrap();
        }
        Response { head, body, trailers }
    }

    /// The next head alone.
    pub fn head(&mut self) -> String {
        read_head(&mut self.stream).expect("a response before the connection ends")
    }

    fn line(&mut self) -> String {
        read_line(&mut self.stream)
    }

    /// All that comes until the end of the connection, however it ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// The connection ends without another byte.
    pub fn assert_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }
}

/// One line with its end.
pub fn read_line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

/// Waits for something to become true.
pub fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A plain GET.
pub const GET: &str = "GET /page?x=1 HTTP/1.1\r\nHost: www.test\r\n\r\n";
