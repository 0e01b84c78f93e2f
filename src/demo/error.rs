//! What can go wrong with a demo fleet.

use std::fmt::Display;
use std::io;

use crate::api::client::ClientError;

/// Why a fleet cannot be started, or a part of it cannot be broken or mended; for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// An error with this text.
    pub fn new(why: impl Display) -> Error {
        Error(why.to_string())
    }

    /// The system refused something that was for this.
    pub fn io(what: impl Display) -> impl FnOnce(io::Error) -> Error {
        move |error| Error(format!("{what}: {error}"))
    }

    /// A part did not start, with the end of its log.
    pub fn part(name: &str, what: &str, log: &str) -> Error {
        match log {
            "" => Error(format!("{name} {what}; its log is empty")),
            log => Error(format!("{name} {what}; its log ends:\n  {log}")),
        }
    }

    /// A daemon's admin API did not do what it was asked to.
    pub fn daemon(name: &str, error: &ClientError) -> Error {
        match error {
            ClientError::Refused { status, message } => Error(format!("{name} refused ({status}): {message}")),
            unreached => Error(format!("{name}: {unreached}")),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::new(error)
    }
}
