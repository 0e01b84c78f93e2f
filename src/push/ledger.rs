//! The ledger of a host: one JSON object per line, only ever appended to, each line chained to the one before by its hash.
//!
//! Owns the entries and the files. Must never: lose or alter an entry that was written. Called by [`crate::push::gate`] and
//! [`crate::push::supervisor`] on the host, and by the pusher for its copies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::push::hex::hex;

/// A unique name for a push: its start time and a random suffix. Sorted by name, pushes are sorted by time.
pub fn push_id() -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!("{now}-{:04x}", fastrand::u16(..))
}

/// A push, as the pusher describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The push's name, the same on all hosts.
    pub push: String,
    /// What kind of push.
    pub kind: Kind,
    /// `USER@HOST`, as the pusher claims.
    pub who: String,
    /// `r41`, a commit, or `None` for a folder without a repository.
    pub revision: Option<String>,
    /// Files that differ from it.
    #[serde(default)]
    pub local_changes: Vec<PathBuf>,
    /// Whether the local changes are to be committed later (`--defer`).
    #[serde(default)]
    pub deferred: bool,
    /// The hash of the plan.
    pub plan: String,
    /// Hosts that were left out on purpose.
    #[serde(default)]
    pub skipped: Vec<String>,
}

impl Record {
    /// A push of no revision, with a new name.
    pub fn new(kind: Kind, who: String) -> Record {
        Record {
            push: push_id(),
            kind,
            who,
            revision: None,
            local_changes: Vec::new(),
            deferred: false,
            plan: String::new(),
            skipped: Vec::new(),
        }
    }
}

/// Why a system was put on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `polder push`.
    Push,
    /// `polder rollback`.
    Rollback,
}

impl Kind {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Push => "push",
            Kind::Rollback => "rollback",
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written, in milliseconds since the epoch, by the host's clock.
    pub at: u64,
    /// The admin machine whose deploy key was used, according to the host's sshd and not the pusher.
    pub from: String,
    /// The name of the signing key, as the host verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// An activation that a ledger records.
#[derive(Debug, Clone, Copy)]
pub struct Activated<'a> {
    /// When it ended, in milliseconds since the epoch, by the host's clock.
    pub at: u64,
    /// The push.
    pub record: &'a Record,
    /// The system that ran before.
    pub before: &'a Path,
    /// The system that was activated.
    pub system: &'a Path,
    /// How it ended.
    pub outcome: Outcome,
    /// Details as text.
    pub words: &'a str,
}

impl Entry {
    /// The activation that it records, if it records one.
    pub fn activation(&self) -> Option<Activated<'_>> {
        match &self.event {
            Event::Activation { record, before, system, outcome, words } => {
                Some(Activated { at: self.at, record, before, system, outcome: *outcome, words })
            }
            Event::LockBroken { .. } | Event::KeyPut { .. } => None,
        }
    }

    /// The entry as one line of text.
    pub fn in_words(&self) -> String {
        match &self.event {
            Event::Activation { record, outcome, words, .. } => {
                let Record { push, kind, who, revision, .. } = record;
                let revision = revision.as_deref().unwrap_or("no revision");
                let why = if words.is_empty() { String::new() } else { format!(": {words}") };
                format!("{} {push} of {revision} by {who}, {}{why}", kind.name(), outcome.name())
            }
            Event::LockBroken { who, why, holder, .. } => format!("{who} broke the lock of {holder}: {why}"),
            Event::KeyPut { who, name, .. } => format!("{who} changed the key file {name}"),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A system was activated.
    Activation {
        /// The push.
        #[serde(flatten)]
        record: Record,
        /// The system that ran before.
        before: PathBuf,
        /// The system that was activated.
        system: PathBuf,
        /// How it ended.
        outcome: Outcome,
        /// Details as text, such as why it was reverted.
        #[serde(default)]
        words: String,
    },
    /// Somebody broke the lock.
    LockBroken {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// The holder it was taken from.
        holder: String,
        /// The reason that the holder had given.
        reason: String,
    },
    /// A key file was changed.
    KeyPut {
        /// Who.
        who: String,
        /// The file's name.
        name: String,
        /// The fingerprints of its keys, in order.
        fingerprints: Vec<String>,
    },
}

/// How an activation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Confirmed: the profile and the boot default are the new system.
    Confirmed,
    /// The host went back to the system that ran before.
    Reverted,
    /// It could neither be confirmed nor reverted: an operator has to look at the host.
    Stuck,
}

