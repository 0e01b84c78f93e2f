//! Why the gate refuses a request.

use std::fmt::Display;
use std::io;

use crate::push::error::Error;
use crate::push::host::lock::Lock;
use crate::push::protocol::Answer;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum GateError {
    /// For this reason.
    Refused(Error),
    /// Somebody else holds the fleet lock.
    Locked(Lock),
}

impl GateError {
    /// A refusal with a reason, which the pusher shows to its operator.
    pub(super) fn refused(why: impl Display) -> GateError {
        GateError::Refused(Error::new(why))
    }
}

impl From<GateError> for Answer {
    fn from(error: GateError) -> Answer {
        match error {
            GateError::Refused(why) => Answer::Refused { why: why.to_string() },
            GateError::Locked(holder) => Answer::Locked { holder },
        }
    }
}

impl From<Error> for GateError {
    fn from(error: Error) -> GateError {
        GateError::Refused(error)
    }
}

impl From<io::Error> for GateError {
    fn from(error: io::Error) -> GateError {
        GateError::refused(error)
    }
}
