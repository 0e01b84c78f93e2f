//! The exit codes of the verbs.

use std::process::ExitCode;

/// The exit status of every verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or the answer is yes.
    Done = 0,
    /// The answer is no: refused, not well, a promise broken.
    No = 1,
    /// The command line makes no sense (clap uses the same).
    Usage = 2,
    /// It could not run.
    CouldNot = 3,
    /// It waited as long as it was told to, and what it waited for has not come.
    TimeUp = 4,
    /// It waited, and was ended by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
