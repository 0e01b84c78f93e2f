//! `rate_limit` of `dns.json`.

use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::address;
use crate::config::defaults::rate_limit as defaults;
use crate::config::reader::{Keys, Read, Value};

/// `rate_limit`: response rate limiting over UDP, with the meaning that its names have in BIND (`rate-limit`) and NSD
/// (`rrl-*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Equal responses a second to one network; 0: no limit. Default 200.
    pub responses_per_second: u32,
    /// How far an account can be overdrawn: who goes on at a higher rate is limited until it has been quiet for this long.
    /// Whole seconds. Default 15 s.
    pub window: Duration,
    /// Every so-manyth of the limited responses is sent after all, cut to its question (TC), so that a real resolver
    /// in the network that is being flooded comes back over TCP. 0: none, 1: each. Default 2.
    pub slip: u32,
    /// Bits of an IPv4 address that make a network. Default 24.
    pub ipv4_prefix: u8,
    /// The same of an IPv6 address. Default 56.
    pub ipv6_prefix: u8,
    /// Clients that are never limited.
    pub exempt: Vec<IpNet>,
    /// Count what would be limited, and send it.
    pub log_only: bool,
}

impl Default for RateLimitConfig {
    fn default() -> RateLimitConfig {
        RateLimitConfig {
            responses_per_second: defaults::RESPONSES_PER_SECOND,
            window: defaults::WINDOW,
            slip: defaults::SLIP,
            ipv4_prefix: defaults::IPV4_PREFIX,
            ipv6_prefix: defaults::IPV6_PREFIX,
            exempt: Vec::new(),
            log_only: false,
        }
    }
}

/// The keys of `rate_limit`.
pub(super) const KEYS: Keys = Keys {
    object: "rate_limit",
    names: &["exempt", "ipv4_prefix", "ipv6_prefix", "log_only", "responses_per_second", "slip", "window"],
};

/// With the longest window an account still fits into its 22 bits.
const RATE: RangeInclusive<u32> = 0..=30_000;
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
const SLIP: RangeInclusive<u32> = 0..=10;
const IPV4_PREFIX: RangeInclusive<u8> = 8..=32;
const IPV6_PREFIX: RangeInclusive<u8> = 16..=64;

pub(super) fn read(value: &Value<'_>) -> Read<RateLimitConfig> {
    let default = RateLimitConfig::default();
    let limit = value.object(&KEYS)?;
    let rate = limit.with_default("responses_per_second", default.responses_per_second, |value| value.integer(RATE));
    let window = limit.with_default("window", default.window, read_window);
    let slip = limit.with_default("slip", default.slip, |value| value.integer(SLIP));
    let ipv4_prefix = limit.with_default("ipv4_prefix", default.ipv4_prefix, |value| value.integer(IPV4_PREFIX));
    let ipv6_prefix = limit.with_default("ipv6_prefix", default.ipv6_prefix, |value| value.integer(IPV6_PREFIX));
    let exempt = limit.with_default("exempt", default.exempt, |value| {
        value.list("networks", |value| value.parsed("a network", address::network))
    });
    let log_only = limit.with_default("log_only", default.log_only, |value| value.boolean());
    Ok(RateLimitConfig {
        responses_per_second: rate?,
        window: window?,
        slip: slip?,
        ipv4_prefix: ipv4_prefix?,
        ipv6_prefix: ipv6_prefix?,
        exempt: exempt?,
        log_only: log_only?,
    })
}

fn read_window(value: &Value<'_>) -> Read<Duration> {
    let window = value.duration(WINDOW)?;
    match window.subsec_millis() {
        0 => Ok(window),
        _ => Err(value.fault("accounts are kept by the second: expected whole seconds, like \"15s\"")),
    }
}
