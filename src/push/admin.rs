//! The admin machine's own facts: who it is, which keys it has, where it keeps what it knows. `/etc/polder/admin.json`,
//! rendered by modules/admin.nix. Nothing of the fleet stands there: that comes from the working copy.

pub mod copies;
pub mod desired;
pub mod known_fleet;
pub mod state;

use std::path::{Path, PathBuf};

use crate::config::reader::{Keys, Read, Value, read_file};
use crate::config::{Findings, version};

/// Where it is, on an admin machine.
pub const FILE: &str = "/etc/polder/admin.json";

const ROOT: Keys = Keys {
    object: "the admin document",
    names: &["deploy_key", "deploy_user", "location", "name", "signing_key", "state_dir", "version", "working_copy"],
};

/// An admin machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Its name in the fleet.
    pub name: String,
    /// Where it stands.
    pub location: String,
    /// The private SSH key that opens the hosts' gates.
    pub deploy_key: PathBuf,
    /// The key that signs what is copied (`nix key generate-secret`).
    pub signing_key: PathBuf,
    /// The user on the hosts whose only command is the gate.
    pub deploy_user: String,
    /// The working copy of the fleet.
    pub working_copy: PathBuf,
    /// Where copies of the ledgers, the fleet of the last push and deferred commits are kept.
    pub state_dir: PathBuf,
}

impl Admin {
    /// The fleet's folder that is meant where none is named: this one if it has a flake, else the working copy.
    pub fn fleet_folder(&self) -> PathBuf {
        let here = PathBuf::from(".");
        if here.join("flake.nix").is_file() { here } else { self.working_copy.clone() }
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// Every finding.
    pub fn load(file: &Path) -> Result<Admin, Findings> {
        read_file(file, read)
    }
}

fn read(document: &Value<'_>) -> Read<Admin> {
    version::read(document)?;
    let root = document.object(&ROOT)?;
    let text = |key: &str| root.required(key, |value| value.text("a name").map(str::to_owned));
    let path = |key: &str| root.required(key, |value| value.text("an absolute path").map(PathBuf::from));
    let (name, location, deploy_user) = (text("name"), text("location"), text("deploy_user"));
    let (deploy_key, signing_key) = (path("deploy_key"), path("signing_key"));
    let (working_copy, state_dir) = (path("working_copy"), path("state_dir"));
    Ok(Admin {
        name: name?,
        location: location?,
        deploy_key: deploy_key?,
        signing_key: signing_key?,
        deploy_user: deploy_user?,
        working_copy: working_copy?,
        state_dir: state_dir?,
    })
}
