//! What a document means where it says nothing: every default, with its reason.
//!
//! docs/documents.md lists them beside their keys, and a test holds the two to each other. The fleet's Nix options have no
//! defaults of their own for these: what is not set there is left out of the document.

use std::time::Duration;

/// TTL of a pool's addresses, in seconds: what a visitor's resolver may still use of a proxy that is gone. Five minutes
/// keep the load of queries low; browsers try the next address of an answer meanwhile.
pub const POOL_TTL: u32 = 300;

/// From how many members of a pool on those that are near to a client are answered alone.
pub const NEARBY_AT_LEAST: usize = 2;

/// For how long a nameserver that has lost sight of every member, and of its peers, goes on with its last answer. A router that is
/// restarted, or a provider's short outage, is over by then.
pub const KEEP_ANSWER: Duration = Duration::from_secs(600);

/// Time between two probes of a settled target, as HAProxy's `inter`.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How long a probe may take: a backend that needs longer for its health page keeps visitors waiting too.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Consecutive successes that bring a target up, as HAProxy's `rise`.
pub const RISE: u32 = 2;

/// Consecutive failures that take a target down, as HAProxy's `fall`.
pub const FALL: u32 = 3;

/// The path that a backend is asked for: every webserver has one.
pub const BACKEND_CHECK_PATH: &str = "/";

/// The path that a pool's member is asked for: every proxy answers it before it routes.
pub const MEMBER_CHECK_PATH: &str = "/.polder/ready";

/// Statuses that count as success: redirects too, which many sites answer `/` with.
pub const EXPECT: (u16, u16) = (200, 399);

/// Time between two probes of a target in transition: a quarter of the interval, in whole milliseconds.
pub fn fast_interval(interval: Duration) -> Duration {
    Duration::from_millis(u64::try_from(interval.as_millis() / 4).unwrap_or(u64::MAX))
}

/// Share of a backend; any number that leaves room on both sides.
pub const WEIGHT: u32 = 100;

/// How long the active backend of a latch may take to come up after a cold start: webservers start within seconds.
pub const START_GRACE: Duration = Duration::from_secs(10);

/// How long running requests may finish when an operator says failover: as long as new ones can wait without harm.
pub const FAILOVER_DRAIN: Duration = Duration::from_secs(5);

/// How long a stopping nameserver goes on answering on open TCP connections: resolvers close theirs within seconds.
pub const DNS_DRAIN: Duration = Duration::from_secs(5);

/// For how long a signature of a zone is good (`dnssec`): two weeks, so that five days are left when it is made anew, more than a long weekend on
/// which nobody looks. The longer it is, the longer an answer that is true no more can be played back by somebody else.
pub const SIGNATURE_LIFETIME: Duration = Duration::from_secs(14 * 86_400);

/// `timeouts` of `proxy.json`.
pub mod timeouts {
    use std::time::Duration;

    /// A browser sends its head at once; ten seconds bear a bad line.
    pub const REQUEST_HEAD: Duration = Duration::from_secs(10);
    /// A proxy sends its header at once. But a lost packet is sent again after one second and after three (the specification of the PROXY
    /// protocol wants three at least).
    pub const PROXY_PROTOCOL: Duration = Duration::from_secs(5);
    /// Two round trips and some arithmetic; ten seconds bear a bad line.
    pub const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
    /// Between two reads or writes of a body: a mobile network may be gone for so long.
    pub const BODY_IDLE: Duration = Duration::from_secs(30);
    /// To a backend in the same network, which answers within milliseconds. But a lost SYN is sent again after one second and after
    /// three.
    pub const CONNECT: Duration = Duration::from_secs(4);
    /// The slowest page that a visitor still waits for.
    pub const RESPONSE_HEAD: Duration = Duration::from_secs(60);
    /// Between two requests of a visitor who reads.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(60);
    /// Below the keep-alive of common webservers (nginx: 75 s), so that we are the side that closes.
    pub const BACKEND_KEEP_ALIVE: Duration = Duration::from_secs(30);
    /// Tunnels are idle by nature; their own protocols have heartbeats.
    pub const TUNNEL_IDLE: Duration = Duration::from_secs(3600);
    /// A large download ends or is resumed.
    pub const DRAIN: Duration = Duration::from_secs(30);
}

