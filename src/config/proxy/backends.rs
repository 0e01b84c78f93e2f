//! The backends of a service and how one is chosen.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::connections::{self, ConnectionsConfig};
use super::context::Context;
use super::mode::{self, Mode, Ranks};
use super::queue::{self, QueueConfig};
use crate::config::backend_protocol::{self, BackendProtocol};
use crate::config::check::{self, CheckConfig, CheckOf};
use crate::config::distinct::Distinct;
use crate::config::host_pattern::HostPattern;
use crate::config::reader::{Keys, Location, Object, Read, Value};
use crate::config::{address, defaults, names};

/// The backends of a service and how one is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendsConfig {
    /// Stateless, sticky or latched.
    pub mode: Mode,
    /// How requests that no cookie and no latch binds are spread. Default round-robin.
    pub balance: Balance,
    /// How they are spoken to.
    pub protocol: BackendProtocol,
    /// How connections to them are used.
    pub connections: ConnectionsConfig,
    /// How requests queue for backends that have `max_connections`.
    pub queue: QueueConfig,
    /// In which time the weight of a backend that has come up grows to what it is; none: at once.
    pub slow_start: Option<Duration>,
    /// Never empty; names distinct, addresses distinct. At least one is not a backup.
    pub backends: Vec<BackendConfig>,
    /// How they are probed.
    pub check: CheckConfig,
}

/// How requests are spread over the usable primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Weighted and smooth.
    RoundRobin,
    /// Fewest running requests for its weight.
    LeastConnections,
    /// The less loaded of two drawn at random by weight.
    RandomTwoChoices,
}

/// One webserver address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConfig {
    /// Its name within the service.
    pub name: String,
    /// The address and port to connect to.
    pub address: SocketAddr,
    /// Its share, 0 to 1000; 0 gets only requests that name it. Default 100.
    pub weight: u32,
    /// Used only when no primary can be.
    pub backup: bool,
    /// Requests that it gets at once, 1 to 1000000; none: as many as come.
    pub max_connections: Option<usize>,
}

/// Backends of one service at most.
const MOST_BACKENDS: usize = 128;
const MOST_WEIGHT: u32 = 1000;
const SLOW_START: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;

/// The keys of a backend.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.backends[]", names: &["address", "backup", "max_connections", "name", "weight"] };

/// Reads what the service `name`, whose key stands at `location`, says of its backends; `hosts` as far as they could be read.
pub(super) fn read<'a>(
    name: &str,
    location: &Location<'a>,
    service: &Object<'a>,
    hosts: Option<&[HostPattern]>,
    context: &mut Context<'a>,
) -> Read<BackendsConfig> {
    let backends = service.required("backends", |value| read_backends(value, &context.listeners));
    let mode = mode::read(name, location, service, backends.as_deref().ok().map(ranks), hosts, context);
    let balance = service.with_default("balance", Balance::RoundRobin, |value| {
        value.one_of(&[
            ("round-robin", Balance::RoundRobin),
            ("least-connections", Balance::LeastConnections),
            ("random-two-choices", Balance::RandomTwoChoices),
        ])
    });
    let any_bounded = backends.iter().flatten().any(|backend| backend.max_connections.is_some());
    let queue = queue::read(service, any_bounded || backends.is_err());
    let fits = if matches!(mode, Ok(Mode::Latched { .. })) { refuse_with_latch(service) } else { Ok(()) };
    let slow_start = service.optional("slow_start", |value| value.duration(SLOW_START));
    let protocol = backend_protocol::read(service);
    let spoken = protocol.as_ref().ok();
    let connections = connections::read(service, spoken.is_some_and(|protocol| protocol.send_proxy.is_some()));
    let default = CheckConfig { protocol: spoken.cloned().unwrap_or_default(), ..check::backend_default() };
    let check = service.with_default("check", default, |value| check::read(value, CheckOf::Backend, spoken));
    fits?;
    Ok(BackendsConfig {
        mode: mode?,
        balance: balance?,
        protocol: protocol?,
        connections: connections?,
        queue: queue?,
        slow_start: slow_start?,
        backends: backends?,
        check: check?,
    })
}

/// A service with permanent failover has one backend at a time, which gets all.
fn refuse_with_latch(service: &Object<'_>) -> Read<()> {
    service.refuse(&["hedge_after", "slow_start"], "with permanent failover, where one backend gets all requests")
}

fn ranks(backends: &[BackendConfig]) -> Ranks {
    let backups = backends.iter().filter(|backend| backend.backup).count();
    Ranks { primaries: backends.len() - backups, backups }
}

fn read_backends(value: &Value<'_>, listeners: &[SocketAddr]) -> Read<Vec<BackendConfig>> {
    let (mut backend_names, mut addresses) = (Distinct::default(), Distinct::default());
    let backends =
        value.list("backends", |value| read_backend(value, listeners, &mut backend_names, &mut addresses))?;
    value.at_least_one("backend")?;
    if backends.len() > MOST_BACKENDS {
        return Err(value.fault(format!("has {} backends: at most {MOST_BACKENDS} make a service", backends.len())));
    }
    let mut primaries = backends.iter().filter(|backend| !backend.backup).peekable();
    if primaries.peek().is_none() {
        return Err(value.fault("every backend is a backup: one must be a primary"));
    }
    match primaries.all(|primary| primary.weight == 0) {
        true => Err(value.fault("every primary has weight 0: no new visitor could be sent anywhere")),
        false => Ok(backends),
    }
}

fn read_backend<'a>(
    value: &Value<'a>,
    listeners: &[SocketAddr],
    backend_names: &mut Distinct<'a, String>,
    addresses: &mut Distinct<'a, SocketAddr>,
) -> Read<BackendConfig> {
    let backend = value.object(&KEYS)?;
    let name = backend.required("name", |value| backend_names.claim_parsed(value, "a name", names::name));
    let address =
        backend.required("address", |value| {
            let address = addresses.claim_parsed(value, "an address and port", address::dial)?;
            match listeners.contains(&address) {
                true => Err(value
                    .fault(format!("{address} is one of this proxy's own listeners: requests would go in circles"))),
                false => Ok(address),
            }
        });
    let weight = backend.with_default("weight", defaults::WEIGHT, |value| value.integer(0..=MOST_WEIGHT));
    let backup = backend.with_default("backup", false, |value| value.boolean());
    let max_connections = backend.optional("max_connections", |value| value.integer(CONNECTIONS));
    Ok(BackendConfig {
        name: name?,
        address: address?,
        weight: weight?,
        backup: backup?,
        max_connections: max_connections?,
    })
}
