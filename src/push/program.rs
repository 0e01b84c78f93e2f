//! Runs other programs and returns their output.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::push::error::Error;

/// Why a program did not succeed.
///
/// Shown as one line, unless the program wrote several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It does not exist on this machine, or could not be started.
    #[error("{0}")]
    NotStarted(String),
    /// It ended with an error.
    #[error("{program}: {}", if stderr.trim().is_empty() { "it failed without an error message" } else { stderr.trim() })]
    Failed {
        /// The program.
        program: String,
        /// All that it wrote to standard error.
        stderr: String,
    },
}

impl From<ProgramError> for Error {
    fn from(error: ProgramError) -> Error {
        Error::new(error)
    }
}

/// The standard output of a program, run in a folder, with empty standard input and English messages.
pub fn output<A: AsRef<OsStr>>(program: &str, folder: &Path, arguments: &[A]) -> Result<Vec<u8>, ProgramError> {
    printed(program, command(program, folder, arguments).output().map_err(|error| not_started(program, &error))?)
}

/// The same as text.
pub fn text<A: AsRef<OsStr>>(program: &str, folder: &Path, arguments: &[A]) -> Result<String, ProgramError> {
    output(program, folder, arguments).map(|printed| String::from_utf8_lossy(&printed).into_owned())
}

/// The last lines of what a program wrote, without empty ones.
pub fn last_lines(printed: &str, most: usize) -> String {
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

/// Quotes a path for a shell.
pub fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// Like [`output`], but killed after a limit, for a program that waits for the network. It does not receive Ctrl-C.
pub fn output_within<A: AsRef<OsStr>>(
    program: &str,
    folder: &Path,
    arguments: &[A],
    limit: Duration,
) -> Result<Vec<u8>, ProgramError> {
    let child = command(program, folder, arguments)
        // A group of its own, so that its children (such as ssh) are killed with it.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    let group = Pid::from_raw(child.id() as i32);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(limit) {
        Ok(ran) => printed(program, ran.map_err(|error| not_started(program, &error))?),
        Err(_) => {
            let _ = killpg(group, Signal::SIGKILL);
            Err(failed(program, format!("no answer within {} s", limit.as_secs())))
        }
    }
}

fn command<A: AsRef<OsStr>>(program: &str, folder: &Path, arguments: &[A]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

fn not_started(program: &str, error: &std::io::Error) -> ProgramError {
    ProgramError::NotStarted(match error.kind() {
        ErrorKind::NotFound => format!("there is no `{program}` on this machine"),
        _ => format!("{program} did not start: {error}"),
    })
}

fn failed(program: &str, stderr: String) -> ProgramError {
    ProgramError::Failed { program: program.to_owned(), stderr }
}

fn printed(program: &str, ran: Output) -> Result<Vec<u8>, ProgramError> {
    match ran.status.success() {
        true => Ok(ran.stdout),
        false => Err(failed(program, String::from_utf8_lossy(&ran.stderr).into_owned())),
    }
}

#[cfg(test)]
mod tests;
