//! The key pairs of a demo fleet's daemons: made at the start, each in the folder of its daemon.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::addresses::{NAMESERVERS, PROXIES};
use super::names::{nameserver_name, proxy_name};
use crate::config::PublicKey;
use crate::daemon::peers::Identity;

/// The public halves, by the daemons' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities(BTreeMap<String, PublicKey>);

impl Identities {
    /// Makes one for every daemon of the fleet in this folder.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn make(folder: &Path) -> io::Result<Identities> {
        let names = (0..NAMESERVERS).map(nameserver_name).chain((0..PROXIES).map(proxy_name));
        let made = names.map(|name| {
            let identity = Identity::make(&file(folder, &name)).map_err(io::Error::other)?;
            Ok((name, identity.public()))
        });
        made.collect::<io::Result<_>>().map(Identities)
    }

    /// That of a daemon.
    pub fn of(&self, name: &str) -> Option<PublicKey> {
        self.0.get(name).copied()
    }
}

/// Where a daemon's private key is.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).join("identity.key")
}
