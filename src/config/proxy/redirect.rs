//! `redirect` of a service: its visitors are sent elsewhere.

use std::fmt;

use crate::config::invalid::Invalid;
use crate::config::names;
use crate::config::reader::{Keys, Read, Value};

/// Where the visitors of a service are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectConfig {
    /// 301, 302, 303, 307 or 308. Default 302, which no browser keeps.
    pub status: u16,
    /// The scheme there. Default: the one that the visitor came by.
    pub scheme: Option<RedirectScheme>,
    /// The host there, with or without a port. Default: the one that was asked for.
    pub host: Option<String>,
    /// The path there. Default: the one that was asked for.
    pub path: RedirectPath,
    /// Whether the query that was asked for goes along. Default true, where the path has none of its own.
    pub keep_query: bool,
}

/// A scheme that visitors are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectScheme {
    /// Clear text.
    Http,
    /// Over TLS.
    Https,
}

/// What becomes of the path that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectPath {
    /// It stays.
    Keep,
    /// This instead, maybe with a query.
    Fixed(String),
    /// The path of the service that it begins with is replaced by this.
    ReplacePrefix(String),
}

impl RedirectScheme {
    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            RedirectScheme::Http => "http",
            RedirectScheme::Https => "https",
        }
    }
}

impl fmt::Display for RedirectConfig {
    /// `redirect 302 to https://www.example.net/shop/…`, the dots for what is kept of what was asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RedirectConfig { status, scheme, host, path, keep_query } = self;
        let scheme = scheme.map_or("", RedirectScheme::as_str);
        let (host, slashes) = (host.as_deref().unwrap_or(""), if scheme.is_empty() { "" } else { "://" });
        let (path, rest) = match path {
            RedirectPath::Keep => ("/", "…"),
            RedirectPath::Fixed(path) => (path.as_str(), ""),
            RedirectPath::ReplacePrefix(prefix) => (prefix.trim_end_matches('/'), "/…"),
        };
        let query = if *keep_query { "" } else { ", without the query" };
        write!(f, "redirect {status} to {scheme}{slashes}{host}{path}{rest}{query}")
    }
}

/// The keys of `redirect`.
pub(super) const KEYS: Keys = Keys {
    object: "services.NAME.redirect",
    names: &["host", "keep_query", "path", "replace_prefix", "scheme", "status"],
};

/// As in HAProxy and Caddy. A browser asks again the next time, so that a mistake is mended with the document.
const STATUS: u16 = 302;

/// Those that say where to go, and nothing else.
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Reads one.
pub(super) fn read(value: &Value<'_>) -> Read<RedirectConfig> {
    let redirect = value.object(&KEYS)?;
    let status = redirect.with_default("status", STATUS, read_status);
    let scheme = redirect
        .optional("scheme", |value| value.one_of(&[("http", RedirectScheme::Http), ("https", RedirectScheme::Https)]));
    let host = redirect.optional("host", |value| value.parsed("a host name", host));
    let fixed = redirect.optional("path", |value| value.parsed("a path", path));
    let prefix = redirect.optional("replace_prefix", |value| value.parsed("a path", names::path_prefix));
    let keep_query = redirect.optional("keep_query", Value::boolean);
    let (status, scheme, host, fixed, prefix, keep_query) = (status?, scheme?, host?, fixed?, prefix?, keep_query?);
    if scheme.is_none() && host.is_none() && fixed.is_none() && prefix.is_none() {
        return Err(value.fault(
            "sends visitors to where they are: expected at least one of \"scheme\", \"host\", \"path\" and \"replace_prefix\"",
        ));
    }
    let has_query = fixed.as_ref().is_some_and(|path| path.contains('?'));
    if has_query {
        redirect.refuse(&["keep_query"], "where \"path\" has a query of its own, which is the whole of it")?;
    }
    let path = match (fixed, prefix) {
        (None, None) => RedirectPath::Keep,
        (Some(path), None) => RedirectPath::Fixed(path),
        (None, Some(prefix)) => RedirectPath::ReplacePrefix(prefix),
        (Some(_), Some(_)) => {
            return Err(value.fault("has both \"path\" and \"replace_prefix\": one path or the other is meant"));
        }
    };
    Ok(RedirectConfig { status, scheme, host, path, keep_query: keep_query.unwrap_or(!has_query) })
}

fn read_status(value: &Value<'_>) -> Read<u16> {
    value.one_of_numbers(&STATUSES, "sends no visitor elsewhere")
}

/// A host name or an IPv6 address in brackets, with or without a port.
fn host(text: &str) -> Result<String, Invalid> {
    match text.contains("://") || text.contains('/') {
        true => Err(Invalid::new(text, "is not a host: write scheme and path in keys of their own")),
        false => names::check_host(text),
    }
}

fn path(text: &str) -> Result<String, Invalid> {
    // Two slashes would begin a host (RFC 3986, 4.2) for whoever reads it alone.
    match text.starts_with("//") {
        true => Err(Invalid::new(text, "is not a path: it begins with two slashes")),
        false => names::check_path(text),
    }
}
