//! Host and path to front (pure): exact host, else the longest `*.suffix`, else `*`; then the longest path prefix, in whole
//! segments, undecoded.
//!
//! Owns the routing table of a document. Must never: decode, rewrite or allocate for a request. Called by the workers
//! for each request and by `explain`. The host decides first and alone: a host that is named exactly never falls back
//! to a `*.suffix` for a path it does not have (as nginx picks its server before its location).

pub mod spelling;

use std::sync::Arc;

use super::hosts::{HostTable, Room};
use super::path_prefix::begins_with;
use crate::config::proxy::HostPattern;

/// The routing table. Cheap to clone: it is built once for each document and shared by all snapshots of it.
#[derive(Debug, Default, Clone)]
pub struct Router {
    table: Arc<HostTable<Paths>>,
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
    /// The front's index.
    pub front: usize,
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
    /// Builds it from `(host, path prefix, front index)`. Of two equal routes the first counts (the document's
    /// checks refuse them).
    pub fn new(routes: impl IntoIterator<Item = (HostPattern, String, usize)>) -> Router {
        let mut table = HostTable::<Paths>::default();
        for (host, path, front) in routes {
            table.entry(host).push((path.trim_end_matches('/').as_bytes().into(), front));
        }
        for paths in table.values_mut() {
            paths.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        Router { table: Arc::new(table) }
    }

    /// The front for a Host (any case, with or without port and final dot) and an undecoded path.
    pub fn route(&self, host: &[u8], path: &[u8]) -> Option<usize> {
        let mut room = Room::default();
        let (_, paths) = self.table.find(host, &mut room)?;
        longest(paths, path).map(|(_, front)| *front)
    }

    /// The same, with what matched or why nothing did.
    pub fn explain(&self, host: &[u8], path: &[u8]) -> Result<Matched, Unmatched> {
        let mut room = Room::default();
        let (host, paths) = self.table.find(host, &mut room).ok_or(Unmatched::Host)?;
        let (prefix, front) = longest(paths, path).ok_or(Unmatched::Path)?;
        let path = if prefix.is_empty() { "/".into() } else { String::from_utf8_lossy(prefix).into_owned() };
        Ok(Matched { host: host.pattern(), path, front: *front })
    }
}

fn longest<'a>(paths: &'a Paths, path: &[u8]) -> Option<&'a (Box<[u8]>, usize)> {
    paths.iter().find(|(prefix, _)| begins_with(path, prefix))
}

#[cfg(test)]
mod tests;
