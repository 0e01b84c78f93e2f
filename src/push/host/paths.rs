//! The paths on a host that is pushed to, in one value, so that a test can put all of them into a folder of its own.

use std::path::{Path, PathBuf};

use crate::api::daemon::Daemon;

/// The paths.
#[derive(Debug, Clone)]
pub struct HostPaths {
    /// The gate's and the supervisor's state: lock, ledger, activation.
    pub state: PathBuf,
    /// The link to the system that runs.
    pub current: PathBuf,
    /// The link to the system of the last boot.
    pub booted: PathBuf,
    /// The profile of systems: what the boot loader offers.
    pub profile: PathBuf,
    /// Garbage collector roots of systems that were copied and are not confirmed yet.
    pub roots: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// The spool of uploads that the store does not have yet. It belongs to the deploy user.
    pub spool: PathBuf,
    /// The relay's state.
    pub relay_state: PathBuf,
    /// Key files.
    pub keys: PathBuf,
    /// The trusted public signing keys, one per line.
    pub signing_keys: PathBuf,
    /// Copies of other hosts' ledgers, on an admin machine.
    pub copies: PathBuf,
    /// Where the daemons' admin sockets are: `DIR/polder-proxy/admin.sock`.
    pub runtime: PathBuf,
    /// The program that restarts the machine.
    pub systemctl: PathBuf,
}

impl HostPaths {
    /// The paths of a NixOS machine.
    pub fn of_this_machine() -> HostPaths {
        HostPaths::under(Path::new("/"))
    }

    /// The same paths below another folder.
    pub fn under(root: &Path) -> HostPaths {
        HostPaths {
            state: root.join("var/lib/polder-push"),
            current: root.join("run/current-system"),
            booted: root.join("run/booted-system"),
            profile: root.join("nix/var/nix/profiles/system"),
            roots: root.join("nix/var/nix/gcroots/polder-push"),
            store: root.join("nix/store"),
            spool: root.join("var/spool/polder-deploy"),
            relay_state: root.join("var/lib/polder-relay"),
            keys: root.join("var/lib/polder-keys"),
            signing_keys: root.join("etc/polder/signing-keys"),
            copies: root.join("var/lib/polder-admin/ledgers"),
            runtime: root.join("run"),
            systemctl: PathBuf::from("systemctl"),
        }
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.jsonl")
    }

    /// The supervisor's socket, which exists while an activation is under way.
    pub fn supervisor(&self) -> PathBuf {
        self.state.join("supervisor.sock")
    }

    /// A daemon's admin socket.
    pub fn admin_socket(&self, daemon: Daemon) -> PathBuf {
        self.runtime.join(daemon.program()).join("admin.sock")
    }
}

#[cfg(test)]
mod tests;
