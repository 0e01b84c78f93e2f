//! Selects hosts by `--only HOST|ROLE|LOCATION` and `--skip HOST` (pure).

use std::collections::BTreeSet;

use crate::config::near_miss::did_you_mean;
use crate::fleet::{Fleet, Role};
use crate::push::error::Error;

/// What the operator asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Change only these hosts, roles or locations; the others are still asked and locked.
    pub only: Vec<String>,
    /// Do not ask, lock or change these hosts, because they may be dead.
    pub skip: Vec<String>,
}

/// The selected hosts, in order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The hosts that may change.
    pub chosen: Vec<String>,
    /// The hosts that are asked and locked: all that are not skipped.
    pub unskipped: Vec<String>,
}

impl Selected {
    /// The skipped hosts.
    pub fn skipped(&self, fleet: &Fleet) -> Vec<String> {
        fleet.hosts.keys().filter(|name| !self.unskipped.contains(name)).cloned().collect()
    }
}

impl Selection {
    /// Applies the selection to a fleet.
    ///
    /// # Errors
    ///
    /// A word that names no host, role or location of the fleet.
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
    let meant = did_you_mean(word, known.iter().copied());
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Error::new(format!("{option} {word}: nothing in the fleet has that name{meant} There is: {known}"))
}

#[cfg(test)]
mod tests;