impl Outcome {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Confirmed => "confirmed",
            Outcome::Reverted => "reverted",
            Outcome::Stuck => "stuck",
        }
    }
}

/// The size, in bytes, at which a ledger's file is rotated.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The number of rotated files that are kept: some ten thousand pushes.
const KEPT_FILES: usize = 4;

/// A ledger: a file of lines, and the rotated files before it. Each line has the SHA-256 of the line before it, across files, so that
/// a line that was removed or changed is noticed.
#[derive(Debug, Clone)]
pub struct Ledger {
    file: PathBuf,
}

/// A line as it is written.
#[derive(Serialize)]
struct Line<'a> {
    /// The SHA-256 of the line before, in hexadecimal digits; `None` for the very first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a str>,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl Ledger {
    /// The ledger in a file, which need not be there yet.
    pub fn new(file: impl Into<PathBuf>) -> Ledger {
        Ledger { file: file.into() }
    }

    /// Its current file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Appends an entry; it is on disk when this returns. If the last line is incomplete after a power failure, it is ended first.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn add(&self, entry: &Entry) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let _locked = self.lock()?;
        let mut present = read(&self.file)?;
        let previous = last_line(&present).map(hash).or_else(|| Some(hash(last_line(&read(&self.before(1)).ok()?)?)));
        if present.len() as u64 >= FILE_BYTES {
            self.lay_aside()?;
            present.clear();
        }
        let mut text = if present.last().is_none_or(|last| *last == b'\n') { String::new() } else { "\n".to_owned() };
        text.push_str(&serde_json::to_string(&Line { previous: previous.as_deref(), entry })?);
        text.push('\n');
        let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// All entries, oldest first. Lines that cannot be parsed (incomplete, or of a later version) are skipped.
    ///
    /// # Errors
    ///
    /// A file exists and cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        self.lines()
    }

    /// All lines as values of a type of the caller's: as JSON values, lines of a later version are not skipped.
    ///
    /// # Errors
    ///
    /// As [`Ledger::entries`].
    pub fn lines<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let mut lines = Vec::new();
        for text in self.texts()? {
            lines.extend(split(&text).filter_map(|line| serde_json::from_slice(line).ok()));
        }
        Ok(lines)
    }

    /// The last entries, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Ledger::entries`].
    pub fn last(&self, count: usize) -> io::Result<Vec<Entry>> {
        let mut entries = self.entries()?;
        Ok(entries.split_off(entries.len().saturating_sub(count)))
    }

    /// The first line whose hash of the line before is wrong, because something was changed or removed there; or that is incomplete
    /// after a power failure.
    ///
    /// # Errors
    ///
    /// As [`Ledger::entries`].
    pub fn broken_at(&self) -> io::Result<Option<String>> {
        #[derive(serde::Deserialize)]
        struct Link {
            previous: Option<String>,
        }
        let texts = self.texts()?;
        let mut before: Option<&[u8]> = None;
        for line in texts.iter().flat_map(|text| split(text)) {
            let text = || String::from_utf8_lossy(line).chars().take(80).collect();
            let Ok(Link { previous }) = serde_json::from_slice(line) else { return Ok(Some(text())) };
            // The line before the oldest one is not kept any more.
            if let Some(before) = before
                && previous != Some(hash(before))
            {
                return Ok(Some(text()));
            }
            before = Some(line);
        }
        Ok(None)
    }

    /// The contents of all files, oldest first.
    fn texts(&self) -> io::Result<Vec<Vec<u8>>> {
        (1..=KEPT_FILES).rev().map(|age| self.before(age)).chain([self.file.clone()]).map(|file| read(&file)).collect()
    }

    /// The path of a rotated file, such as `ledger.1.jsonl` for the newest one.
    fn before(&self, age: usize) -> PathBuf {
        self.file.with_extension(format!("{age}.jsonl"))
    }

    fn lay_aside(&self) -> io::Result<()> {
        for age in (1..KEPT_FILES).rev() {
            match fs::rename(self.before(age), self.before(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.file, self.before(1))
    }

    /// Serializes writers, because each line has the hash of the one before it.
    fn lock(&self) -> io::Result<File> {
        files::lock(&self.file.with_extension("guard"), 0o640)
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn split(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn last_line(text: &[u8]) -> Option<&[u8]> {
    split(text).next_back()
}

fn hash(line: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, line).as_ref())
}

#[cfg(test)]
pub(crate) mod tests;
