//! Why a daemon does not run, or does not reload. The words are made here, at the edge.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::super::key_file::KeyError;
use super::super::reload::HandOverError;
use super::super::sockets::BindError;
use super::super::state_lock::StateInUse;
use super::super::takeover::TakeoverError;
use super::descriptors::DescriptorError;
use crate::config::Findings;

/// Why a document cannot be put in force.
#[derive(Debug)]
pub enum DocumentError {
    /// It is not valid.
    Findings(Findings),
    /// Key files that it names cannot be used.
    Keys(Vec<KeyError>),
    /// This process may not have as many files open as it needs.
    Descriptors(DescriptorError),
    /// Whoever read it has not ended; the log has why.
    Unread,
}

impl DocumentError {
    /// What kind of thing is wrong.
    pub fn summary(&self) -> &'static str {
        match self {
            DocumentError::Findings(_) => "the document is not valid",
            DocumentError::Keys(_) => "a file that the document names cannot be used",
            DocumentError::Descriptors(_) => "the limit of open files is too low",
            DocumentError::Unread => "reading the document did not end; see the log",
        }
    }

    /// One text for each thing wrong.
    pub fn texts(&self) -> Vec<String> {
        match self {
            DocumentError::Findings(findings) => findings.0.iter().map(ToString::to_string).collect(),
            DocumentError::Keys(errors) => errors.iter().map(ToString::to_string).collect(),
            DocumentError::Descriptors(error) => vec![error.to_string()],
            DocumentError::Unread => Vec::new(),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join("\n"))
    }
}

impl std::error::Error for DocumentError {}

/// Why a daemon did not run, or does not go on.
#[derive(Debug)]
pub enum RunError {
    /// Its document cannot be put in force.
    Document(DocumentError),
    /// `--check-config --live`: what this machine has against a valid document; one text each.
    Live(Vec<String>),
    /// Its state directory is another daemon's.
    StateInUse(StateInUse),
    /// An address cannot be had.
    Socket(BindError),
    /// It could not take over; the other process goes on.
    Takeover(TakeoverError),
    /// The machine refuses something.
    Io {
        /// What cannot be done: "a worker thread cannot be started".
        what: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl RunError {
    /// For `map_err`: what cannot be done, and then why.
    pub fn io(what: &'static str) -> impl Fn(io::Error) -> RunError {
        move |error| RunError::Io { what, error }
    }

    /// 1: the document is not valid; 3: could not run.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::Document(DocumentError::Findings(_)) | RunError::Live(_) => 1,
            _ => 3,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Document(error) => error.fmt(f),
            RunError::Live(texts) => f.write_str(&texts.join("\n")),
            RunError::StateInUse(error) => error.fmt(f),
            RunError::Socket(error) => error.fmt(f),
            RunError::Takeover(error) => error.fmt(f),
            RunError::Io { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<DocumentError> for RunError {
    fn from(error: DocumentError) -> RunError {
        RunError::Document(error)
    }
}

impl From<StateInUse> for RunError {
    fn from(error: StateInUse) -> RunError {
        RunError::StateInUse(error)
    }
}

impl From<BindError> for RunError {
    fn from(error: BindError) -> RunError {
        RunError::Socket(error)
    }
}

impl From<TakeoverError> for RunError {
    fn from(error: TakeoverError) -> RunError {
        RunError::Takeover(error)
    }
}

/// Why a reload changed nothing.
#[derive(Debug)]
pub enum ReloadError {
    /// The new document cannot be put in force.
    Document(DocumentError),
    /// A key has changed that a running daemon cannot change.
    NeedsRestart {
        /// The document.
        file: PathBuf,
        /// The key's path in it.
        key: &'static str,
    },
    /// An address cannot be had.
    Socket(BindError),
    /// The machine refuses something.
    Run(RunError),
    /// The successor did not take over.
    Successor(HandOverError),
}

impl ReloadError {
    /// What kind of thing is wrong.
    pub fn summary(&self) -> String {
        match self {
            ReloadError::Document(error) => error.summary().into(),
            ReloadError::NeedsRestart { .. } => "this needs a restart".into(),
            ReloadError::Socket(_) => "an address cannot be had".into(),
            ReloadError::Run(error) => error.to_string(),
            ReloadError::Successor(error) => error.to_string(),
        }
    }

    /// One text for each thing wrong.
    pub fn findings(&self) -> Vec<String> {
        match self {
            ReloadError::Document(error) => error.texts(),
            ReloadError::NeedsRestart { file, key } => {
                vec![format!("{}: {key}: it can change only at a restart", file.display())]
            }
            ReloadError::Socket(error) => vec![error.to_string()],
            ReloadError::Run(_) => Vec::new(),
            ReloadError::Successor(error) => error.findings().to_vec(),
        }
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (summary, findings) = (self.summary(), self.findings());
        if findings.is_empty() { f.write_str(&summary) } else { write!(f, "{summary}: {}", findings.join("; ")) }
    }
}

impl std::error::Error for ReloadError {}

impl From<DocumentError> for ReloadError {
    fn from(error: DocumentError) -> ReloadError {
        ReloadError::Document(error)
    }
}

impl From<BindError> for ReloadError {
    fn from(error: BindError) -> ReloadError {
        ReloadError::Socket(error)
    }
}

impl From<RunError> for ReloadError {
    fn from(error: RunError) -> ReloadError {
        ReloadError::Run(error)
    }
}
