//! `rate_limit` of a service: how many requests it takes.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::address;
use crate::config::invalid::Invalid;
use crate::config::reader::{Keys, Object, Read, Value};

/// `rate_limit` of a service. Each proxy counts alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Of the requests of one client network.
    pub client: Option<ClientRateConfig>,
    /// Of all requests of the service together.
    pub service: Option<RateConfig>,
}

/// So many requests in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Requests, at least 1.
    pub requests: u32,
    /// In this time.
    pub per: Duration,
    /// Requests that may come at once after a quiet while. Default: those of one second, at least 1.
    pub burst: u32,
}

/// The rate of each client network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRateConfig {
    /// What each may ask.
    pub rate: RateConfig,
    /// Bits of an IPv4 address that make a network. Default 32.
    pub prefix4: u8,
    /// The same of an IPv6 address. Default 64: what one visitor is given at least.
    pub prefix6: u8,
    /// Networks that are remembered at a time, 8 bytes each. Default 65536.
    pub entries: usize,
    /// Clients that are not limited. Their requests count for the service.
    pub exempt: Vec<IpNet>,
}

/// The keys of `rate_limit`.
pub(super) const KEYS: Keys = Keys { object: "services.NAME.rate_limit", names: &["client", "service"] };

/// The keys of `rate_limit.client`.
pub(super) const CLIENT: Keys = Keys {
    object: "services.NAME.rate_limit.client",
    names: &["burst", "entries", "exempt", "prefix4", "prefix6", "rate"],
};

/// The keys of `rate_limit.service`.
pub(super) const SERVICE: Keys = Keys { object: "services.NAME.rate_limit.service", names: &["burst", "rate"] };

/// The most that one second may allow: with more, a whole number of ticks no longer tells one rate from the next.
const MOST_PER_SECOND: u32 = 100_000;
const BURST: RangeInclusive<u32> = 1..=1_000_000;
const PREFIX4: RangeInclusive<u8> = 8..=32;
/// A network within a /64 would be an address that a visitor can choose anew for each request.
const PREFIX6: RangeInclusive<u8> = 16..=64;
/// 64 bytes to 128 MiB.
const ENTRIES: RangeInclusive<usize> = 8..=16_777_216;
const DEFAULT_ENTRIES: usize = 65_536;
/// The longest time in which a burst that was used up is whole again.
const LONGEST_RECOVERY: Duration = Duration::from_secs(86_400);

const RATE: &str = "a rate, like \"20/s\", \"300/m\" or \"5000/h\"";

/// Reads what a service says of it.
pub(super) fn read(service: &Object<'_>) -> Read<Option<RateLimitConfig>> {
    service.optional("rate_limit", |value| {
        let limit = value.object(&KEYS)?;
        let client = limit.optional("client", read_client);
        let service = limit.optional("service", |value| read_rate(&value.object(&SERVICE)?));
        let (client, service) = (client?, service?);
        if client.is_none() && service.is_none() {
            return Err(value.fault("limits nothing: expected client, service, or both"));
        }
        Ok(RateLimitConfig { client, service })
    })
}

fn read_client(value: &Value<'_>) -> Read<ClientRateConfig> {
    let client = value.object(&CLIENT)?;
    let rate = read_rate(&client);
    let prefix4 = client.with_default("prefix4", *PREFIX4.end(), |value| value.integer(PREFIX4));
    let prefix6 = client.with_default("prefix6", *PREFIX6.end(), |value| value.integer(PREFIX6));
    let entries = client.with_default("entries", DEFAULT_ENTRIES, |value| value.integer(ENTRIES));
    let exempt = client.with_default("exempt", Vec::new(), |value| {
        value.list("networks", |value| value.parsed("a network, like \"192.0.2.0/24\"", address::network))
    });
    Ok(ClientRateConfig { rate: rate?, prefix4: prefix4?, prefix6: prefix6?, entries: entries?, exempt: exempt? })
}

fn read_rate(object: &Object<'_>) -> Read<RateConfig> {
    let rate = object.required("rate", |value| value.parsed(RATE, parse));
    let burst = object.optional("burst", |value| {
        let burst = value.integer(BURST)?;
        match rate.map(|rate| RateConfig { burst, ..rate }.recovery() > LONGEST_RECOVERY) {
            Ok(true) => Err(value.fault(
                "takes more than a day to be whole again at this rate: expected a smaller burst, or a higher rate",
            )),
            Ok(false) => Ok(burst),
            Err(reported) => Err(reported),
        }
    });
    let (rate, burst) = (rate?, burst?);
    Ok(RateConfig { burst: burst.unwrap_or(rate.burst), ..rate })
}

impl RateConfig {
    /// The time in which a burst that was used up is whole again.
    pub fn recovery(&self) -> Duration {
        self.per.mul_f64(f64::from(self.burst) / f64::from(self.requests))
    }
}

impl fmt::Display for RateConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        write!(f, "{}/{unit}, {} at once", self.requests, self.burst)
    }
}

/// A rate with the burst that it has where none is said.
fn parse(text: &str) -> Result<RateConfig, Invalid> {
    let unexpected = || Invalid::new(text, format!("is not {RATE}"));
    let (requests, unit) = text.split_once('/').ok_or_else(unexpected)?;
    let seconds: u32 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(unexpected()),
    };
    if requests.is_empty() || !requests.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unexpected());
    }
    let most = MOST_PER_SECOND * seconds;
    match requests.parse() {
        Ok(0) => Err(Invalid::new(text, "would let no request pass: expected at least 1")),
        Ok(requests) if requests <= most => {
            let per = Duration::from_secs(seconds.into());
            Ok(RateConfig { requests, per, burst: requests.div_ceil(seconds) })
        }
        _ => Err(Invalid::new(text, format!("is more than can be counted: expected at most {most}/{unit}"))),
    }
}
