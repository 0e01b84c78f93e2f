//! What a URL asks for, or what is wrong with it (pure).

use std::net::Ipv6Addr;

use crate::push::error::Error;

/// What a URL asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'u> {
    /// `http` where it has none.
    pub(super) scheme: &'static str,
    /// In lower case.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: &'u str,
    /// With its question mark; empty: it has none.
    pub(super) query: &'u str,
}

/// How a URL is written.
const FORM: &str = "expected https://www.example.net/cart, http://shop.example.net:8080/ or only a host name";

impl<'u> Asked<'u> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what was expected.
    pub(super) fn of(url: &'u str) -> Result<Asked<'u>, Error> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some((scheme, _)) => {
                return Err(Error::new(format!("{scheme:?} is not served here: expected http:// or https://")));
            }
            None => ("http", url),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        if let Some(odd) = rest.chars().find(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(Error::new(format!("it has {odd:?} in it; a browser sends a space as %20")));
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let path = if path.is_empty() { "/" } else { path };
        if let Some((_, host)) = authority.rsplit_once('@') {
            return Err(Error::new(format!(
                "a user and password are not part of what is routed: leave them out ({scheme}://{host}/)"
            )));
        }
        // The colons of an IPv6 address are within brackets (RFC 3986, 3.2.2).
        let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) =
            authority.split_at(authority[end_of_host..].find(':').map_or(authority.len(), |colon| end_of_host + colon));
        let is_scheme = host.eq_ignore_ascii_case("http") || host.eq_ignore_ascii_case("https");
        if host.is_empty() || (is_scheme && port == ":") {
            return Err(Error::new(format!("it has no host; {FORM}")));
        }
        let port = match port {
            "" | ":" => None,
            port => Some(port_of(&port[1..])?),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
        let is_host = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => host.bytes().all(plain),
        };
        match is_host {
            true => Ok(Asked { scheme, host: host.to_ascii_lowercase(), port, path, query }),
            false => Err(Error::new(format!("{host:?} is not a host name or address; {FORM}"))),
        }
    }
}

fn port_of(text: &str) -> Result<u16, Error> {
    let port = text.parse().ok().filter(|port| *port > 0);
    let wrong =
        || Error::new(format!("{text:?} is not a port: expected 1 to 65535, as in http://shop.example.net:8080/"));
    port.ok_or_else(wrong)
}
