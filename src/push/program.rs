//! Runs another program and tells what it said, in the operator's words.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Why a program gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It is not on this machine, or could not be started.
    NotStarted(String),
    /// It ended with an error: all that it said on standard error.
    Refused(String),
}

impl Failure {
    /// One line.
    pub fn in_words(&self, program: &str) -> String {
        match self {
            Failure::NotStarted(why) => why.clone(),
            Failure::Refused(said) => {
                let said = said.trim();
                format!("{program}: {}", if said.is_empty() { "it failed without a word" } else { said })
            }
        }
    }
}

/// What a program prints, run in a folder, with nothing to read and with plain English messages.
pub fn output<A: AsRef<OsStr>>(program: &str, folder: &Path, arguments: &[A]) -> Result<Vec<u8>, Failure> {
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::NotStarted(match error.kind() {
                ErrorKind::NotFound => format!("there is no `{program}` on this machine"),
                _ => format!("{program} did not start: {error}"),
            })
        })?;
    match ran.status.success() {
        true => Ok(ran.stdout),
        false => Err(Failure::Refused(String::from_utf8_lossy(&ran.stderr).into_owned())),
    }
}
