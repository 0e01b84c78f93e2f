//! The ledger: what was pushed to a host, one JSON object a line, only ever added to.
//!
//! Owns its entries and its file. Must never: lose or alter an entry that was written. Called by [`super::gate`] and
//! [`super::supervisor`] on the host, and by the pusher for its copies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the pusher says of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The push: the same on all hosts.
    pub push: String,
    /// What kind of push.
    pub kind: Kind,
    /// `USER@HOST`, as the pusher says.
    pub who: String,
    /// `r41`, a commit, or nothing for a folder of no repository.
    pub revision: Option<String>,
    /// Files that differ from it.
    #[serde(default)]
    pub local_changes: Vec<PathBuf>,
    /// The local changes are to be committed later (`--defer`).
    #[serde(default)]
    pub deferred: bool,
    /// The hash of the plan.
    pub plan: String,
    /// Hosts that were left out on purpose.
    #[serde(default)]
    pub skipped: Vec<String>,
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
    /// The admin machine whose key opened the gate: told by the host's sshd, not by the pusher.
    pub from: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Entry {
    /// One line for people.
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
    /// A system was activated, and this became of it.
    Activation {
        /// The push.
        #[serde(flatten)]
        record: Record,
        /// What ran before.
        before: PathBuf,
        /// What was activated.
        system: PathBuf,
        /// How it ended.
        outcome: Outcome,
        /// More, for people: why it was reverted.
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
    /// It was confirmed: profile and boot default are the new system.
    Confirmed,
    /// The host went back to what ran before.
    Reverted,
    /// It could be neither confirmed nor taken back: somebody has to look.
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

/// A ledger's file.
#[derive(Debug, Clone)]
pub struct Ledger {
    file: PathBuf,
}

impl Ledger {
    /// The ledger in a file, which need not be there yet.
    pub fn new(file: impl Into<PathBuf>) -> Ledger {
        Ledger { file: file.into() }
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Adds an entry; it is on disk when this returns. A last line that was cut short (the power failed in it) is ended first.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn add(&self, entry: &Entry) -> io::Result<()> {
        self.add_all(std::slice::from_ref(entry))
    }

    /// Adds several entries at once.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn add_all(&self, entries: &[Entry]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = if self.ends_in_a_line()? { String::new() } else { "\n".to_owned() };
        for entry in entries {
            text.push_str(&serde_json::to_string(entry)?);
            text.push('\n');
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.file)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// All entries that can be read, oldest first. A line that is none (cut short, or of a later version) is passed over.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        self.lines()
    }

    /// The same as what they are to be: as JSON, no line of a later version is passed over.
    ///
    /// # Errors
    ///
    /// As [`Ledger::entries`].
    pub fn lines<T: DeserializeOwned>(&self) -> io::Result<Vec<T>> {
        let file = match File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let lines = BufReader::new(file).split(b'\n').collect::<io::Result<Vec<_>>>()?;
        Ok(lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect())
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

    fn ends_in_a_line(&self) -> io::Result<bool> {
        match fs::read(&self.file) {
            Ok(bytes) => Ok(bytes.last().is_none_or(|last| *last == b'\n')),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
