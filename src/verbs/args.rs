//! Arguments that several verbs take.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::duration;
use crate::push::error::Error;

/// What every verb takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Print JSON for machines instead of tables for people
    #[arg(long, global = true)]
    pub json: bool,
    /// Of verbs that speak to daemons: an admin socket, instead of the demo's, the fleet's or this host's (may be repeated)
    #[arg(long = "socket", value_name = "PATH", global = true, env = "POLDER_SOCKETS", value_delimiter = ':')]
    pub sockets: Vec<PathBuf>,
    /// Of verbs that speak to daemons: how long each of them may take to say how it is; more than 1s for slow links
    #[arg(long, value_name = "DURATION", global = true, env = "POLDER_TIMEOUT", value_parser = parse_timeout)]
    pub timeout: Option<Duration>,
    /// Of verbs that speak to daemons: the running demo's, whatever else is here
    #[arg(long, global = true)]
    pub demo: bool,
}

/// Which fleet.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FleetArg {
    /// On an admin machine: the fleet in this file, instead of the one that was evaluated last
    #[arg(long = "fleet", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// A duration on the command line: `90s`, `10m`, `2h`.
///
/// # Errors
///
/// It is written in another way.
pub(super) fn parse_duration(text: &str) -> Result<Duration, Error> {
    duration::parse_sum(text)
        .ok_or_else(|| Error::new(format!("expected a duration like 90s, 10m or 2h30m, found {text:?}")))
}

/// How long to wait for an answer: some time.
fn parse_timeout(text: &str) -> Result<Duration, Error> {
    match parse_duration(text)? {
        Duration::ZERO => Err(Error::new("nothing answers at once: expected a duration like 500ms or 5s, found 0")),
        timeout => Ok(timeout),
    }
}

/// How long something is to last: a duration that is not over at once.
///
/// # Errors
///
/// It is none, or nothing.
pub(super) fn parse_length(text: &str) -> Result<Duration, Error> {
    match parse_duration(text)? {
        Duration::ZERO => Err(Error::new(
            "expected a duration that ends later than it begins, like 10m; `polder ready` ends a state at once",
        )),
        length => Ok(length),
    }
}
