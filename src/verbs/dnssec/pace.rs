//! How long things take that a roll waits for.

use std::time::Duration;

use crate::config::duration;
use crate::dnssec::roll::Pace;
use crate::push::error::Error;
use crate::verbs::args::parse_duration;

/// How long things take.
#[derive(Debug, Clone, clap::Args)]
pub struct PaceArgs {
    /// How long resolvers keep the zone's keys: the TTL of its DNSKEY records, or more
    #[arg(long, value_name = "DURATION", value_parser = parse_ttl, default_value = USUAL_TTL, allow_hyphen_values = true)]
    pub ttl: Duration,
    /// How long signatures are valid: `dnssec.lifetime` of the zone, or more
    #[arg(long, value_name = "DURATION", value_parser = |text: &str| parse_within(text, LONGEST_LIFETIME), default_value = "14d", allow_hyphen_values = true)]
    pub lifetime: Duration,
}

/// How long resolvers keep the keys of a zone, if nothing is said.
pub(super) const USUAL_TTL: &str = "1d";

/// The same in seconds.
pub(super) const USUAL_TTL_S: u64 = 86_400;

/// The longest TTL that resolvers keep to (RFC 8767, 4), in days.
const LONGEST_TTL: u64 = 7;

/// The longest lifetime that a document may have, in days.
const LONGEST_LIFETIME: u64 = 90;

/// How long the files of a key may take to all nameservers, in seconds.
const PROPAGATION: u64 = 86_400;

impl PaceArgs {
    /// Those that are not as usual, for a command that has to be given the same.
    pub(super) fn options(&self) -> String {
        let unusual = |name: &str, is: Duration, usual_days: u64| match is.as_secs() == usual_days * 86_400 {
            true => String::new(),
            false => format!(" --{name} {}", duration::format(is)),
        };
        unusual("ttl", self.ttl, 1) + &unusual("lifetime", self.lifetime, 14)
    }

    pub(super) fn pace(&self) -> Pace {
        Pace { ttl: self.ttl.as_secs(), propagation: PROPAGATION, lifetime: self.lifetime.as_secs() }
    }
}

/// For how long resolvers keep something.
pub(super) fn parse_ttl(text: &str) -> Result<Duration, Error> {
    parse_within(text, LONGEST_TTL)
}

/// Some time, and at most so many days.
pub(super) fn parse_within(text: &str, days: u64) -> Result<Duration, Error> {
    let span = parse_duration(text)?;
    match span.as_secs() {
        0 => Err(Error::new("expected a duration of a second at least")),
        seconds if seconds > days * 86_400 => Err(Error::new(format!("expected at most {days}d"))),
        _ => Ok(span),
    }
}
