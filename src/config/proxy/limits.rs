//! `timeouts` and `limits` of `proxy.json`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{Keys, Read, Value};

/// The most header fields that a head may have, a request's or a response's.
pub const MOST_FIELDS: usize = 1000;

/// `timeouts`. Each has its own code in the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutsConfig {
    /// From the first byte of a request's head to its last. Default 10 s.
    pub request_head: Duration,
    /// From a connection to a listener with `proxy_protocol` to the end of its header. Default 5 s.
    pub proxy_protocol: Duration,
    /// From a connection to a listener of https to the end of the handshake. Default 10 s.
    pub tls_handshake: Duration,
    /// Between two reads (or two writes) of a body, either way. Default 30 s.
    pub body_idle: Duration,
    /// To open a connection to a backend. Default 4 s.
    pub connect: Duration,
    /// From the request sent to the end of the response's head. Default 60 s.
    pub response_head: Duration,
    /// Of a client's connection between two requests. Default 60 s.
    pub keep_alive: Duration,
    /// Of a pooled connection to a backend. Default 30 s.
    pub backend_keep_alive: Duration,
    /// Of a tunnel (an upgraded connection), without a byte either way. Default 1 h.
    pub tunnel_idle: Duration,
    /// Of the whole drain after SIGTERM or a takeover. Default 30 s.
    pub drain: Duration,
}

/// `limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Bytes of a request's head, request line included. Default 16384.
    pub request_head: usize,
    /// Header fields of a request. Default 100.
    pub request_headers: usize,
    /// Bytes of a response's head. Default 65536.
    pub response_head: usize,
    /// Clients' connections at a time, over all workers. Without it 20000, or as many as the limit of open files leaves.
    pub connections: Option<usize>,
    /// The same from one address (an IPv6 /64 counts as one; `trusted_proxies` are not counted). Without it
    /// a quarter of `connections`, at least 64.
    pub connections_per_address: Option<usize>,
    /// Handshakes of TLS under way at a time, over all workers, of which each has its part. Without it a quarter of `connections`, at
    /// least 64.
    pub tls_handshakes: Option<usize>,
    /// Responses that are compressed at a time, over all workers, of which each has its part; others go as they are. Default 256.
    pub compressions: usize,
    /// Requests of one service that may wait for a verdict at a time, over all workers. Default 1000.
    pub waiting: usize,
    /// Attempts for one request, the first included, where the service says nothing of retries. Default 4.
    pub tries: u32,
    /// Idle connections kept to one backend by one worker. Without it 1000, or as many as the limit of open files leaves;
    /// those beyond 64 that were not needed lately are closed.
    pub idle_per_backend: Option<usize>,
}

