//! The setup of a rehearsal, its time limits, and why it may end early.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::api::daemon::Daemon;
use crate::config::{CheckConfig, Findings};
use crate::push::error::Error;

/// How long a daemon may take to start, in addition to its slowest check.
const START: Duration = Duration::from_secs(10);

/// Nothing is asked again after this time, because the gate waits.
pub(super) const ENOUGH: Duration = Duration::from_secs(20);

/// What a rehearsal needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
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
    /// The system is worse than the running one: refuse it.
    Worse(String),
    /// The rehearsal failed because of this machine.
    Failed(Error),
}

impl Setup<'_> {
    /// The new document, read and as JSON, if the system has such a daemon.
    pub(super) fn document<C>(&self, daemon: Daemon, load: Load<C>) -> Result<Option<(C, Value)>, Failure> {
        let path = self.system.join("etc/polder").join(daemon.document());
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::Failed(Error::at(path.display(), error))),
        }
        let config = load(&path).map_err(|findings| Failure::Worse(findings.to_string()))?;
        let text = fs::read_to_string(&path).map_err(|error| Failure::Worse(format!("{}: {error}", path.display())))?;
        let document = serde_json::from_str(&text).map_err(|error| Failure::Worse(error.to_string()))?;
        Ok(Some((config, document)))
    }

    /// The running daemon's document; without one, a note says why.
    pub(super) fn running<C>(&self, daemon: Daemon, load: Load<C>, notes: &mut Vec<String>) -> Option<C> {
        let path = self.running.join(daemon.document());
        if !path.exists() {
            notes.push(format!("no {daemon} runs here, so there is nothing to compare with"));
            return None;
        }
        let unreadable = |findings: Findings| {
            notes.push(format!(
                "the running {daemon}'s document cannot be read, so there is nothing to compare with: {findings}"
            ));
        };
        load(&path).map_err(unreadable).ok()
    }
}

/// Reads a daemon's document from a file.
type Load<C> = fn(&Path) -> Result<C, Findings>;

/// Key files that do not exist, so that the daemon would refuse the document. They are not read, which only the daemon's user may.
pub(super) fn missing_keys(document: &Value) -> Vec<String> {
    let is_missing = |file: &&str| fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let missing = super::documents::key_files(document).into_iter().filter(is_missing);
    missing
        .map(|file| format!("{file}: this host has no such key file or folder, and the new document names it"))
        .collect()
}

/// How long a daemon may take from its start until it serves: it finishes a round of checks before.
pub(super) fn start_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    START + checks.map(|check| check.timeout).max().unwrap_or_default()
}

/// After so long the running daemon must have noticed, too, what the rehearsed one found at its start: it probes at its
/// intervals, the rehearsed one probes everything at once.
pub(super) fn notice_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    checks.map(CheckConfig::detection_bound).max().unwrap_or_default().min(ENOUGH)
}
