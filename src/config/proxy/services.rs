//! `services` of `proxy.json`: what is reached under which hosts and paths, and what answers.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use super::access::{self, AccessConfig};
use super::basic_auth::{self, BasicAuthConfig};
use super::compression::{self, CompressionConfig};
use super::context::Context;
use super::cookie::CookieValue;
use super::error_pages::{self, ErrorPagesConfig};
use super::forward_auth::{self, ForwardAuthConfig};
use super::headers::{self, HeadersConfig};
use super::https::{self, HttpsConfig};
use super::rate_limit::{self, RateLimitConfig};
use super::target::{self, Target};
use super::tls::{self, TlsConfig};
use super::withheld::{self, PassedFields};
use crate::config::acme::ChallengeKind;
use crate::config::distinct::Distinct;
use crate::config::fingerprint::Fingerprint;
use crate::config::host_pattern::HostPattern;
use crate::config::names;
use crate::config::reader::{Keys, Location, Read, Value};

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Its key in the document.
    pub name: String,
    /// Of all that stands under its key.
    pub fingerprint: Fingerprint,
    /// The host names it is reached under; never empty.
    pub hosts: Vec<HostPattern>,
    /// Path prefixes in whole segments. Default `["/"]`.
    pub paths: Vec<String>,
    /// The withheld request fields that its backends get after all. Default none.
    pub pass_fields: PassedFields,
    /// What of its responses is compressed; none: nothing.
    pub compression: Option<CompressionConfig>,
    /// What becomes of the header fields of its messages. Default: what HTTP itself asks for.
    pub headers: HeadersConfig,
    /// How it is reached over TLS; none: in clear text alone.
    pub tls: Option<TlsConfig>,
    /// What it says to visitors about https.
    pub https: HttpsConfig,
    /// Whose visitors it serves. Default everybody's.
    pub access: AccessConfig,
    /// The name and password that they show. Default none.
    pub basic_auth: Option<BasicAuthConfig>,
    /// Who is asked whether a request may go on. Default nobody.
    pub forward_auth: Option<ForwardAuthConfig>,
    /// How many requests it takes; none: as many as come.
    pub rate_limit: Option<RateLimitConfig>,
    /// What its visitors see instead of the proxy's own words.
    pub error_pages: ErrorPagesConfig,
    /// Bytes that the body of a request may have; none: as many as come.
    pub max_request_body: Option<u64>,
    /// What answers.
    pub target: Target,
}

impl ServiceConfig {
    /// The status of the answer that every request gets, if each gets the same.
    pub fn fixed_status(&self) -> Option<u16> {
        match &self.target {
            Target::Answer(answer) => Some(answer.status),
            Target::Backends(_) | Target::Redirect(_) | Target::Files(_) => None,
        }
    }

    /// The file of keys that seal its cookie, if they do.
    pub fn cookie_key_file(&self) -> Option<&Path> {
        match &self.target.cookie()?.value {
            CookieValue::Sealed { key_file } => Some(key_file),
            CookieValue::Address => None,
        }
    }
}

/// Up to a tebibyte. Zero: none has a body.
const REQUEST_BODY: RangeInclusive<u64> = 0..=1 << 40;

/// The keys of a service.
pub(super) const KEYS: Keys = Keys {
    object: "services.NAME",
    names: &[
        "abort_on_close",
        "allow",
        "answer",
        "backend_tls",
        "backends",
        "balance",
        "basic_auth",
        "check",
        "compression",
        "cookie",
        "deny",
        "error_pages",
        "failover",
        "failover_drain",
        "files",
        "forward_auth",
        "hedge_after",
        "hosts",
        "hsts",
        "https",
        "last_resort",
        "max_queue",
        "max_request_body",
        "mode",
        "pass_fields",
        "paths",
        "protocol",
        "queue_timeout",
        "rate_limit",
        "redirect",
        "redispatch",
        "request_headers",
        "response_headers",
        "retries",
        "retry_budget",
        "retry_on",
        "reuse",
        "send_proxy",
        "slow_start",
        "start_grace",
        "tls",
        "try_timeout",
        "without_agreement",
    ],
};

/// Reads all of them; `first_tls` is where the first of them has `tls`.
pub(super) fn read<'a>(
    value: &Value<'a>,
    listeners: Vec<SocketAddr>,
    any_trusted: bool,
    acme: Option<ChallengeKind>,
    first_tls: &mut Option<Location<'a>>,
) -> Read<BTreeMap<String, ServiceConfig>> {
    let mut context = Context::new(listeners, any_trusted, acme);
    let services =
        value.table(names::name, |name, location, value| read_service(name, location, value, &mut context))?;
    value.at_least_one("service")?;
    *first_tls = context.first_tls;
    Ok(services)
}

