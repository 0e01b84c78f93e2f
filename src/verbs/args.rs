//! Arguments that several verbs take.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::config::duration;
use crate::push::error::Error;

/// What every verb takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Print JSON for machines instead of tables for people
    #[arg(long, global = true)]
    pub json: bool,
}

/// Which fleet.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FleetArg {
    /// On an admin machine: the fleet in this file, instead of the one that was evaluated last
    #[arg(long = "fleet", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Which daemons a verb speaks to, and how long it waits for them.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DaemonsArg {
    #[command(flatten)]
    /// Which fleet, on an admin machine.
    pub fleet: FleetArg,
    /// An admin socket, instead of the demo's, the fleet's or this host's (may be repeated; also POLDER_SOCKETS, with `:` between them)
    #[arg(long = "socket", value_name = "PATH", value_delimiter = ':')]
    pub sockets: Vec<PathBuf>,
    /// How long each daemon may take to say how it is: more than 1s for slow links (also POLDER_TIMEOUT)
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
    /// The running demo's daemons, whatever else is here
    #[arg(long)]
    pub demo: bool,
}

/// Admin sockets, with `:` between them, where no `--socket` is given.
const SOCKETS_VARIABLE: &str = "POLDER_SOCKETS";
/// The same for `--timeout`.
const TIMEOUT_VARIABLE: &str = "POLDER_TIMEOUT";

impl DaemonsArg {
    /// With what the environment says where the command line says nothing. A variable that is empty is as one that is not set.
    ///
    /// # Errors
    ///
    /// A variable says something that the option could not.
    pub fn or_environment(self) -> Result<DaemonsArg, Error> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let mut args = self;
        if args.sockets.is_empty()
            && let Some(value) = set(SOCKETS_VARIABLE)
        {
            args.sockets = std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect();
        }
        if args.timeout.is_none()
            && let Some(value) = set(TIMEOUT_VARIABLE)
        {
            let timeout = parse_timeout(&value.to_string_lossy()).map_err(|error| error.of(TIMEOUT_VARIABLE))?;
            args.timeout = Some(timeout);
        }
        Ok(args)
    }
}

/// A duration on the command line: `90s`, `10m`, `2h`.
///
/// # Errors
///
/// It is written in another way.
pub(super) fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        let unit = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("; a number needs its unit: {text}s, {text}m or {text}h")
        } else {
            "; the units are ms, s, m, h and d".to_owned()
        };
        Error::new(format!("expected a duration like 90s, 10m or 2h30m{unit}"))
    };
    duration::parse_sum(text).ok_or_else(wrong)
}

/// How long to wait for an answer: some time.
fn parse_timeout(text: &str) -> Result<Duration, Error> {
    match parse_duration(text)? {
        Duration::ZERO => Err(Error::new("nothing answers at once: expected a duration like 500ms or 5s")),
        timeout => Ok(timeout),
    }
}

/// How long an operator state is to last: a duration that is not over at once.
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

/// How long something may take: a duration that is not over before it begins.
///
/// # Errors
///
/// It is none, or nothing.
pub(super) fn parse_limit(text: &str) -> Result<Duration, Error> {
    match parse_duration(text)? {
        Duration::ZERO => Err(Error::new("it would be over before it begins: expected a duration like 30s or 10m")),
        limit => Ok(limit),
    }
}

/// A whole number of this range.
///
/// # Errors
///
/// It is something else.
pub(super) fn parse_number<T>(text: &str, range: RangeInclusive<T>) -> Result<T, Error>
where
    T: FromStr + Display + PartialOrd,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| Error::new(format!("expected a whole number from {} to {}", range.start(), range.end())))
}

/// The address of a machine.
///
/// # Errors
///
/// It is a name, or something else.
pub(super) fn parse_address(text: &str) -> Result<IpAddr, Error> {
    text.parse()
        .map_err(|_| Error::new("expected an IP address like 192.0.2.10 or 2001:db8::10; a name is not looked up"))
}
