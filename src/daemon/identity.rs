//! A daemon's own key pair, by which its peers, and others whom it tells something, know it.
//!
//! Owns the private half, from the file to the handshake. Must never: print it, or write over a file that is there.
//! Called by both daemons at a start and a reload, and by `polder keys identity`.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};

use crate::config::{PeersConfig, PublicKey};
use crate::daemon::key_file::{KeyError, key, read_lines};

/// An X25519 key pair. The private half is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    private: [u8; 32],
    public: PublicKey,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public)
    }
}

impl Identity {
    /// The key pair of a private half.
    ///
    /// # Errors
    ///
    /// The cryptographic library has no X25519.
    pub fn of(private: [u8; 32]) -> Result<Identity, KeyError> {
        let curve = DefaultResolver.resolve_dh(&DHChoice::Curve25519);
        let mut pair = curve.ok_or_else(|| KeyError::new("this program was built without X25519"))?;
        pair.set(&private);
        let public = pair
            .pubkey()
            .try_into()
            .map_err(|_| KeyError::new("this program's X25519 gives public keys of another length"))?;
        Ok(Identity { private, public: PublicKey(public) })
    }

    /// Reads the file of a private key: one line, 32 bytes in base64.
    ///
    /// # Errors
    ///
    /// With file and line, never with what the file holds.
    pub fn read(file: &Path) -> Result<Identity, KeyError> {
        let makes = format!("`polder keys identity --make {}` makes one", file.display());
        let expected = format!("this daemon's own private one ({makes})");
        let keys = read_lines(file, &expected, &makes, key)?;
        match keys.as_slice() {
            [private] => Identity::of(*private),
            more => Err(KeyError::at(file, None, format!("{} keys; expected one, this daemon's own", more.len()))),
        }
    }

    /// Reads the key of a document's daemon, and checks that the document lists its public half for that daemon: its
    /// peers, who have the same list, would refuse any other.
    ///
    /// # Errors
    ///
    /// With the place in the document; if another public key has to stand there, which.
    pub fn of_daemon(name: &str, config: &PeersConfig) -> Result<Identity, KeyError> {
        let identity = Identity::read(&config.key_file).map_err(|error| error.of("peers.key_file"))?;
        match &config.own_keys {
            Some(listed) if !listed.contains(&identity.public) => {
                let found = match listed.as_slice() {
                    [] => "lists none".to_owned(),
                    listed => {
                        format!("lists {}", listed.iter().map(|key| format!("{key}")).collect::<Vec<_>>().join(", "))
                    }
                };
                let why = format!(
                    "{found}; expected \"{}\", the public half of {}: put it there on every host (NixOS: \
                     polder.fleet.hosts.{name}.peerKeys), or its peers refuse this daemon",
                    identity.public,
                    config.key_file.display()
                );
                Err(KeyError::new(why).of(format!("peers.members.{name}.keys")))
            }
            _ => Ok(identity),
        }
    }

    /// Makes a key pair and its file, which only the file's owner can read (mode 0400). Made by root in another user's
    /// folder, it is that user's. Folders that are missing are made. A file that is there is never written over: its key
    /// pair is given.
    ///
    /// # Errors
    ///
    /// With the file. Nothing is left behind.
    pub fn make(file: &Path) -> Result<Identity, KeyError> {
        if file.exists() {
            return Identity::read(file);
        }
        let mut private = [0; 32];
        crate::random::fill(&mut private).map_err(|_| KeyError::new("the system gives no random bytes"))?;
        let identity = Identity::of(private)?;
        identity.write(file).map_err(|error| KeyError::at(file, None, format!("cannot be made: {error}")))?;
        Ok(identity)
    }

    fn write(&self, file: &Path) -> io::Result<()> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut made = OpenOptions::new().write(true).create_new(true).mode(0o400).open(file)?;
        let written = self.fill(&mut made, folder);
        if written.is_err() {
            // The error that counts is the first one.
            let _ = fs::remove_file(file);
        }
        written
    }

    fn fill(&self, made: &mut File, folder: &Path) -> io::Result<()> {
        if nix::unistd::geteuid().is_root() {
            let owner = fs::metadata(folder)?;
            fchown(&*made, Some(owner.uid()), None)?;
        }
        writeln!(made, "# Private. The public half: {}\n{}", self.public, STANDARD.encode(self.private))?;
        made.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// The half that the document lists for this daemon.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// For the handshake.
    pub(super) fn private(&self) -> &[u8; 32] {
        &self.private
    }
}

#[cfg(test)]
mod tests;
