//! Where a rehearsal happens, how long it may take, and why it may end early.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::config::CheckConfig;
use crate::push::error::Error;

/// On top of the slowest check of its first round, until a daemon must serve.
const START: Duration = Duration::from_secs(10);

/// Nothing is asked again after this: the gate waits for us.
pub(super) const ENOUGH: Duration = Duration::from_secs(20);

/// Where a rehearsal happens.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// This program, whose hidden `launch` starts the daemons.
    pub polder: &'a Path,
    /// The system that is rehearsed.
    pub system: &'a Path,
    /// The folder with the documents of the running daemons.
    pub running: &'a Path,
}

/// Why one daemon's rehearsal ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// The system is not to be had.
    Worse(String),
    /// This machine is in the way of a rehearsal.
    CouldNot(Error),
}

impl Stage<'_> {
    /// The new document, if the system has such a daemon.
    pub(super) fn document(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        let path = self.system.join("etc/polder").join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::CouldNot(Error::at(path.display(), error))),
        }
    }
}

/// Key files that are not there: the daemon would refuse the document. They are not read: only the daemon's user may.
pub(super) fn missing_keys(document: &Value) -> Vec<String> {
    let is_missing = |file: &&str| fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let missing = super::documents::key_files(document).into_iter().filter(is_missing);
    missing.map(|file| format!("{file}: this host has no such key file, and the new document names it")).collect()
}

/// How long a daemon may take from its start until it serves: it checks everything once before.
pub(super) fn start_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    START + checks.map(|check| check.timeout).max().unwrap_or_default()
}

/// After so long the running daemon must have noticed, too, what the rehearsed one found at its start: it probes at its
/// intervals, the rehearsed one probes everything at once.
pub(super) fn notice_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    checks.map(CheckConfig::detection_bound).max().unwrap_or_default().min(ENOUGH)
}
