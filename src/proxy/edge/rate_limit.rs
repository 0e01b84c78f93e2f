//! How many requests a service takes: of each client network, and in all (pure).
//!
//! Owns what was counted. Each account is one time, the one at which all that was taken from it is paid for (the generic cell rate
//! algorithm, as ATM and nginx count): a token bucket without a timer, which one atomic number holds. Must never: look at a clock, take
//! a lock, or grow.
//!
//! An own one rather than `governor`: its keyed limiter keeps a map that grows with every address and has to be swept.

mod accounts;
mod pace;

use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::proxy::{ClientRateConfig, RateLimitConfig};
use accounts::Accounts;
use pace::Pace;

/// The rate limit of one service.
#[derive(Debug)]
pub struct RateLimit {
    config: RateLimitConfig,
    client: Option<Pace>,
    service: Option<Pace>,
    /// Made when the first request comes, unless it is there from the last document.
    counted: OnceLock<Arc<Counted>>,
}

/// What has been counted, by all workers. Outlives the document.
#[derive(Debug)]
struct Counted {
    clients: Accounts,
    /// That of the service as a whole.
    service: AtomicU64,
    /// Requests refused, by whose limit.
    refused: [AtomicU64; 2],
}

/// Whose limit a request is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// That of the client's network.
    Client,
    /// That of the service as a whole.
    Service,
}

impl Whose {
    /// Both.
    pub const ALL: [Whose; 2] = [Whose::Client, Whose::Service];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Whose::Client => "client",
            Whose::Service => "service",
        }
    }
}

/// A request comes too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSoon {
    /// Whose limit it is beyond.
    pub whose: Whose,
    /// After this time one more is taken, if no other comes before it.
    pub wait: Duration,
}

impl RateLimit {
    /// One that has counted nothing.
    pub fn new(config: RateLimitConfig) -> RateLimit {
        let client = config.client.as_ref().map(|client| Pace::new(client.rate));
        RateLimit { client, service: config.service.map(Pace::new), config, counted: OnceLock::new() }
    }

    /// Goes on with what was counted under the last document, unless the room for it is another one now. To be called before the first
    /// request.
    pub fn follow(&self, before: &RateLimit) {
        if self.entries() == before.entries() {
            self.counted.get_or_init(|| Arc::clone(before.counted()));
        }
    }

    fn entries(&self) -> usize {
        self.config.client.as_ref().map_or(0, |client| client.entries)
    }

    fn counted(&self) -> &Arc<Counted> {
        self.counted.get_or_init(|| Arc::new(Counted::new(self.entries())))
    }

    /// Counts a request of this client and takes it, or says when to come again. `now`: since the process began, of a clock that never
    /// goes back. What the service as a whole does not take has counted for its client.
    pub fn take(&self, client: IpAddr, now: Duration) -> Result<(), TooSoon> {
        let counted = self.counted();
        let refuse = |whose: Whose| {
            move |wait| {
                counted.refused[whose as usize].fetch_add(1, Relaxed);
                TooSoon { whose, wait }
            }
        };
        if let (Some(pace), Some(config)) = (&self.client, &self.config.client)
            && !config.exempt.iter().any(|network| network.contains(&client))
        {
            counted.clients.take(network(config, client), pace, now).map_err(refuse(Whose::Client))?;
        }
        match &self.service {
            Some(pace) => pace.take_from(&counted.service, now).map_err(refuse(Whose::Service)),
            None => Ok(()),
        }
    }

    /// Requests that were refused by this limit.
    pub fn refused(&self, whose: Whose) -> u64 {
        self.counted.get().map_or(0, |counted| counted.refused[whose as usize].load(Relaxed))
    }
}

impl Counted {
    fn new(entries: usize) -> Counted {
        Counted { clients: Accounts::new(entries), service: AtomicU64::default(), refused: Default::default() }
    }
}

/// A client's network: the bits that make it, and how long addresses of its family are.
fn network(config: &ClientRateConfig, client: IpAddr) -> (u128, u8) {
    let (bits, length, prefix) = match client {
        IpAddr::V4(address) => (u32::from(address).into(), 32, config.prefix4),
        IpAddr::V6(address) => (u128::from(address), 128, config.prefix6),
    };
    (bits.checked_shr(u32::from(length - prefix.min(length))).unwrap_or(0), length)
}

#[cfg(test)]
mod tests;
