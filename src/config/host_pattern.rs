//! The host names that a service is reached under: one name, or all names below one (pure).

use std::fmt;

use super::invalid::Invalid;
use super::names;

/// `www.example.net` or `[2001:db8::1]`, or `*.example.net` (any one or more labels in front). Lower case, without a port or a
/// final dot; an address in its shortest form (RFC 5952).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This name only.
    Exact(String),
    /// Every name that ends in `.SUFFIX`; held without the `*.`.
    Suffix(String),
    /// `*`: whatever no other pattern has, and requests of HTTP/1.0 that name no host.
    Any,
}

impl HostPattern {
    /// Reads a host name, or `*.` and a host name: in lower case, without the final dot. Or an IPv6 address in brackets.
    ///
    /// # Errors
    ///
    /// What stands there instead, and what was expected.
    pub fn parse(text: &str) -> Result<HostPattern, Invalid> {
        match text.strip_prefix("*.") {
            None if text == "*" => Ok(HostPattern::Any),
            Some(suffix) => names::host(text, suffix).map(HostPattern::Suffix),
            None if text.starts_with('[') => names::bracketed(text).map(HostPattern::Exact),
            None => names::host(text, text).map(HostPattern::Exact),
        }
    }

    /// It is of names, which DNS may lead here, and not an address or whatever is left.
    pub fn is_of_names(&self) -> bool {
        !matches!(self, HostPattern::Any) && !matches!(self, HostPattern::Exact(name) if name.starts_with('['))
    }

    /// Whether every host name that matches `other` matches this one.
    pub fn covers(&self, other: &HostPattern) -> bool {
        match (self, other) {
            (HostPattern::Any, _) => true,
            (HostPattern::Exact(one), HostPattern::Exact(two)) => one == two,
            (HostPattern::Suffix(suffix), HostPattern::Exact(name)) => lies_below(name, suffix),
            (HostPattern::Suffix(one), HostPattern::Suffix(two)) => one == two || lies_below(two, one),
            (HostPattern::Exact(_) | HostPattern::Suffix(_), _) => false,
        }
    }

    /// Whether some host name matches both.
    pub fn overlaps(&self, other: &HostPattern) -> bool {
        match (self, other) {
            (HostPattern::Any, _) | (_, HostPattern::Any) => true,
            (HostPattern::Exact(one), HostPattern::Exact(two)) => one == two,
            (HostPattern::Suffix(suffix), HostPattern::Exact(name))
            | (HostPattern::Exact(name), HostPattern::Suffix(suffix)) => lies_below(name, suffix),
            (HostPattern::Suffix(one), HostPattern::Suffix(two)) => {
                one == two || lies_below(one, two) || lies_below(two, one)
            }
        }
    }
}

fn lies_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|front| front.ends_with('.'))
}

impl fmt::Display for HostPattern {
    /// As documents have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Exact(name) => f.write_str(name),
            HostPattern::Suffix(suffix) => write!(f, "*.{suffix}"),
            HostPattern::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests;
