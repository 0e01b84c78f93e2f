//! Who may have our sockets: a process of our own user and unit that is itself at the other end of this socket.
//!
//! A user id alone says too little: root reaches every socket, and whatever root passes on (the gate's relay, `socat`) is
//! root to us. So the successor sends its own pidfd with its hello. A relay of bytes cannot carry a descriptor, and a relay that
//! could is another process than the one whose id the kernel noted when the socket was connected (SO_PEERCRED, unix(7)).

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::UnixStream;

/// Why a process may not have our sockets. The words go on after "the new process".
#[derive(Debug)]
pub enum NotOurs {
    /// The kernel does not tell whose it is.
    Unknown(io::Error),
    /// It runs as another user.
    OtherUser {
        /// Its user id.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// What it sent is no pidfd.
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
            NotOurs::Unknown(error) => write!(f, "cannot be known (SO_PEERCRED): {error}"),
            NotOurs::OtherUser { theirs, ours } => write!(f, "runs as user id {theirs}, this daemon as {ours}"),
            NotOurs::NoPidfd(error) => write!(f, "sent something that is no pidfd: {error}"),
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

/// A process that has proved who it is.
#[derive(Debug)]
pub(super) struct Successor {
    /// Its id.
    pub(super) process: i32,
    /// Its pidfd: it stays this process, also when its id is given to another.
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
        let mut ends = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        poll(&mut ends, PollTimeout::ZERO).is_ok_and(|readable| readable > 0)
    }
}

/// The process that a pidfd stands for (`Pid:` in its fdinfo, proc_pid_fdinfo(5)).
fn process_of(pidfd: &OwnedFd) -> io::Result<i32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    let process = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    process.filter(|process| *process > 0).ok_or_else(|| io::Error::other("it stands for no process that is here"))
}

/// Who runs in a service of systemd is succeeded in that service only: systemd would take the end of its main process for
/// the service's end, and start another beside the successor. Who runs in none (a terminal, the demo) is not held to it.
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
