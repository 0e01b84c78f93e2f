//! How a service treats state: `mode`, `failover`, and what says how a latch moves.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::context::Context;
use super::cookie::{self, CookieConfig};
use crate::config::defaults;
use crate::config::host_pattern::HostPattern;
use crate::config::reader::{Location, Object, Read};

/// How a service treats state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// `"mode": "stateless"`: any backend will do, no cookie.
    Stateless,
    /// `"mode": "stateful", "failover": "automatic"`: the cookie keeps a visitor on one of several primaries.
    Sticky {
        /// The cookie that names the backend.
        cookie: CookieConfig,
    },
    /// `"mode": "stateful", "failover": "permanent"`: one active backend at a time, named by the latch.
    Latched {
        /// The cookie that names the backend.
        cookie: CookieConfig,
        /// How the latch moves.
        latch: LatchConfig,
    },
}

/// What the document says of a service's latch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatchConfig {
    /// How long the active backend has to come up after a cold start. Default 10 s.
    pub start_grace: Duration,
    /// Whether a backend that was failed away from may serve when nothing else is up. Default true.
    pub last_resort: bool,
    /// How long running requests may finish when an operator says failover. Default 5 s.
    pub failover_drain: Duration,
    /// What a proxy does that has had no word from the store of `agreement` for the time of its lease. Default stop.
    pub without_agreement: WithoutAgreement,
}

/// What a proxy does with a service on whose latch it cannot agree with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutAgreement {
    /// `stop`: answers 503, since another proxy may serve another backend. For backends that share no state.
    #[default]
    Stop,
    /// `keep`: serves the backend that was active last, and never moves.
    Keep,
}

impl Default for LatchConfig {
    fn default() -> LatchConfig {
        LatchConfig {
            start_grace: defaults::START_GRACE,
            last_resort: true,
            failover_drain: defaults::FAILOVER_DRAIN,
            without_agreement: WithoutAgreement::default(),
        }
    }
}

/// Zero of either: no waiting.
const GRACE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

const STATEFUL_KEYS: [&str; 6] =
    ["cookie", "failover", "start_grace", "last_resort", "failover_drain", "without_agreement"];
const LATCH_KEYS: [&str; 4] = ["start_grace", "last_resort", "failover_drain", "without_agreement"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Stateless,
    Stateful,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Failover {
    Permanent,
    Automatic,
}

/// How many backends of a service are primaries, and how many are marked as backups.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ranks {
    /// Those that are no backups.
    pub(super) primaries: usize,
    /// Those marked `"backup": true`.
    pub(super) backups: usize,
}

/// Reads the mode of a service; `ranks` and `hosts` as far as they could be read.
pub(super) fn read<'a>(
    name: &str,
    location: &Location<'a>,
    service: &Object<'a>,
    ranks: Option<Ranks>,
    hosts: Option<&[HostPattern]>,
    context: &mut Context<'a>,
) -> Read<Mode> {
    let stated = service
        .required("mode", |value| value.one_of(&[("stateless", Stated::Stateless), ("stateful", Stated::Stateful)]))?;
    if stated == Stated::Stateless {
        service.refuse(&STATEFUL_KEYS, "in a stateless service")?;
        return Ok(Mode::Stateless);
    }
    let cookie = cookie::read(name, location, service, hosts, &mut context.cookies);
    let failover = read_failover(service, ranks);
    let latch = match failover {
        Ok(Failover::Automatic) => {
            service.refuse(&LATCH_KEYS, "where failover is automatic").map(|()| LatchConfig::default())
        }
        _ => read_latch(service),
    };
    let (cookie, latch) = (cookie?, latch?);
    match failover? {
        Failover::Permanent => Ok(Mode::Latched { cookie, latch }),
        Failover::Automatic => Ok(Mode::Sticky { cookie }),
    }
}

/// `failover` as it is stated, or permanent where there is a backup; and whether the backends fit it.
fn read_failover(service: &Object<'_>, ranks: Option<Ranks>) -> Read<Failover> {
    let stated = service.optional("failover", |value| {
        value.one_of(&[("permanent", Failover::Permanent), ("automatic", Failover::Automatic)])
    })?;
    let Ranks { primaries, backups } = ranks.unwrap_or_default();
    let failover = stated.unwrap_or(if backups > 0 { Failover::Permanent } else { Failover::Automatic });
    let location = service.get("failover").map_or_else(|| service.location.clone(), |value| value.location);
    if ranks.is_some() && failover == Failover::Permanent && backups == 0 {
        return Err(location.fault("permanent failover needs a backup: mark a backend with \"backup\": true"));
    }
    if failover == Failover::Permanent && primaries > 1 {
        return Err(location.fault(format!(
            "permanent failover has one primary and ordered backups, found {primaries} primaries: mark all but one with \
             \"backup\": true, or write \"failover\": \"automatic\""
        )));
    }
    Ok(failover)
}

fn read_latch(service: &Object<'_>) -> Read<LatchConfig> {
    let default = LatchConfig::default();
    let start_grace = service.with_default("start_grace", default.start_grace, |value| value.duration(GRACE));
    let last_resort = service.with_default("last_resort", default.last_resort, |value| value.boolean());
    let failover_drain = service.with_default("failover_drain", default.failover_drain, |value| value.duration(GRACE));
    let without_agreement = service.with_default("without_agreement", default.without_agreement, |value| {
        value.one_of(&[("stop", WithoutAgreement::Stop), ("keep", WithoutAgreement::Keep)])
    });
    Ok(LatchConfig {
        start_grace: start_grace?,
        last_resort: last_resort?,
        failover_drain: failover_drain?,
        without_agreement: without_agreement?,
    })
}
