//! A whole fleet on loopback, to look at (`polder demo`) and to break (`polder drill`).
//!
//! - [`fleet`] starts it: two nameservers, three proxies, two services with real backends, every one a process.
//!   [`addresses`], [`directory`], [`identities`] and [`documents`] give it a place; [`supervisor`] (over [`process`] and [`notify`])
//!   is its service manager; [`backend`] is what its webservers are.
//! - [`visitor`] keeps a realistic load on any fleet and records what visitors saw. It knows nothing of this one.
//! - [`drill`] walks through the failure promises and judges what the visitor recorded.
//! - [`control`] lets other terminals break parts of a running demo.
//!
//! These are the real daemons over real sockets. Must never: reach into a daemon other than as an operator or a
//! visitor can, or leave a process or file behind.

pub mod addresses;
pub mod backend;
pub mod control;
pub mod directory;
pub mod documents;
pub mod drill;
pub mod fleet;
pub mod identities;
mod names;
pub mod notify;
pub mod process;
pub mod supervisor;
pub mod visitor;
pub mod webserver;

use std::path::PathBuf;

/// Why a fleet cannot be started or a part of it cannot be broken or mended; for the person at the terminal.
#[derive(Debug)]
pub struct Error(pub String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error(error.to_string())
    }
}

/// The programs a fleet is made of.
#[derive(Debug, Clone)]
pub struct Programs {
    /// This program: its hidden verbs are the backends and the step before a daemon.
    pub polder: PathBuf,
    /// The proxy daemon.
    pub proxy: PathBuf,
    /// The nameserver daemon.
    pub dns: PathBuf,
}

impl Programs {
    /// Those that stand beside the running program.
    pub fn beside_this_one() -> Result<Programs, Error> {
        let polder = std::env::current_exe().map_err(|error| Error(format!("cannot find this program: {error}")))?;
        let beside = |name: &str| {
            let path = polder.with_file_name(name);
            if path.is_file() {
                return Ok(path);
            }
            Err(Error(format!(
                "{} is not there: the demo runs the daemons that stand beside this program; build all three with \
                 `cargo build --release --bins`",
                path.display()
            )))
        };
        Ok(Programs { proxy: beside("polder-proxy")?, dns: beside("polder-dns")?, polder })
    }
}
