//! The admin document: an admin machine's name, keys and folders. It is `/etc/polder/admin.json`, rendered by modules/admin.nix,
//! and says nothing about the fleet, which comes from the working copy.

pub mod copies;
pub mod desired;
pub mod known_fleet;
pub mod state;

use std::path::{Path, PathBuf};

use crate::config::reader::{Keys, Read, Value, read_file};
use crate::config::{Findings, version};

/// The path of the admin document.
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
    /// Its location.
    pub location: String,
    /// The private SSH key that opens the hosts' gates.
    pub deploy_key: PathBuf,
    /// The key that signs what is copied (`nix key generate-secret`).
    pub signing_key: PathBuf,
    /// The user on the hosts whose only command is the gate.
    pub deploy_user: String,
    /// The working copy of the fleet.
    pub working_copy: PathBuf,
    /// The folder with copies of the ledgers, the last evaluated fleet and the deferred commits.
    pub state_dir: PathBuf,
}

impl Admin {
    /// The default fleet folder: the current one if it has a flake, else the working copy.
    pub fn fleet_folder(&self) -> PathBuf {
        let here = PathBuf::from(".");
        if here.join("flake.nix").is_file() { here } else { self.working_copy.clone() }
    }

    /// Reads an admin document.
    ///
    /// # Errors
    ///
    /// All findings, if the document cannot be read or is not valid.
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
