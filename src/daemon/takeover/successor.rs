//! Which process may take our sockets: one of our own user and unit that is itself at the other end of this socket.
//!
//! A user id alone is not enough: root reaches every socket, and whatever root relays (the gate's relay, `socat`) looks like
//! root. So the successor sends its own pidfd with its hello. A relay of bytes cannot carry a descriptor, and a relay that
//! could is another process than the one whose id the kernel noted when the socket was connected (SO_PEERCRED, unix(7)).

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use tokio::net::UnixStream;

use super::process::has_ended;

/// Why a process may not have our sockets, worded to follow "the new process".
#[derive(Debug)]
pub enum NotOurs {
    /// The kernel does not say whose it is.
    Unknown(io::Error),
    /// It runs as another user.
    OtherUser {
        /// Its user id.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The descriptor that it sent is not a pidfd.
    NoPidfd(io::Error),
    /// Another process connected the socket than the one that asks.
    Relayed {
        /// The one that connected; none if it is of another PID namespace.
        connected: Option<i32>,
        /// The one that asks.
        proved: i32,
    },
    /// It belongs to another service, or to none.
    OtherService {
        /// Its service.
        theirs: Option<String>,
        /// Ours.
        ours: String,
    },
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotOurs::Unknown(error) => write!(f, "cannot be identified (SO_PEERCRED): {error}"),
            NotOurs::OtherUser { theirs, ours } => write!(f, "runs as user id {theirs}, this daemon as {ours}"),
            NotOurs::NoPidfd(error) => write!(f, "sent a descriptor that is not a pidfd: {error}"),
            NotOurs::Relayed { connected, proved } => {
                let connected = connected.map_or_else(|| "of another PID namespace".into(), |id| id.to_string());
                write!(
                    f,
                    "is not itself at the other end of this socket: process {connected} connected it, process {proved} asks"
                )
            }
            NotOurs::OtherService { theirs, ours } => {
                let theirs = theirs.as_ref().map_or_else(|| "no service".into(), |unit| format!("the service {unit}"));
                write!(f, "runs in {theirs}, this daemon in the service {ours}: reload that service instead")
            }
        }
    }
}

impl std::error::Error for NotOurs {}

/// A process that has been identified.
#[derive(Debug)]
pub(super) struct Successor {
    /// Its id.
    pub(super) process: i32,
    /// Its pidfd, which refers to this process even after its id has been reused.
    pidfd: OwnedFd,
}

impl Successor {
    /// The process at the other end of `stream`, if this pidfd, which came over it, is its own, and it belongs to us.
    pub(super) fn prove(stream: &UnixStream, pidfd: OwnedFd, our_user: u32) -> Result<Successor, NotOurs> {
        let peer = stream.peer_cred().map_err(NotOurs::Unknown)?;
        if peer.uid() != our_user {
            return Err(NotOurs::OtherUser { theirs: peer.uid(), ours: our_user });
        }
        let proved = process_of(&pidfd).map_err(NotOurs::NoPidfd)?;
        let Some(process) = peer.pid().filter(|process| *process == proved) else {
            return Err(NotOurs::Relayed { connected: peer.pid(), proved });
        };
        let cgroups = |process: &str| fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        same_unit(&cgroups("self"), &cgroups(&process.to_string()))?;
        Ok(Successor { process, pidfd })
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        has_ended(&self.pidfd)
    }
}

/// The process that a pidfd refers to (`Pid:` in its fdinfo, proc_pid_fdinfo(5)).
fn process_of(pidfd: &OwnedFd) -> io::Result<i32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    let process = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    process
        .filter(|process| *process > 0)
        .ok_or_else(|| io::Error::other("it refers to no process in this PID namespace"))
}

/// A daemon that runs in a systemd service is succeeded only within that service: systemd would take the exit of its main
/// process for the end of the service, and start another process beside the successor. A daemon outside of any service (in a
/// terminal, in the demo) may be succeeded from anywhere.
fn same_unit(ours: &str, theirs: &str) -> Result<(), NotOurs> {
    match (service(ours), service(theirs)) {
        (Some(ours), theirs) if theirs != Some(ours) => {
            Err(NotOurs::OtherService { theirs: theirs.map(str::to_owned), ours: ours.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The service's path in the hierarchy of control groups (cgroups(7): `0::PATH`), if the innermost unit is a service.
fn service(cgroups: &str) -> Option<&str> {
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let is_unit = |name: &str| [".service", ".scope", ".slice"].iter().any(|suffix| name.ends_with(suffix));
    let mut end = path.len();
    while let Some(start) = path[..end].rfind('/') {
        let name = &path[start + 1..end];
        if is_unit(name) {
            return name.ends_with(".service").then_some(&path[..end]);
        }
        end = start;
    }
    None
}

#[cfg(test)]
mod tests;
