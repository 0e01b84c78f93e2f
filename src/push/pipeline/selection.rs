//! Which hosts a verb is about: `--only HOST|ROLE|LOCATION`, `--skip HOST` (pure).

use std::collections::BTreeSet;

use crate::config::near_miss::nearest;
use crate::fleet::{Fleet, Role};
use crate::push::error::Error;

/// What the operator named.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these hosts, roles or locations; the others are asked and locked all the same.
    pub only: Vec<String>,
    /// Hosts that are not asked, not locked and not changed, because they may be dead.
    pub skip: Vec<String>,
}

/// The hosts, in order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Those that may change.
    pub chosen: Vec<String>,
    /// Those that are asked and locked: all that are not skipped.
    pub unskipped: Vec<String>,
}

impl Selected {
    /// Those that are left out because they may be dead.
    pub fn skipped(&self, fleet: &Fleet) -> Vec<String> {
        fleet.hosts.keys().filter(|name| !self.unskipped.contains(name)).cloned().collect()
    }
}

impl Selection {
    /// The hosts that are meant.
    ///
    /// # Errors
    ///
    /// A word that names nothing of the fleet.
    pub fn of(&self, fleet: &Fleet) -> Result<Selected, Error> {
        for word in &self.skip {
            if !fleet.hosts.contains_key(word) {
                return Err(unknown("--skip", word, fleet.hosts.keys().map(String::as_str)));
            }
        }
        let mut chosen = BTreeSet::new();
        for word in &self.only {
            let named: Vec<&String> = fleet.hosts.keys().filter(|name| names(fleet, word, name)).collect();
            if named.is_empty() {
                let hosts = fleet.hosts.keys().map(String::as_str);
                let locations = fleet.hosts.values().map(|host| host.location.as_str());
                return Err(unknown("--only", word, hosts.chain(Role::ALL.map(Role::name)).chain(locations)));
            }
            chosen.extend(named);
        }
        let unskipped: Vec<String> = fleet.hosts.keys().filter(|name| !self.skip.contains(name)).cloned().collect();
        let is_chosen = |name: &&String| self.only.is_empty() || chosen.contains(*name);
        Ok(Selected { chosen: unskipped.iter().filter(is_chosen).cloned().collect(), unskipped })
    }
}

/// Whether a word means a host: by its name, one of its roles, or its location.
fn names(fleet: &Fleet, word: &str, name: &str) -> bool {
    let host = &fleet.hosts[name];
    word == name || word == host.location || host.roles.iter().any(|role| role.name() == word)
}

fn unknown<'a>(option: &str, word: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: BTreeSet<&str> = known.collect();
    let meant = nearest(word, known.iter().copied()).map_or_else(String::new, |name| format!("; did you mean {name}?"));
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Error::new(format!("{option} {word}: nothing in the fleet has that name{meant} There is: {known}"))
}

#[cfg(test)]
mod tests;
