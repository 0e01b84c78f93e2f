//! How the descriptors that a process may have open are shared out: what keeps the daemon alive first, visitors the rest.
//!
//! A check without a descriptor says nothing, so a backend that dies then is not failed over from; a nameserver, an operator
//! or a peer that gets none takes a daemon that serves for one that is dead. So the limit on visitors' connections is what is left
//! when each of those has its own. Called when a document is read, at a start and at a reload.

use std::fmt;

use super::super::admin::MAX_CONNECTIONS;
use super::super::peers::connections_with;

/// What a process has open besides what is counted here: standard streams, logs, signals, locks, state files being written.
const PROCESS: u64 = 32;

/// What one thread that serves has open: its poll and the handles that wake it.
const THREAD: u64 = 4;

/// Descriptors that visitors cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// Threads, logs, state files, listening sockets.
    pub process: u64,
    /// Two for each target that is probed: with a changed check the one before is asked too.
    pub checks: u64,
    /// The admin API: all that one of its two sockets may have. The other one is for a scrape now and then.
    pub admin: u64,
    /// The exchange with peers.
    pub peers: u64,
    /// Connections beyond the limit on which readiness is answered.
    pub readiness: u64,
}

impl Reserved {
    /// What a daemon with so many threads, listening sockets, probed targets and peers needs.
    pub fn of(threads: usize, sockets: usize, targets: usize, peers: usize) -> Reserved {
        Reserved {
            process: PROCESS + THREAD * threads as u64 + sockets as u64,
            checks: 2 * targets as u64,
            admin: MAX_CONNECTIONS as u64,
            peers: connections_with(peers) as u64,
            readiness: 0,
        }
    }

    /// All of them.
    pub fn sum(&self) -> u64 {
        self.process + self.checks + self.admin + self.peers + self.readiness
    }

    /// What is left for visitors of `open_files`.
    ///
    /// # Errors
    ///
    /// Not even `least` are left.
    pub fn left_of(&self, open_files: u64, least: u64) -> Result<u64, DescriptorError> {
        let left = open_files.saturating_sub(self.sum());
        if left < least {
            Err(DescriptorError { open_files, reserved: *self, visitors: least, wanted: None })
        } else {
            Ok(left)
        }
    }

    /// A number of visitors' connections that a document asks for does not fit.
    pub fn too_small_for(&self, open_files: u64, wanted: Wanted) -> DescriptorError {
        DescriptorError { open_files, reserved: *self, visitors: wanted.descriptors, wanted: Some(wanted) }
    }
}

/// For the operator: the default of `key` does not fit.
pub fn lowered(key: &str, value: usize, default: usize, open_files: u64) -> Option<String> {
    let note = || {
        format!(
            "{key} is {value}, not the default of {default}: this process may have {open_files} files open; raise its limit \
             (LimitNOFILE) for more"
        )
    };
    (value < default).then(note)
}

/// What a document asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The key that asks.
    pub key: &'static str,
    /// What it says.
    pub value: u64,
    /// The descriptors that this takes.
    pub descriptors: u64,
    /// The largest value that fits; none if not even the smallest does.
    pub most: Option<u64>,
}

/// The process may not have as many files open as its document needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorError {
    open_files: u64,
    reserved: Reserved,
    /// Descriptors for visitors: those that the document asks for, or the fewest that serve one.
    visitors: u64,
    wanted: Option<Wanted>,
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reserved { process, checks, admin, peers, readiness } = self.reserved;
        let needed = self.reserved.sum() + self.visitors;
        if let Some(Wanted { key, value, .. }) = self.wanted {
            write!(f, "{key}: {value} ")?;
        }
        let DescriptorError { open_files, visitors, .. } = self;
        write!(f, "needs {needed} open files, but this process may have {open_files} ({visitors} for visitors, ")?;
        write!(f, "{checks} for checks, {admin} for the admin API, {peers} for peers, ")?;
        if readiness > 0 {
            write!(f, "{readiness} for readiness, ")?;
        }
        write!(f, "{process} for threads, sockets and logs): raise its limit (LimitNOFILE)")?;
        match self.wanted {
            Some(Wanted { key, most: Some(most), .. }) => write!(f, " or set {key} to at most {most}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for DescriptorError {}
