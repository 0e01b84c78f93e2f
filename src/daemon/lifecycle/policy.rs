//! What a reload does with a changed key of the document (pure).
//!
//! Most keys are taken in place. A process cannot change what it is known by and where its state lies while it runs: for
//! those it starts its own program with `--takeover`, and the successor has the new document. The operator's socket can change
//! at a restart alone: it is where a successor would ask. docs/documents.md says the same for every key, and a test compares.

use super::daemon::Settings;

/// What a reload does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnReload {
    /// A successor takes over.
    Takeover,
    /// The reload is refused: a restart is needed.
    Refused,
}

/// Every key that is not taken in place, by its path in the document; `workers` is one where a daemon's threads are started
/// once ([`Settings::fixed_workers`]).
pub const NOT_IN_PLACE: [(&str, OnReload); 4] = [
    ("name", OnReload::Takeover),
    ("state_dir", OnReload::Takeover),
    ("workers", OnReload::Takeover),
    ("admin.socket", OnReload::Refused),
];

/// How a new document comes into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// In this process.
    InPlace,
    /// In a successor, because these keys have changed.
    Takeover(Vec<&'static str>),
    /// Not at all, because this key has changed.
    Refused(&'static str),
}

/// Decides by what has changed.
pub fn decide(present: &Settings<'_>, next: &Settings<'_>) -> Decision {
    let changed = |key: &str| match key {
        "name" => present.name != next.name,
        "state_dir" => present.state_dir != next.state_dir,
        "workers" => present.fixed_workers != next.fixed_workers,
        "admin.socket" => present.admin.socket != next.admin.socket,
        _ => false,
    };
    let of = |what: OnReload| {
        let keys = NOT_IN_PLACE.iter().filter(move |(key, on_reload)| *on_reload == what && changed(key));
        keys.map(|(key, _)| *key)
    };
    if let Some(key) = of(OnReload::Refused).next() {
        return Decision::Refused(key);
    }
    let keys: Vec<_> = of(OnReload::Takeover).collect();
    if keys.is_empty() { Decision::InPlace } else { Decision::Takeover(keys) }
}

#[cfg(test)]
mod tests;
