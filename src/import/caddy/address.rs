//! Addresses of sites (Caddy's "Caddyfile Concepts", "Addresses"). Pure.

use super::super::error::Inexpressible;
use std::net::IpAddr;

use crate::config::HostPattern;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which hosts.
    pub host: HostPattern,
    /// Over TLS.
    pub tls: bool,
    /// At which port.
    pub port: u16,
}

/// The ports of both schemes, as the global options say.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// `http_port`.
    pub http: u16,
    /// `https_port`.
    pub https: u16,
}

/// Reads `[SCHEME://][HOST][:PORT]`.
///
/// # Errors
///
/// What cannot be served of it.
pub fn read(text: &str, ports: Ports) -> Result<Address, Inexpressible> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if rest.contains('/') {
        return Err("an address of a site has no path".into());
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse::<u16>().map_err(|_| format!("{port:?} is not a port"))?;
            (host, Some(port))
        }
        _ => (rest, None),
    };
    let tls = match (scheme, port) {
        (Some("http"), _) => false,
        (Some("https"), _) => true,
        (Some(other), _) => return Err(format!("{other}:// is not a scheme of sites").into()),
        (None, Some(port)) if port == ports.http => false,
        (None, Some(port)) if port == ports.https => true,
        // A name alone is served over TLS at any port, all hosts in clear text.
        (None, _) => !host.is_empty(),
    };
    let host = if host.is_empty() { "*" } else { host };
    let host = HostPattern::parse(host).map_err(Inexpressible::from)?;
    Ok(Address { host, tls, port: port.unwrap_or(if tls { ports.https } else { ports.http }) })
}

/// Names for which Caddy is its own authority, for no other would give a certificate.
pub fn is_local(host: &HostPattern) -> bool {
    let name = match host {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => name.as_str(),
        HostPattern::Any => return false,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || ["localhost", "local", "internal", "home.arpa"]
            .iter()
            .any(|end| name == *end || name.ends_with(&format!(".{end}")))
}
