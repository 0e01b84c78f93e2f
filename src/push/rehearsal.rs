//! The rehearsal: a system's daemons with their new documents on loopback ports, beside the running ones (DESIGN 2, 11).
//!
//! [`documents`] alters a document so that its daemon disturbs nobody, [`child`] runs it, [`proxy`] and [`nameserver`] ask it
//! what visitors and resolvers ask, and compare with what the running daemon answers. Must never: write outside of a folder
//! of its own, speak to peers, or leave a process behind. Called by `polder rehearse`, which a host's gate runs as a user who
//! may ask the running daemons and reads no keys.

mod child;
mod documents;
mod nameserver;
mod proxy;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::CheckConfig;
use crate::push::error::Error;

/// On top of the slowest check of its first round, until a daemon must serve.
const START: Duration = Duration::from_secs(10);

/// Nothing is asked again after this: the gate waits for us.
const ENOUGH: Duration = Duration::from_secs(20);

/// How a rehearsal went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// What was tried and went well, in words: `www.example.net/ answers 200`.
    pub proved: Vec<String>,
    /// What is worse than with the running daemons, each a reason to refuse the system.
    pub worse: Vec<String>,
    /// What could not be proved, and does not count against it: a backend that is down now is down in the rehearsal too.
    pub notes: Vec<String>,
}

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
enum Failure {
    /// The system is not to be had.
    Worse(String),
    /// This machine is in the way of a rehearsal.
    CouldNot(Error),
}

/// Rehearses both daemons, as far as the system has them.
///
/// # Errors
///
/// The rehearsal itself could not run; nothing is known of the system.
pub fn rehearse(stage: &Stage<'_>) -> Result<Rehearsed, Error> {
    if !stage.system.is_dir() {
        return Err(Error::new(format!(
            "{} is no folder: expected a system, with its etc/polder",
            stage.system.display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(format!("the runtime did not start: {error}")))?;
    runtime.block_on(async {
        let mut rehearsed = Rehearsed::default();
        let nameserver = nameserver::rehearse(stage, &mut rehearsed).await;
        note_failure(nameserver, "polder-dns", &mut rehearsed)?;
        let proxy = proxy::rehearse(stage, &mut rehearsed).await;
        note_failure(proxy, "polder-proxy", &mut rehearsed)?;
        Ok(rehearsed)
    })
}

fn note_failure(ended: Result<(), Failure>, program: &str, rehearsed: &mut Rehearsed) -> Result<(), Error> {
    match ended {
        Ok(()) => Ok(()),
        Err(Failure::Worse(why)) => {
            rehearsed.worse.push(format!("{program}: {why}"));
            Ok(())
        }
        Err(Failure::CouldNot(why)) => Err(Error::new(format!("{program} could not be rehearsed: {why}"))),
    }
}

impl Stage<'_> {
    /// The new document, if the system has such a daemon.
    fn document(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        let path = self.system.join("etc/polder").join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::CouldNot(Error::at(path.display(), error))),
        }
    }
}

/// Key files that are not there: the daemon would refuse the document. They are not read: only the daemon's user may.
fn missing_keys(document: &Value) -> Vec<String> {
    let is_missing = |file: &&str| fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let missing = documents::key_files(document).into_iter().filter(is_missing);
    missing.map(|file| format!("{file}: this host has no such key file, and the new document names it")).collect()
}

/// How long a daemon may take from its start until it serves: it checks everything once before.
fn start_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    START + checks.map(|check| check.timeout).max().unwrap_or_default()
}

/// After so long the running daemon must have noticed, too, what the rehearsed one found at its start (DESIGN 6).
fn notice_limit<'a>(checks: impl Iterator<Item = &'a CheckConfig>) -> Duration {
    checks.map(CheckConfig::detection_bound).max().unwrap_or_default().min(ENOUGH)
}
