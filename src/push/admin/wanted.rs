//! What the last push from this admin machine wanted every host to run: what `polder status` holds the hosts against.
//!
//! Owns `STATE_DIR/wanted.json`. Written by `polder push` and `polder rollback` when they begin.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::push::admin::Admin;
use crate::push::admin::state;

/// The systems of one push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The push.
    pub push: String,
    /// When it began, in milliseconds since the epoch.
    pub at: u64,
    /// By host, those left out too.
    pub systems: BTreeMap<String, PathBuf>,
}

/// Keeps it.
///
/// # Errors
///
/// The state folder cannot be written.
pub fn store(admin: &Admin, wanted: &Wanted) -> io::Result<()> {
    state::write(&file(admin), &serde_json::to_string(wanted)?)
}

/// What was kept last. A file that cannot be read is none: the ledgers tell the rest.
pub fn load(admin: &Admin) -> Option<Wanted> {
    serde_json::from_slice(&std::fs::read(file(admin)).ok()?).ok()
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("wanted.json")
}

#[cfg(test)]
mod tests;