fn read_service<'a>(
    name: &str,
    location: &Location<'a>,
    value: &Value<'a>,
    context: &mut Context<'a>,
) -> Read<ServiceConfig> {
    let service = value.object(&KEYS)?;
    let hosts = service.required("hosts", |value| read_distinct(value, "host", HostPattern::parse));
    let paths = service.with_default("paths", vec![("/".to_owned(), location.clone())], |value| {
        read_distinct(value, "path", names::path_prefix)
    });
    let routed = claim_routes(hosts.as_deref().ok(), paths.as_deref().ok(), &mut context.routes);
    let pass_fields = withheld::read(&service, context.any_trusted);
    let patterns = hosts.map(values);
    let target = target::read(name, location, &service, patterns.as_deref().ok(), context);
    let error_pages = error_pages::read(&service, service.get("backends").is_some());
    let compression = compression::read(&service);
    let https = https::read(&service, service.get("tls").is_some());
    let access = access::read(&service);
    let basic_auth = basic_auth::read(name, &service, pass_fields.ok());
    let forward_auth = forward_auth::read(&service, context);
    let copied = forward_auth.as_ref().ok().and_then(Option::as_ref);
    let around = headers::Around {
        has_tls: service.get("tls").is_some(),
        asks_for_certificates: service.get("tls").is_some_and(|tls| tls.peek("client_certificates").is_some()),
        asks_for_passwords: service.get("basic_auth").is_some(),
        copied: copied.map_or(&[], |auth| &auth.copy),
        has_hsts: service.get("hsts").is_some(),
        cookie: target.as_ref().ok().and_then(Target::cookie),
    };
    let headers = headers::read(&service, around);
    let tls = tls::read(&service, patterns.as_deref().ok(), context.acme).map(|tls| {
        tls.map(|(tls, location)| {
            context.first_tls.get_or_insert(location.clone());
            (tls, location)
        })
    });
    let rate_limit = rate_limit::read(&service);
    let authority = tls.as_ref().ok().and_then(|tls| {
        let (tls, location) = tls.as_ref()?;
        Some((&tls.client_certificates.as_ref()?.authority, location))
    });
    let claimed = authority.map_or(Ok(()), |(authority, location)| {
        context.authorities.claim(authority, patterns.as_deref().unwrap_or_default(), location)
    });
    let max_request_body = service.optional("max_request_body", |value| value.integer(REQUEST_BODY));
    routed?;
    claimed?;
    Ok(ServiceConfig {
        name: name.to_owned(),
        fingerprint: value.fingerprint(),
        hosts: patterns?,
        paths: paths.map(values)?,
        pass_fields: pass_fields?,
        compression: compression?,
        headers: headers?,
        tls: tls?.map(|(tls, _)| tls),
        https: https?,
        access: access?,
        basic_auth: basic_auth?,
        forward_auth: forward_auth?,
        rate_limit: rate_limit?,
        error_pages: error_pages?,
        max_request_body: max_request_body?,
        target: target?,
    })
}

/// A list of strings that is not empty and has none twice, each with its location.
fn read_distinct<'a, T: Ord + Clone, E: Display>(
    value: &Value<'a>,
    what: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Read<Vec<(T, Location<'a>)>> {
    let mut distinct = Distinct::default();
    let list = value.list(&format!("{what}s"), |value| {
        Ok((distinct.claim_parsed(value, &format!("a {what}"), &parse)?, value.location.clone()))
    })?;
    value.at_least_one(what)?;
    Ok(list)
}

fn values<T>(list: Vec<(T, Location<'_>)>) -> Vec<T> {
    list.into_iter().map(|(value, _)| value).collect()
}

/// Takes every host with every path, as far as both could be read: a second service with the same would never be reached.
fn claim_routes<'a>(
    hosts: Option<&[(HostPattern, Location<'a>)]>,
    paths: Option<&[(String, Location<'a>)]>,
    routes: &mut Distinct<'a, (HostPattern, String)>,
) -> Read<()> {
    let mut claimed = Ok(());
    for (host, location) in hosts.into_iter().flatten() {
        for (path, _) in paths.into_iter().flatten() {
            let what = format!("the host {host} with the path {path:?}");
            claimed = claimed.and(routes.claim((host.clone(), path.clone()), location, &what));
        }
    }
    claimed
}
