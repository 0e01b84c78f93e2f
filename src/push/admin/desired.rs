//! The desired state: what every host should run after the last push from this admin machine. `polder status` compares the hosts with it.
//!
//! Owns `STATE_DIR/wanted.json`. Written by `polder push` and `polder rollback` when they begin.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::push::admin::Admin;
use crate::push::admin::state;
use crate::push::error::Error;
use crate::unix_time::unix_ms;

/// The systems of one push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredState {
    /// The push.
    pub push: String,
    /// When it began, in milliseconds since the epoch.
    pub at: u64,
    /// By host, including those that were left out.
    pub systems: BTreeMap<String, PathBuf>,
}

/// Saves what every host should run.
///
/// # Errors
///
/// The state folder cannot be written.
pub fn remember<'a>(
    admin: &Admin,
    push: &str,
    systems: impl Iterator<Item = (&'a String, &'a PathBuf)>,
) -> Result<(), Error> {
    let systems = systems.map(|(host, system)| (host.clone(), system.clone())).collect();
    store(admin, &DesiredState { push: push.to_owned(), at: unix_ms(), systems }).map_err(Error::new)
}

fn store(admin: &Admin, desired: &DesiredState) -> io::Result<()> {
    state::write(&file(admin), &serde_json::to_string(desired)?)
}

/// The desired state that was saved last; `None` if there is none or it cannot be read.
pub fn load(admin: &Admin) -> Option<DesiredState> {
    serde_json::from_slice(&std::fs::read(file(admin)).ok()?).ok()
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("wanted.json")
}

#[cfg(test)]
mod tests;
