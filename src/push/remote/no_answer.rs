//! Why a host's gate gave no answer, or an unexpected one.

use crate::push::error::Error;
use crate::push::protocol::Answer;

/// Why a gate gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The host was not reached, or the connection broke: what was asked may or may not have happened.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is not one of this protocol.
    #[error("{0}")]
    Foreign(String),
}

impl From<NoAnswer> for Error {
    fn from(no_answer: NoAnswer) -> Error {
        Error::new(no_answer)
    }
}

/// The error for an answer other than the expected one.
pub fn unexpected(answer: Result<Answer, NoAnswer>) -> Error {
    match answer {
        Ok(Answer::Refused { why } | Answer::Stale { why, .. }) => Error::new(why),
        Ok(Answer::Locked { holder }) => Error::new(format!("it is locked by {}", holder.in_words())),
        Ok(_) => Error::new("its gate answered a different question: it is of another release"),
        Err(no_answer) => no_answer.into(),
    }
}
