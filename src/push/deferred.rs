//! Deferred commits: what was deployed while the svn server did not answer, and how it gets there afterwards.
//!
//! Owns `STATE_DIR/deferred.json`. [`record`] is for `polder push --defer`, [`reconcile`] for `polder reconcile`. Must never: commit
//! anything but what was deployed, or forget a record before the repository has it.

pub mod svn;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::push::admin::Admin;
use crate::push::admin::state;
use crate::push::error::Error;
use crate::push::pipeline::stage::manifest::{self, Manifest};
use crate::push::pipeline::stage::{self, Kind, Revision, Staged, UnfitFile, stage};

/// A push whose local changes are still to be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// The log message of the commit to be.
    pub message: String,
    /// Who pushed: `USER@HOST`.
    pub who: String,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// The push.
    pub push: String,
    /// The revision that the working copy had.
    pub revision: Option<String>,
    /// The files that differed from it: they are to be committed.
    pub files: Vec<PathBuf>,
    /// The hash of all that was deployed ([`Staged::hash`]).
    pub tree: String,
    /// The same of every file.
    pub manifest: Manifest,
}

/// All that is deferred, oldest first.
///
/// # Errors
///
/// The file is there and cannot be read: the error names it.
pub fn all(admin: &Admin) -> Result<Vec<Deferred>, Error> {
    let file = file(admin);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::at(file.display(), error)),
    };
    serde_json::from_slice(&text).map_err(|error| {
        Error::new(format!(
            "{} was not written by this version of polder: {error}; commit by hand, then remove it",
            file.display()
        ))
    })
}

/// Refuses to defer a commit where there is nothing to commit later.
///
/// # Errors
///
/// What was staged is no svn working copy with local changes.
pub fn check(staged: &Staged) -> Result<(), Error> {
    match &staged.revision {
        Revision::Known { kind: Kind::Svn, changed, .. } if !changed.is_empty() => Ok(()),
        _ => Err(Error::new(
            "--defer: there is nothing to commit later: expected an svn working copy with local changes",
        )),
    }
}

/// Adds a push that is to be committed later.
///
/// # Errors
///
/// In words.
pub fn record(admin: &Admin, staged: &Staged, message: &str, who: &str, push: &str) -> Result<(), Error> {
    let manifest = staged.manifest().map_err(|error| Error::new(format!("what was staged: {error}")))?;
    let revision = match &staged.revision {
        Revision::Known { name, .. } => Some(name.clone()),
        Revision::None => None,
    };
    let fresh = Deferred {
        message: message.to_owned(),
        who: who.to_owned(),
        at: crate::unix_time::unix_ms(),
        push: push.to_owned(),
        revision,
        files: staged.revision.changed().to_vec(),
        tree: manifest::hash(&manifest),
        manifest,
    };
    change(admin, |records| {
        // The same push again: it was interrupted in between.
        records.retain(|record| record.push != push);
        records.push(fresh);
    })
}

/// Takes a push back that was recorded and activated nothing.
///
/// # Errors
///
/// In words.
pub fn withdraw(admin: &Admin, push: &str) -> Result<(), Error> {
    change(admin, |records| records.retain(|record| record.push != push))
}

/// Changes the records, one at a time: another operator of this machine may be pushing.
fn change(admin: &Admin, how: impl FnOnce(&mut Vec<Deferred>)) -> Result<(), Error> {
    let _locked = state::lock(&admin.state_dir).map_err(Error::new)?;
    let mut records = all(admin)?;
    how(&mut records);
    let file = file(admin);
    if records.is_empty() {
        return match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at(file.display(), error)),
            _ => Ok(()),
        };
    }
    let text = serde_json::to_string_pretty(&records).map_err(Error::new)?;
    state::write(&file, &text).map_err(Error::new)
}

fn file(admin: &Admin) -> PathBuf {
    admin.state_dir.join("deferred.json")
}

/// What became of deferred commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// The revision that has them.
    pub revision: Option<u64>,
    /// Whether it was committed now; else somebody had done it.
    pub committed: bool,
    /// The pushes they are of.
    pub pushes: Vec<String>,
    /// The hash of what was deployed.
    pub deployed: String,
    /// The hash of what the working copy has now.
    pub now: String,
    /// What others have committed meanwhile and nobody has deployed: the files in which the two differ.
    pub not_deployed: Vec<PathBuf>,
}

/// Why deferred commits stay deferred. Nothing was committed, but for [`ReconcileError::Failed`], which says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReconcileError {
    /// The svn server does not answer.
    Unreachable(Error),
    /// These files are not as they were deployed.
    Edited(Vec<PathBuf>),
    /// `svn update` brought other changes into these files: what would be committed is not what is deployed.
    Merged(Vec<PathBuf>),
    /// These files cannot be staged, some of them perhaps since `svn update` found a conflict.
    Unfit(Vec<UnfitFile>),
    /// It could not be tried.
    Failed(Error),
}

