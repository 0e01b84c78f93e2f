//! The document that names the members.

use std::path::{Path, PathBuf};

use crate::config::membership::{self, MembershipConfig};
use crate::push::error::Error;

/// Where NixOS puts it.
const FILE: &str = "/etc/polder/agreement.json";

/// Where the members are named.
#[derive(Debug, Clone, clap::Args)]
pub struct FileArg {
    /// The document that names the members
    #[arg(long, value_name = "FILE", default_value = FILE)]
    pub document: PathBuf,
}

impl FileArg {
    pub(super) fn read(&self) -> Result<MembershipConfig, Error> {
        let is_usual = self.document == Path::new(FILE);
        if is_usual && !self.document.exists() {
            return Err(Error::at(FILE, "this host has no part in an agreement").remedy(
                "run it on a member or on a proxy of a fleet with polder.fleet.agreement; elsewhere write that file, or name one with --document",
            ));
        }
        membership::load(&self.document).map_err(Error::new)
    }
}
