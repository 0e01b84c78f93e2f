//! Three members of etcd on loopback, where the program is installed: what proxies agree by ([`crate::proxy::agreement`]).
//!
//! Owns their processes. Must never: know what is kept there. Called by [`super::sites`].

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use super::addresses::{Addresses, STORE_MEMBERS};
use super::process::Process;
use crate::daemon::launch;

/// The program.
pub const PROGRAM: &str = "etcd";

/// Whether a program can be started by its name.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The members; they end when this is dropped.
pub struct Store {
    members: Vec<Process>,
    clients: Vec<SocketAddr>,
}

impl Drop for Store {
    fn drop(&mut self) {
        for member in &self.members {
            member.kill_soon();
        }
    }
}

impl Store {
    /// Starts them, with their data in this folder; they answer when they have found each other. Must be called within a `LocalSet`.
    ///
    /// # Errors
    ///
    /// The program cannot be started, or the folder not be written to.
    pub fn start(polder: &Path, folder: &Path, addresses: &Addresses) -> io::Result<Store> {
        let mut store = Store { members: Vec::new(), clients: Vec::new() };
        let peer = |member| format!("http://{}", addresses.store_peer(member));
        let all: Vec<String> = (0..STORE_MEMBERS).map(|member| format!("etcd-{member}={}", peer(member))).collect();
        if folder.exists() {
            // Of the members before these.
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir(folder)?;
        for member in 0..STORE_MEMBERS {
            let (client, peer) = (format!("http://{}", addresses.store_client(member)), peer(member));
            let mut command = launch::command(polder, PROGRAM);
            command.args(["--name", &format!("etcd-{member}"), "--data-dir"]).arg(folder.join(member.to_string()));
            command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
            command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
            command.args(["--initial-cluster", &all.join(",")]);
            let log = std::fs::File::create(folder.join(format!("{member}.log")))?;
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let (process, ..) = Process::start(command)?;
            store.members.push(process);
            store.clients.push(addresses.store_client(member));
        }
        Ok(store)
    }

    /// Where clients reach them.
    pub fn clients(&self) -> &[SocketAddr] {
        &self.clients
    }

    /// Stops a member without ending it, or lets it go on.
    pub async fn freeze(&self, member: usize, frozen: bool) {
        self.members[member].signal(if frozen { Signal::SIGSTOP } else { Signal::SIGCONT }).await;
    }
}
