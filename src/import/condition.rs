//! When a rule holds, as far as a table of hosts and paths can say it (pure).

use std::collections::BTreeSet;

use crate::config::HostPattern;

/// When a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// For every request.
    Always,
    /// The host matches one of these.
    Host(Vec<HostPattern>),
    /// The path lies below one of these prefixes, in whole segments.
    Path(Vec<String>),
    /// The request came over TLS.
    Tls,
    /// The other does not hold.
    Not(Box<Condition>),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// What stands for all requests that the table treats alike: those to this host, and to no narrower one that is named anywhere; below
/// this path, and below no longer one.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// Of these hosts.
    pub host: &'a HostPattern,
    /// Below this prefix.
    pub path: &'a str,
    /// Over TLS.
    pub tls: bool,
}

impl Condition {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Condition) -> Condition {
        match (self, other) {
            (Condition::Always, condition) | (condition, Condition::Always) => condition,
            (Condition::All(mut all), condition) => {
                all.push(condition);
                Condition::All(all)
            }
            (one, two) => Condition::All(vec![one, two]),
        }
    }

    /// The contrary.
    #[must_use]
    pub fn negated(self) -> Condition {
        Condition::Not(Box::new(self))
    }

    /// Whether it holds for all requests of a point. Every host and path of the condition has to be among those of which points are made.
    pub fn holds(&self, point: Point<'_>) -> bool {
        match self {
            Condition::Always => true,
            Condition::Host(patterns) => patterns.iter().any(|pattern| pattern.covers(point.host)),
            Condition::Path(prefixes) => prefixes.iter().any(|prefix| covers_path(prefix, point.path)),
            Condition::Tls => point.tls,
            Condition::Not(condition) => !condition.holds(point),
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(point)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(point)),
        }
    }

    /// Whether it speaks of hosts.
    pub fn names_hosts(&self) -> bool {
        let mut hosts = BTreeSet::new();
        self.collect(&mut hosts, &mut BTreeSet::new());
        !hosts.is_empty()
    }

    /// Whether it speaks of paths with letters, which have capitals.
    pub fn names_letters(&self) -> bool {
        let mut paths = BTreeSet::new();
        self.collect(&mut BTreeSet::new(), &mut paths);
        paths.iter().any(|path| path.bytes().any(|byte| byte.is_ascii_alphabetic()))
    }

    /// The hosts and paths that it speaks of.
    pub fn collect(&self, hosts: &mut BTreeSet<HostPattern>, paths: &mut BTreeSet<String>) {
        match self {
            Condition::Always | Condition::Tls => {}
            Condition::Host(patterns) => hosts.extend(patterns.iter().cloned()),
            Condition::Path(prefixes) => paths.extend(prefixes.iter().cloned()),
            Condition::Not(condition) => condition.collect(hosts, paths),
            Condition::All(conditions) | Condition::Any(conditions) => {
                conditions.iter().for_each(|condition| condition.collect(hosts, paths));
            }
        }
    }
}

/// Whether every path below `path` lies below `prefix`, in whole segments.
pub fn covers_path(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
