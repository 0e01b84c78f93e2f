//! Who may have our sockets: a process of our own user and unit that is itself at the other end of this socket.
//!
//! A user id alone says too little: root reaches every socket, and whatever root passes on (the gate's relay, `socat`) is
//! root to us. So the heir sends its own pidfd with its hello. A relay of bytes cannot carry a descriptor, and a relay that
//! could is another process than the one whose id the kernel noted when the socket was connected (SO_PEERCRED, unix(7)).

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::UnixStream;

/// A process that has proved who it is.
#[derive(Debug)]
pub(super) struct Heir {
    /// Its id.
    pub(super) process: i32,
    /// Its pidfd: it stays this process, also when its id is given to another.
    pidfd: OwnedFd,
}

impl Heir {
    /// The process at the other end of `stream`, if this pidfd, which came over it, is its own, and it belongs to us.
    /// The error goes on after "the new process".
    pub(super) fn prove(stream: &UnixStream, pidfd: OwnedFd, our_user: u32) -> Result<Heir, String> {
        let peer = stream.peer_cred().map_err(|error| format!("cannot be known (SO_PEERCRED): {error}"))?;
        if peer.uid() != our_user {
            return Err(format!("runs as user id {}, this daemon as {our_user}", peer.uid()));
        }
        let proved = process_of(&pidfd).map_err(|error| format!("sent something that is no pidfd: {error}"))?;
        let Some(process) = peer.pid().filter(|process| *process == proved) else {
            return Err(format!(
                "is not itself at the other end of this socket: process {} connected it, process {proved} asks",
                peer.pid().map_or_else(|| "of another PID namespace".to_owned(), |process| process.to_string())
            ));
        };
        let cgroups = |process: &str| fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        same_unit(&cgroups("self"), &cgroups(&process.to_string()))?;
        Ok(Heir { process, pidfd })
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
/// the service's end, and start another beside the heir. Who runs in none (a terminal, the demo) is not held to it.
fn same_unit(ours: &str, theirs: &str) -> Result<(), String> {
    match (service(ours), service(theirs)) {
        (Some(ours), theirs) if theirs != Some(ours) => Err(format!(
            "runs in {}, this daemon in the service {ours}: reload that service instead",
            theirs.map_or_else(|| "no service".to_owned(), |unit| format!("the service {unit}"))
        )),
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