/// `limits` of `proxy.json`.
pub mod limits {
    /// Bytes: twice what common servers take (nginx and Apache: 8 KiB).
    pub const REQUEST_HEAD: usize = 16_384;
    /// An encoder takes up to 2 MB for as long as its visitor takes to read.
    pub const COMPRESSIONS: usize = 256;
    /// As Apache's `LimitRequestFields`.
    pub const REQUEST_HEADERS: usize = 100;
    /// Bytes: backends set large cookies and policies.
    pub const RESPONSE_HEAD: usize = 65_536;
    /// At some 20 KiB each they take 400 MiB.
    pub const CONNECTIONS: usize = 20_000;
    /// Requests that wait for a verdict hold a connection each.
    pub const WAITING: usize = 1000;
    /// The first, and three more as HAProxy's `retries`.
    pub const TRIES: u32 = 4;
    /// As many as the streams of ten visitors of HTTP/2. What is not needed of it is let go of soon (src/proxy/traffic/upstream/resting.rs).
    pub const IDLE_PER_BACKEND: usize = 1000;

    /// What one address may have of all connections: a quarter, but 64 where that is less. A browser opens six to a host, the
    /// gateway of an office or of a mobile network thousands.
    pub fn connections_per_address(connections: usize) -> usize {
        (connections / 4).max(64)
    }

    /// Handshakes of TLS that may be under way: a quarter of all connections, but 64 where that is less. One takes a visitor some tenths
    /// of a second; what is left belongs to those who have had theirs.
    pub fn tls_handshakes(connections: usize) -> usize {
        (connections / 4).max(64)
    }
}

/// `tcp` of `dns.json`.
pub mod tcp {
    use std::time::Duration;

    /// Connections at a time: resolvers come over TCP for few answers.
    pub const CONNECTIONS: usize = 1000;
    /// A large resolver opens several at a time (RFC 7766, 6.2.2, asks servers for a cap).
    pub const CONNECTIONS_PER_ADDRESS: usize = 50;
    /// "A few seconds" (RFC 7766, 6.2.3).
    pub const IDLE: Duration = Duration::from_secs(10);
}

/// `encrypted` of `dns.json`.
pub mod encrypted {
    use std::time::Duration;

    /// As many as over plain TCP ([`super::tcp::CONNECTIONS`]).
    pub const CONNECTIONS: usize = 1000;
    /// A large resolver opens several at a time; fewer than over plain TCP do, since each carries many queries at once.
    pub const CONNECTIONS_PER_ADDRESS: usize = 50;
    /// Longer than over plain TCP: what a handshake costs both sides is to be of use for more than one query (RFC 9250, 5.5.1).
    pub const IDLE: Duration = Duration::from_secs(30);
    /// As RFC 9113, 6.5.2, recommends for HTTP/2.
    pub const STREAMS: u32 = 100;
    /// What everybody else has (RFC 8484, 4.1.1, has it in its examples).
    pub const PATH: &str = "/dns-query";
}

/// `rate_limit` of `dns.json`.
pub mod rate_limit {
    use std::time::Duration;

    /// As NSD's. A resolver asks for a name once per TTL, whatever its own clients do. So even a thousand caches behind one
    /// network that ask for a pool's name with a TTL of 5 s stay at the limit, and at the default TTL of 300 s they come to
    /// 4 a second. A victim of forged queries, on the other hand, gets at most 200 answers a second for each name, and
    /// then one small one for every second query.
    pub const RESPONSES_PER_SECOND: u32 = 200;
    /// As BIND's.
    pub const WINDOW: Duration = Duration::from_secs(15);
    /// As BIND's and NSD's.
    pub const SLIP: u32 = 2;
    /// As BIND's and NSD's: the smallest network that is routed.
    pub const IPV4_PREFIX: u8 = 24;
    /// What a customer gets.
    pub const IPV6_PREFIX: u8 = 56;
}
