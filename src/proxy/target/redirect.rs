//! Where the visitors of a service are sent (pure).

use crate::config::proxy::{RedirectConfig, RedirectPath, RedirectScheme};
use crate::proxy::path_prefix::matched;

/// The ports at which this proxy speaks each scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Clear text.
    pub http: u16,
    /// TLS.
    pub https: u16,
}

/// A redirect, ready.
#[derive(Debug)]
pub struct Redirect {
    /// What is sent with the place.
    pub status: u16,
    config: RedirectConfig,
    /// The paths of the service, one of which is replaced.
    prefixes: Vec<String>,
    ports: Ports,
}

/// What a visitor asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'r> {
    /// He came over TLS.
    pub securely: bool,
    /// The authority; empty if he names none.
    pub authority: &'r [u8],
    /// The path, undecoded, without its query; `/` at least.
    pub path: &'r [u8],
    /// The query with its question mark; empty if there is none.
    pub query: &'r [u8],
}

/// Why a visitor is not sent anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nowhere {
    /// He names no host, and neither does the document.
    NoHost,
    /// He would be sent to where he is.
    Here,
}

impl Redirect {
    /// Of a service with these paths.
    pub fn new(config: &RedirectConfig, prefixes: &[String], ports: Ports) -> Redirect {
        Redirect { status: config.status, config: config.clone(), prefixes: prefixes.to_vec(), ports }
    }

    /// The URL that a visitor is sent to.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn location(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Nowhere> {
        let came_by = if asked.securely { RedirectScheme::Https } else { RedirectScheme::Http };
        let scheme = self.config.scheme.unwrap_or(came_by);
        let authority = match &self.config.host {
            Some(host) => host.as_bytes().to_vec(),
            None if asked.authority.is_empty() => return Err(Nowhere::NoHost),
            None if scheme == came_by => asked.authority.to_vec(),
            None => self.same_host(asked.authority, scheme),
        };
        let path = self.path(asked.path);
        let query = if self.config.keep_query { asked.query } else { b"" };
        let location = [scheme.as_str().as_bytes(), b"://", &authority, &path, query].concat();
        let here = [came_by.as_str().as_bytes(), b"://", asked.authority, asked.path, asked.query].concat();
        if location == here { Err(Nowhere::Here) } else { Ok(location) }
    }

    fn path(&self, asked: &[u8]) -> Vec<u8> {
        match &self.config.path {
            RedirectPath::Keep => asked.to_vec(),
            RedirectPath::Fixed(path) => path.as_bytes().to_vec(),
            RedirectPath::ReplacePrefix(prefix) => {
                let below = &asked[matched(&self.prefixes, asked).len()..];
                let path = [prefix.trim_end_matches('/').as_bytes(), below].concat();
                if path.is_empty() { b"/".to_vec() } else { path }
            }
        }
    }

    /// The host that was asked for, at our port for the other scheme.
    fn same_host(&self, authority: &[u8], scheme: RedirectScheme) -> Vec<u8> {
        let (port, default) = match scheme {
            RedirectScheme::Http => (self.ports.http, 80),
            RedirectScheme::Https => (self.ports.https, 443),
        };
        let port = if port == default { String::new() } else { format!(":{port}") };
        [host_of(authority), port.as_bytes()].concat()
    }
}

/// The URL of a path with its query over https at this port, which a URL need not name if it is 443 (RFC 9110, 4.2.2). None without a
/// host.
pub fn over_https(host: &[u8], port: u16, target: &[u8]) -> Option<Vec<u8>> {
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    (!host.is_empty()).then(|| [b"https://", host, port.as_bytes(), target].concat())
}

/// The host of an authority, without its port.
pub fn host_of(authority: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', authority) {
        // Within the brackets of an IPv6 address.
        Some(colon) if authority[colon..].contains(&b']') => authority,
        Some(colon) => &authority[..colon],
        None => authority,
    }
}

#[cfg(test)]
mod tests;
