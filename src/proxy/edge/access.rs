//! Which visitors a service serves, by their networks.
//!
//! The most specific network that a visitor is in decides. So that ten thousand of them cost a request no more than ten, they are cut
//! into the ranges of addresses between which the answer changes ([`ranges`]), which is done anew when a file of them has changed.

mod networks;
mod ranges;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use ipnet::IpNet;

use super::watched::{Watched, WatchedFile};
use crate::config::proxy::{AccessConfig, NetworkList};
use networks::Networks;
use ranges::{Ranges, Span};

/// What is said of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Its visitors are served.
    Allow,
    /// They are refused.
    Deny,
}

/// What decided about a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The most specific network that he is in.
    By(Rule, IpNet),
    /// He is in none of the networks, of which none is allowed.
    NotDenied,
    /// He is in none of the networks, and some are allowed.
    NotAllowed,
    /// A trusted proxy did not say who he is.
    Unknown,
    /// A file of networks never held any that could be used.
    Unread,
}

impl Ruling {
    /// He is served.
    pub fn serves(self) -> bool {
        matches!(self, Ruling::By(Rule::Allow, _) | Ruling::NotDenied)
    }
}

impl fmt::Display for Ruling {
    /// What follows after the visitor's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ruling::By(Rule::Allow, network) => write!(f, "is allowed by allow {network}"),
            Ruling::By(Rule::Deny, network) => write!(f, "is denied by deny {network}"),
            Ruling::NotDenied => f.write_str("is in no network of deny, and so allowed"),
            Ruling::NotAllowed => f.write_str("is in no network of allow, and so denied"),
            Ruling::Unknown => f.write_str("is not named by the trusted proxy that it came by, and so denied"),
            Ruling::Unread => {
                f.write_str("cannot be judged, because a file of networks cannot be used, and so nobody is let in")
            }
        }
    }
}

/// The networks of a service.
#[derive(Debug)]
pub struct Access {
    listed: Box<[(Rule, IpNet)]>,
    files: Box<[(Rule, WatchedFile<Networks>)]>,
    /// Whoever is in none of them.
    otherwise: Ruling,
    /// None where a file never could be used.
    laid_out: ArcSwapOption<Table>,
}

/// All of them, laid out.
#[derive(Debug)]
struct Table {
    rules: Box<[(Rule, IpNet)]>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl Access {
    /// Reads the files, and lays all out; none if everybody is served.
    pub fn new(config: &AccessConfig) -> Option<Access> {
        if config.is_open() {
            return None;
        }
        // The later one of two that are the same counts: what is denied anywhere is denied.
        let lists = [(Rule::Allow, "allow", &config.allow), (Rule::Deny, "deny", &config.deny)];
        let listed = lists.iter().flat_map(|(rule, _, list)| list.networks.iter().map(|network| (*rule, *network)));
        let open = |rule: Rule, key: &'static str, list: &NetworkList| {
            let open = |file| (rule, WatchedFile::open(file, key));
            list.files.iter().map(|file| open(file)).collect::<Vec<_>>()
        };
        let access = Access {
            listed: listed.collect(),
            files: lists.iter().flat_map(|(rule, key, list)| open(*rule, key, list)).collect(),
            otherwise: if config.allow.is_empty() { Ruling::NotDenied } else { Ruling::NotAllowed },
            laid_out: ArcSwapOption::empty(),
        };
        access.lay_out();
        Some(access)
    }

    /// What decides about a visitor; none: nobody knows who he is.
    pub fn judge(&self, visitor: Option<IpAddr>) -> Ruling {
        let table = self.laid_out.load();
        match (&*table, visitor) {
            (None, _) => Ruling::Unread,
            (_, None) => Ruling::Unknown,
            (Some(table), Some(visitor)) => {
                table.find(visitor.to_canonical()).map_or(self.otherwise, |(rule, network)| Ruling::By(rule, network))
            }
        }
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &dyn Watched> {
        self.files.iter().map(|(_, file)| file as &dyn Watched)
    }

    /// Takes what the files hold now, in whatever order they are looked at.
    pub fn lay_out(&self) {
        // Again, if somebody else has done so meanwhile: he may have seen less of them, or more.
        self.laid_out.rcu(|_| self.table());
    }

    /// All rules. None: a file never could be used, and nobody is judged.
    fn table(&self) -> Option<Arc<Table>> {
        let mut rules = self.listed.to_vec();
        for (rule, file) in &self.files {
            rules.extend(file.content()?.iter().map(|network| (*rule, *network)));
        }
        rules.sort_by_key(|(rule, _)| *rule == Rule::Deny);
        Some(Arc::new(Table::new(rules.into_boxed_slice())))
    }
}

impl Table {
    fn new(rules: Box<[(Rule, IpNet)]>) -> Table {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (place, (_, network)) in (0..).zip(&rules) {
            match network {
                IpNet::V4(net) => v4.push(Span::new(net.network().to_bits(), net.broadcast().to_bits(), place)),
                IpNet::V6(net) => v6.push(Span::new(net.network().to_bits(), net.broadcast().to_bits(), place)),
            }
        }
        let (v4, v6) = (Ranges::new(v4, |end| end.checked_add(1)), Ranges::new(v6, |end| end.checked_add(1)));
        Table { rules, v4, v6 }
    }

    /// The most specific rule about an address.
    fn find(&self, address: IpAddr) -> Option<(Rule, IpNet)> {
        let place = match address {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        };
        self.rules.get(usize::try_from(place?).ok()?).copied()
    }
}

#[cfg(test)]
mod tests;
