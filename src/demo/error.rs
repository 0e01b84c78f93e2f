//! What can go wrong with a demo fleet.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::api::client::ClientError;

/// Why a fleet cannot be started, or a part of it cannot be broken or mended. Its text is for the person at the terminal.
#[derive(Debug)]
pub enum Error {
    /// The system refused something.
    Io {
        /// What it was for; empty where the error itself says it.
        what: String,
        /// The reason.
        error: io::Error,
    },
    /// A program of the fleet does not stand beside this one.
    MissingProgram(PathBuf),
    /// No part has this name.
    UnknownPart {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A daemon was asked for what only a backend can do, or the other way round.
    WrongPart {
        /// The part.
        name: String,
        /// Whether it is a daemon.
        is_daemon: bool,
    },
    /// The part is dead, and only the living can do that.
    Killed(String),
    /// A part did not start, or does not take orders.
    Part {
        /// Its name.
        name: String,
        /// What it did not do.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// A daemon's admin API did not do what it was asked to.
    Daemon {
        /// The daemon.
        name: String,
        /// Its answer.
        error: ClientError,
    },
    /// The fleet did not get into the state in which a row of the drill begins or ends.
    Unsettled(String),
    /// Another demo of this user runs; its file.
    AlreadyRunning(PathBuf),
    /// No demo of this user runs; the file that it would have.
    NotRunning(PathBuf),
    /// The file of the running demo cannot be used.
    DemoFile(String),
    /// A signal ended the work.
    Interrupted,
}

impl Error {
    /// The system refused something that was for this.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        move |error| Error::Io { what: what.into(), error }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { what, error } if what.is_empty() => write!(f, "{error}"),
            Error::Io { what, error } => write!(f, "{what}: {error}"),
            Error::MissingProgram(path) => write!(
                f,
                "{} is missing: the demo runs the daemons that stand beside this program; build all three with `cargo build \
                 --release --bins`",
                path.display()
            ),
            Error::UnknownPart { name, known } => write!(f, "no part is named {name}; there are {}", known.join(", ")),
            Error::WrongPart { name, is_daemon: true } => write!(f, "{name} is a daemon: only backends can do that"),
            Error::WrongPart { name, is_daemon: false } => write!(f, "{name} is a backend: only daemons can do that"),
            Error::Killed(name) => write!(f, "{name} is killed: mend it first"),
            Error::Part { name, what, log } if log.is_empty() => write!(f, "{name} {what}; its log is empty"),
            Error::Part { name, what, log } => write!(f, "{name} {what}; its log ends:\n  {log}"),
            Error::Daemon { name, error: ClientError::Refused { status, message } } => {
                write!(f, "{name} refused ({status}): {message}")
            }
            Error::Daemon { name, error } => write!(f, "{name}: {error}"),
            Error::Unsettled(what) => f.write_str(what),
            Error::AlreadyRunning(file) => {
                write!(f, "a demo is running already (see {}); end it first", file.display())
            }
            Error::NotRunning(file) => {
                write!(f, "no demo is running ({} is missing); start one with `polder demo`", file.display())
            }
            Error::DemoFile(why) => f.write_str(why),
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io { what: String::new(), error }
    }
}
