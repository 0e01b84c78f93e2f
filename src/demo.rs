//! A whole fleet on loopback, to look at (`polder demo`) and to break (`polder drill`).
//!
//! - [`fleet`] starts it: two nameservers, three proxies, two services with real backends, every one a process.
//!   [`addresses`], [`directory`], [`identities`], [`authority`] and [`documents`] say where each is and what it reads;
//!   [`supervisor`] (over [`process`] and [`notify`]) is its service manager; [`backend`] is what its webservers are.
//! - [`visitor`] keeps a realistic load on any fleet and records what visitors saw. It knows nothing of this one.
//! - [`drill`] puts each failure promise to the test and judges what the visitors recorded.
//! - [`sites`] puts it on two sites with a link between them that can be cut, made of [`relay`]s; [`store`] is what its proxies agree by then.
//! - [`control`] lets other terminals break parts of a running demo.
//!
//! These are the real daemons over real sockets. Must never: reach into a daemon other than as an operator or a
//! visitor can, or leave a process or file behind.

pub mod addresses;
pub mod authority;
pub mod backend;
pub mod control;
pub mod directory;
pub mod documents;
pub mod drill;
mod error;
pub mod fleet;
pub mod identities;
mod names;
pub mod notify;
pub mod process;
pub mod relay;
pub mod sites;
pub mod store;
pub mod supervisor;
pub mod visitor;
pub mod webserver;

use std::path::PathBuf;

pub use error::Error;
pub use names::parts;

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
        let polder = std::env::current_exe().map_err(Error::io("cannot find this program"))?;
        let beside = |name: &str| {
            let path = polder.with_file_name(name);
            path.is_file().then_some(path.clone()).ok_or_else(|| {
                Error::new(format!(
                    "{} is missing: the demo runs the daemons that stand beside this program; build all three with \
                     `cargo build --release --bins`",
                    path.display()
                ))
            })
        };
        Ok(Programs { proxy: beside("polder-proxy")?, dns: beside("polder-dns")?, polder })
    }
}
