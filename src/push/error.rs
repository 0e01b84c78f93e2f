//! The error of the push engine: the place, the problem, and what the operator can do about it.

use std::fmt::{self, Display};
use std::io;

use serde::{Serialize, Serializer};

/// An error of a push, for the operator who started it.
///
/// Where a caller decides by the kind of a failure, the function has an enum of its own (`NoAnswer`, `StageError`, `LockError`, ...),
/// which becomes this one on its way to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The host, file or program that it is about.
    pub place: Option<String>,
    /// What is wrong, and what was expected.
    pub problem: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Error {
    /// A problem with no particular place.
    pub fn new(problem: impl Display) -> Error {
        Error { place: None, problem: problem.to_string(), remedy: None }
    }

    /// A problem with a host, a file or a program.
    pub fn at(place: impl Display, problem: impl Display) -> Error {
        Error { place: Some(place.to_string()), ..Error::new(problem) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(self, remedy: impl Display) -> Error {
        Error { remedy: Some(remedy.to_string()), ..self }
    }

    /// Puts a host or file before the place that is known so far.
    #[must_use]
    pub fn of(self, place: impl Display) -> Error {
        let place = match &self.place {
            Some(inner) => format!("{place}: {inner}"),
            None => place.to_string(),
        };
        Error { place: Some(place), ..self }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.problem)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Serialized as the text that an operator reads.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An I/O error that names its file ([`crate::files`]).
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::new(error)
    }
}
