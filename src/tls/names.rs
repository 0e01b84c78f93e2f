//! The hosts that a certificate is for (pure): RFC 9525, 6.3.

use std::net::IpAddr;

use crate::config::proxy::HostPattern;

/// The subject alternative names of a certificate; its common name means nothing (RFC 9525, 2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateNames {
    /// Whole names, in lower case.
    exact: Vec<Box<str>>,
    /// What is behind a `*.`, which stands for one label.
    wildcard: Vec<Box<str>>,
    addresses: Vec<IpAddr>,
}

impl CertificateNames {
    /// Adds a DNS name, which may begin with `*.`.
    pub fn add_name(&mut self, name: &str) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(suffix) => self.wildcard.push(suffix.into()),
            None => self.exact.push(name.into()),
        }
    }

    /// Adds an address.
    pub fn add_address(&mut self, address: IpAddr) {
        self.addresses.push(address);
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcard.is_empty() && self.addresses.is_empty()
    }

    /// Each in words.
    pub fn to_vec(&self) -> Vec<String> {
        let exact = self.exact.iter().map(ToString::to_string);
        let wildcard = self.wildcard.iter().map(|suffix| format!("*.{suffix}"));
        let addresses = self.addresses.iter().map(ToString::to_string);
        exact.chain(wildcard).chain(addresses).collect()
    }

    /// Whether this host is among them, without port, in any case.
    pub fn cover(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let below = host.split_once('.').map_or("", |(_, below)| below);
        let address = || host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        self.exact.iter().any(|name| name.eq_ignore_ascii_case(host))
            || self.wildcard.iter().any(|suffix| suffix.eq_ignore_ascii_case(below))
            || address().is_some_and(|address| self.addresses.contains(&address))
    }

    /// Whether visitors of some host of this pattern are served well. A document's `*.example.net` has names of any depth, a
    /// certificate's those of one label.
    pub fn cover_pattern(&self, pattern: &HostPattern) -> bool {
        match pattern {
            HostPattern::Exact(name) => self.cover(name),
            HostPattern::Suffix(suffix) => self.wildcard.iter().any(|known| **known == **suffix),
            HostPattern::Any => true,
        }
    }
}

impl std::fmt::Display for CertificateNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_vec().join(", "))
    }
}

#[cfg(test)]
mod tests;