impl Default for TimeoutsConfig {
    fn default() -> TimeoutsConfig {
        use crate::config::defaults::timeouts::*;
        TimeoutsConfig {
            request_head: REQUEST_HEAD,
            proxy_protocol: PROXY_PROTOCOL,
            tls_handshake: TLS_HANDSHAKE,
            body_idle: BODY_IDLE,
            connect: CONNECT,
            response_head: RESPONSE_HEAD,
            keep_alive: KEEP_ALIVE,
            backend_keep_alive: BACKEND_KEEP_ALIVE,
            tunnel_idle: TUNNEL_IDLE,
            drain: DRAIN,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        use crate::config::defaults::limits::*;
        LimitsConfig {
            request_head: REQUEST_HEAD,
            request_headers: REQUEST_HEADERS,
            response_head: RESPONSE_HEAD,
            connections: None,
            connections_per_address: None,
            tls_handshakes: None,
            compressions: COMPRESSIONS,
            waiting: WAITING,
            tries: TRIES,
            idle_per_backend: None,
        }
    }
}

/// The keys of `timeouts`.
pub(super) const TIMEOUTS: Keys = Keys {
    object: "timeouts",
    names: &[
        "backend_keep_alive",
        "body_idle",
        "connect",
        "drain",
        "keep_alive",
        "proxy_protocol",
        "request_head",
        "response_head",
        "tls_handshake",
        "tunnel_idle",
    ],
};

/// The keys of `limits`.
pub(super) const LIMITS: Keys = Keys {
    object: "limits",
    names: &[
        "compressions",
        "connections",
        "connections_per_address",
        "idle_per_backend",
        "request_head",
        "request_headers",
        "response_head",
        "tls_handshakes",
        "tries",
        "waiting",
    ],
};

/// Zero would end everything before it began.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);
const TUNNEL_IDLE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(7 * 86_400);
/// Zero is no drain.
const DRAIN: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// The least holds what any browser sends; the most is what one connection may take of the memory.
const HEAD: RangeInclusive<usize> = 1024..=1_048_576;
const HEADERS: RangeInclusive<usize> = 16..=MOST_FIELDS;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
/// Zero: nothing waits, or is compressed.
const WAITING: RangeInclusive<usize> = 0..=1_000_000;
const TRIES: RangeInclusive<u32> = 1..=10;
/// Zero: none is kept.
const IDLE_PER_BACKEND: RangeInclusive<usize> = 0..=10_000;

pub(super) fn read_timeouts(value: &Value<'_>) -> Read<TimeoutsConfig> {
    let default = TimeoutsConfig::default();
    let timeouts = value.object(&TIMEOUTS)?;
    let read = |key, default, range| timeouts.with_default(key, default, |value| value.duration(range));
    let request_head = read("request_head", default.request_head, TIMEOUT);
    let proxy_protocol = read("proxy_protocol", default.proxy_protocol, TIMEOUT);
    let tls_handshake = read("tls_handshake", default.tls_handshake, TIMEOUT);
    let body_idle = read("body_idle", default.body_idle, TIMEOUT);
    let connect = read("connect", default.connect, TIMEOUT);
    let response_head = read("response_head", default.response_head, TIMEOUT);
    let keep_alive = read("keep_alive", default.keep_alive, TIMEOUT);
    let backend_keep_alive = read("backend_keep_alive", default.backend_keep_alive, TIMEOUT);
    let tunnel_idle = read("tunnel_idle", default.tunnel_idle, TUNNEL_IDLE);
    let drain = read("drain", default.drain, DRAIN);
    Ok(TimeoutsConfig {
        request_head: request_head?,
        proxy_protocol: proxy_protocol?,
        tls_handshake: tls_handshake?,
        body_idle: body_idle?,
        connect: connect?,
        response_head: response_head?,
        keep_alive: keep_alive?,
        backend_keep_alive: backend_keep_alive?,
        tunnel_idle: tunnel_idle?,
        drain: drain?,
    })
}

pub(super) fn read_limits(value: &Value<'_>) -> Read<LimitsConfig> {
    let default = LimitsConfig::default();
    let limits = value.object(&LIMITS)?;
    let read = |key, default, range| limits.with_default(key, default, |value| value.integer(range));
    let request_head = read("request_head", default.request_head, HEAD);
    let request_headers = read("request_headers", default.request_headers, HEADERS);
    let response_head = read("response_head", default.response_head, HEAD);
    let connections = limits.optional("connections", |value| value.integer(CONNECTIONS));
    let connections_per_address = limits.optional("connections_per_address", |value| value.integer(CONNECTIONS));
    let tls_handshakes = limits.optional("tls_handshakes", |value| value.integer(CONNECTIONS));
    let compressions = read("compressions", default.compressions, WAITING);
    let waiting = read("waiting", default.waiting, WAITING);
    let tries = limits.with_default("tries", default.tries, |value| value.integer(TRIES));
    let idle_per_backend = limits.optional("idle_per_backend", |value| value.integer(IDLE_PER_BACKEND));
    Ok(LimitsConfig {
        request_head: request_head?,
        request_headers: request_headers?,
        response_head: response_head?,
        connections: connections?,
        connections_per_address: connections_per_address?,
        tls_handshakes: tls_handshakes?,
        compressions: compressions?,
        waiting: waiting?,
        tries: tries?,
        idle_per_backend: idle_per_backend?,
    })
}
