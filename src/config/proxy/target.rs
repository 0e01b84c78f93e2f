//! What answers the requests of a service: backends, or one of what the proxy answers itself.

use std::fmt;

use super::answer::{self, AnswerConfig};
use super::backends::{self, BackendsConfig};
use super::context::Context;
use super::cookie::CookieConfig;
use super::files::{self, FilesConfig};
use super::mode::Mode;
use super::redirect::{self, RedirectConfig};
use crate::config::host_pattern::HostPattern;
use crate::config::reader::{Location, Object, Read};

/// What answers a service's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Webservers.
    Backends(Box<BackendsConfig>),
    /// The visitor is sent elsewhere.
    Redirect(RedirectConfig),
    /// The same for every request.
    Answer(AnswerConfig),
    /// The files of a folder.
    Files(FilesConfig),
}

impl Target {
    /// The backends, if they answer.
    pub fn backends(&self) -> Option<&BackendsConfig> {
        match self {
            Target::Backends(backends) => Some(backends),
            Target::Redirect(_) | Target::Answer(_) | Target::Files(_) => None,
        }
    }

    /// The cookie by which visitors are known again.
    pub fn cookie(&self) -> Option<&CookieConfig> {
        match &self.backends()?.mode {
            Mode::Stateless => None,
            Mode::Sticky { cookie } | Mode::Latched { cookie, .. } => Some(cookie),
        }
    }
}

impl fmt::Display for Target {
    /// `redirect 302 to https://www.example.net`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Backends(backends) => {
                let names: Vec<&str> = backends.backends.iter().map(|backend| backend.name.as_str()).collect();
                write!(f, "backends {}", names.join(", "))
            }
            Target::Redirect(redirect) => redirect.fmt(f),
            Target::Answer(answer) => answer.fmt(f),
            Target::Files(files) => files.fmt(f),
        }
    }
}

/// The keys of which a service has exactly one.
const TARGETS: [&str; 4] = ["backends", "redirect", "answer", "files"];

/// The keys that say something of backends.
const OF_BACKENDS: [&str; 25] = [
    "abort_on_close",
    "backend_tls",
    "balance",
    "check",
    "cookie",
    "failover",
    "failover_drain",
    "hedge_after",
    "last_resort",
    "max_queue",
    "mode",
    "pass_fields",
    "protocol",
    "queue_timeout",
    "redispatch",
    "request_headers",
    "retries",
    "retry_budget",
    "retry_on",
    "reuse",
    "send_proxy",
    "slow_start",
    "start_grace",
    "try_timeout",
    "without_agreement",
];

/// Reads the one that the service `name` has, whose key stands at `location`; `hosts` as far as they could be read.
pub(super) fn read<'a>(
    name: &str,
    location: &Location<'a>,
    service: &Object<'a>,
    hosts: Option<&[HostPattern]>,
    context: &mut Context<'a>,
) -> Read<Target> {
    let stated = service.one_of_keys(&TARGETS, "it says what answers")?;
    if stated != "backends" {
        service.refuse(&OF_BACKENDS, &format!("beside \"{stated}\": it is about backends"))?;
    }
    if stated == "redirect" {
        service.refuse(&["compression"], "beside \"redirect\": what is sent has no content")?;
    }
    match stated {
        "redirect" => service.required(stated, redirect::read).map(Target::Redirect),
        "answer" => service.required(stated, answer::read).map(Target::Answer),
        "files" => service.required(stated, files::read).map(Target::Files),
        _ => {
            backends::read(name, location, service, hosts, context).map(|backends| Target::Backends(Box::new(backends)))
        }
    }
}