/// Commits what is deferred, and proves that what the repository has then is what was deployed. `None`: nothing is deferred.
///
/// # Errors
///
/// Why it is not done; it can be tried again.
pub fn reconcile(admin: &Admin, folder: &Path) -> Result<Option<Reconciled>, ReconcileError> {
    let records = all(admin).map_err(ReconcileError::Failed)?;
    // A later push has what the earlier ones had: it is what runs.
    let Some(last) = records.last() else { return Ok(None) };
    let staged = staged(folder)?;
    if !matches!(staged.revision, Revision::Known { kind: Kind::Svn, .. }) {
        return Err(ReconcileError::Failed(Error::new(format!(
            "{} is not a Subversion working copy",
            folder.display()
        ))));
    }
    unchanged(&staged, last, &changed_in(&staged), ReconcileError::Edited)?;
    let server = svn::server_state(folder, svn::GLANCE).map_err(ReconcileError::Unreachable)?;
    if server.behind > 0 {
        svn::update(folder, None).map_err(ReconcileError::Failed)?;
        settle_what_both_removed(folder, last);
    }
    let updated = self::staged(folder)?;
    unchanged(&updated, last, &[], ReconcileError::Merged)?;
    let (revision, committed) = committed(folder, &updated, &records)?;
    let settled = self::staged(folder)?;
    let now = settled.manifest().map_err(|error| ReconcileError::Failed(error.into()))?;
    let pushes: Vec<String> = records.iter().map(|record| record.push.clone()).collect();
    change(admin, |all| all.retain(|record| !pushes.contains(&record.push))).map_err(ReconcileError::Failed)?;
    Ok(Some(Reconciled {
        revision,
        committed,
        pushes,
        deployed: last.tree.clone(),
        now: manifest::hash(&now),
        not_deployed: differing(&last.manifest, &now),
    }))
}

fn staged(folder: &Path) -> Result<Staged, ReconcileError> {
    stage(folder).map_err(|error| match error {
        stage::StageError::Files(unfit) => ReconcileError::Unfit(unfit),
        stage::StageError::Failed(why) => ReconcileError::Failed(why),
    })
}

/// Commits those of the files that the repository does not have yet: the revision, and whether that was we.
fn committed(folder: &Path, staged: &Staged, records: &[Deferred]) -> Result<(Option<u64>, bool), ReconcileError> {
    let Some(last) = records.last() else { return Ok((None, false)) };
    let changed = changed_in(staged);
    let files: Vec<PathBuf> = last.files.iter().filter(|file| changed.contains(*file)).cloned().collect();
    if files.is_empty() {
        return Ok((svn::last_changed(folder, &last.files), false));
    }
    let revision = svn::commit(folder, &files, &message(records)).map_err(ReconcileError::Failed)?;
    // One revision all over, so that the next look at it shows one. It may fail: nothing depends on it.
    if let Some(revision) = revision {
        let _ = svn::update(folder, Some(revision));
    }
    Ok((revision, revision.is_some()))
}

/// The log messages of all records, each once.
fn message(records: &[Deferred]) -> String {
    let mut seen = BTreeSet::new();
    let messages = records.iter().map(|record| record.message.trim()).filter(|message| !message.is_empty());
    let mut lines: Vec<String> = messages.filter(|message| seen.insert(*message)).map(str::to_owned).collect();
    let pushes: Vec<&str> = records.iter().map(|record| record.push.as_str()).collect();
    lines.push(format!("Deployed before it was committed, by push {}.", pushes.join(", ")));
    lines.join("\n\n")
}

/// Refuses, unless the deferred files and these ones are as they were deployed.
fn unchanged(
    staged: &Staged,
    deployed: &Deferred,
    besides: &[PathBuf],
    error: fn(Vec<PathBuf>) -> ReconcileError,
) -> Result<(), ReconcileError> {
    let now = staged.manifest().map_err(|error| ReconcileError::Failed(error.into()))?;
    let files: BTreeSet<&PathBuf> = deployed.files.iter().chain(besides).collect();
    let other = files.into_iter().filter(|file| now.get(*file) != deployed.manifest.get(*file));
    let other: Vec<PathBuf> = other.cloned().collect();
    if other.is_empty() { Ok(()) } else { Err(error(other)) }
}

fn changed_in(staged: &Staged) -> Vec<PathBuf> {
    staged.revision.changed().to_vec()
}

/// A file that we removed and somebody else too: svn calls that a conflict.
fn settle_what_both_removed(folder: &Path, deployed: &Deferred) {
    let removed = deployed.files.iter().filter(|file| !deployed.manifest.contains_key(*file));
    for file in removed.filter(|file| folder.join(file).symlink_metadata().is_err()) {
        svn::settle_gone(folder, file);
    }
}

/// The files that only one of them has, or that differ.
fn differing(one: &Manifest, other: &Manifest) -> Vec<PathBuf> {
    let files: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    files.into_iter().filter(|file| one.get(*file) != other.get(*file)).cloned().collect()
}

#[cfg(test)]
mod tests;
