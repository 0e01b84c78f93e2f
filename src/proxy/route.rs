//! Host and path to service (pure): exact host, else the longest `*.suffix`, else `*`; then the longest path prefix, in whole
//! segments, undecoded.
//!
//! Owns the routing table of a document. Must never: decode, rewrite or allocate for a request. Called by the workers
//! for each request and by `explain`. The host decides first and alone: a host that is named exactly never falls back
//! to a `*.suffix` for a path it does not have (as nginx picks its server before its location).

use std::collections::HashMap;
use std::io::Write;
use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::config::proxy::HostPattern;

/// The longest host name that can match: RFC 1035, 2.3.4 (255 octets on the wire are at most 253 of text).
const LONGEST_HOST: usize = 253;

/// The routing table. Cheap to clone: it is built once for each document and shared by all snapshots of it.
#[derive(Debug, Default, Clone)]
pub struct Router {
    table: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table {
    exact: HashMap<Box<[u8]>, Paths>,
    suffix: HashMap<Box<[u8]>, Paths>,
    any: Paths,
}

/// The prefixes of one host pattern, longest first; the root is the empty prefix.
type Paths = Vec<(Box<[u8]>, usize)>;

/// What a request matched, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The host pattern.
    pub host: HostPattern,
    /// The path prefix, with its leading slash.
    pub path: String,
    /// The service's index.
    pub service: usize,
}

/// Why a request matched nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// No pattern has this host.
    Host,
    /// The host is known, the path is not.
    Path,
}

impl Router {
    /// Builds it from `(host, path prefix, service index)`. Of two equal routes the first counts (the document's
    /// checks refuse them).
    pub fn new(routes: impl IntoIterator<Item = (HostPattern, String, usize)>) -> Router {
        let mut table = Table::default();
        for (host, path, service) in routes {
            let key = |name: String| name.to_ascii_lowercase().into_bytes().into();
            let paths = match host {
                HostPattern::Exact(name) => table.exact.entry(key(name)).or_default(),
                HostPattern::Suffix(name) => table.suffix.entry(key(name)).or_default(),
                HostPattern::Any => &mut table.any,
            };
            paths.push((path.trim_end_matches('/').as_bytes().into(), service));
        }
        let Table { exact, suffix, any } = &mut table;
        for paths in exact.values_mut().chain(suffix.values_mut()).chain([any]) {
            paths.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        Router { table: Arc::new(table) }
    }

    /// The service for a Host (any case, with or without port and final dot) and an undecoded path.
    pub fn route(&self, host: &[u8], path: &[u8]) -> Option<usize> {
        let mut buffer = [0; LONGEST_HOST];
        let (_, paths) = self.table.paths(normal(host, &mut buffer))?;
        longest(paths, path).map(|(_, service)| *service)
    }

    /// The same, with what matched or why nothing did.
    pub fn explain(&self, host: &[u8], path: &[u8]) -> Result<Matched, Unmatched> {
        let mut buffer = [0; LONGEST_HOST];
        let (host, paths) = self.table.paths(normal(host, &mut buffer)).ok_or(Unmatched::Host)?;
        let (prefix, service) = longest(paths, path).ok_or(Unmatched::Path)?;
        let path = if prefix.is_empty() { "/".into() } else { String::from_utf8_lossy(prefix).into_owned() };
        Ok(Matched { host: host.pattern(), path, service: *service })
    }
}

/// Which key of the table a host matched.
enum Key<'a> {
    Exact(&'a [u8]),
    Suffix(&'a [u8]),
    Any,
}

impl Key<'_> {
    fn pattern(&self) -> HostPattern {
        match self {
            Key::Exact(name) => HostPattern::Exact(String::from_utf8_lossy(name).into_owned()),
            Key::Suffix(name) => HostPattern::Suffix(String::from_utf8_lossy(name).into_owned()),
            Key::Any => HostPattern::Any,
        }
    }
}

impl Table {
    /// The paths of the pattern that has this host; `None`: a host that no pattern but `*` can have.
    fn paths<'a>(&'a self, name: Option<&'a [u8]>) -> Option<(Key<'a>, &'a Paths)> {
        let any = || (!self.any.is_empty()).then_some((Key::Any, &self.any));
        name.and_then(|name| self.named(name)).or_else(any)
    }

    fn named<'a>(&'a self, name: &'a [u8]) -> Option<(Key<'a>, &'a Paths)> {
        if let Some(paths) = self.exact.get(name) {
            return Some((Key::Exact(name), paths));
        }
        if self.suffix.is_empty() {
            return None;
        }
        // From the left: the first dot leaves the longest suffix. `*.example.net` wants a label in front of it.
        memchr::memchr_iter(b'.', name).filter(|dot| *dot > 0).find_map(|dot| {
            let suffix = &name[dot + 1..];
            self.suffix.get(suffix).map(|paths| (Key::Suffix(suffix), paths))
        })
    }
}

/// The host in lower case, without port and final dot, an address in its shortest form; `None` if no pattern but `*` can match it.
fn normal<'a>(host: &[u8], buffer: &'a mut [u8; LONGEST_HOST]) -> Option<&'a [u8]> {
    if host.first()? == &b'[' {
        // Its colons are not a port's.
        let address = &host[1..memchr::memchr(b']', host)?];
        let address: Ipv6Addr = std::str::from_utf8(address).ok()?.parse().ok()?;
        let mut left = &mut buffer[..];
        write!(left, "[{address}]").ok()?;
        let length = LONGEST_HOST - left.len();
        return Some(&buffer[..length]);
    }
    let name = memchr::memchr(b':', host).map_or(host, |colon| &host[..colon]);
    let name = name.strip_suffix(b".").unwrap_or(name);
    let out = buffer.get_mut(..name.len())?;
    out.copy_from_slice(name);
    out.make_ascii_lowercase();
    (!out.is_empty()).then_some(out)
}

fn longest<'a>(paths: &'a Paths, path: &[u8]) -> Option<&'a (Box<[u8]>, usize)> {
    paths.iter().find(|(prefix, _)| {
        path.strip_prefix(&**prefix)
            .is_some_and(|rest| prefix.is_empty() || matches!(rest.first(), None | Some(b'/' | b'?')))
    })
}

#[cfg(test)]
mod tests;
