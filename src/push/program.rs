//! Runs another program and tells what it said, in the operator's words.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

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
    printed(command(program, folder, arguments).output().map_err(|error| not_started(program, &error))?)
}

/// The same, ended when it takes longer: what it asks over the network may never answer. It does not see a ctrl-C.
pub fn output_within<A: AsRef<OsStr>>(
    program: &str,
    folder: &Path,
    arguments: &[A],
    limit: Duration,
) -> Result<Vec<u8>, Failure> {
    let child = command(program, folder, arguments)
        // Of its own, so that what it started (ssh, say) ends with it.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    let group = Pid::from_raw(child.id() as i32);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(limit) {
        Ok(ran) => printed(ran.map_err(|error| not_started(program, &error))?),
        Err(_) => {
            let _ = killpg(group, Signal::SIGKILL);
            Err(Failure::Refused(format!("no answer within {} s", limit.as_secs())))
        }
    }
}

fn command<A: AsRef<OsStr>>(program: &str, folder: &Path, arguments: &[A]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

fn not_started(program: &str, error: &std::io::Error) -> Failure {
    Failure::NotStarted(match error.kind() {
        ErrorKind::NotFound => format!("there is no `{program}` on this machine"),
        _ => format!("{program} did not start: {error}"),
    })
}

fn printed(ran: Output) -> Result<Vec<u8>, Failure> {
    match ran.status.success() {
        true => Ok(ran.stdout),
        false => Err(Failure::Refused(String::from_utf8_lossy(&ran.stderr).into_owned())),
    }
}

#[cfg(test)]
mod tests;
