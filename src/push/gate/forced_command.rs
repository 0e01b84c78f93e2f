//! The forced command of the deploy user: decides what a connection is for.
//!
//! Runs as that user, who can read only what every user can. That is why systems in the store are read here, and never with
//! more rights.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::receive::{compare, import, receive};
use super::request::{PATIENCE, line, question, write_answer};
use super::sockets::{Caller, RELAY_SOCKET, SIGNED_SOCKET, SOCKET};
use super::timed_reader::TimedReader;
use crate::push::error::Error;
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::host::system;
use crate::push::protocol::{Answer, Question, REQUEST_BYTES, VERSION};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// One request for the host.
    Host,
    /// One request for a daemon of the host.
    Daemon,
    /// The caller sends store paths and their hashes, and learns which of them are missing or different here.
    Compare,
    /// The caller uploads store paths: [`crate::push::protocol::upload`].
    Upload,
}

/// How long an upload may pause, because the pusher's disk may be slow. After that, the spool is free for others.
const SILENCE: Duration = Duration::from_secs(120);

/// Serves one connection of ssh on standard input and output. `original` is what the caller asked ssh to run.
///
/// # Errors
///
/// The connection could not be served: the error belongs on standard error, for the caller.
pub fn forced_command(from: &str, original: Option<&str>, paths: &HostPaths) -> Result<(), Error> {
    match purpose(original.unwrap_or_default())? {
        Purpose::Host => host(from, paths),
        Purpose::Daemon => pass_on(from, Path::new(RELAY_SOCKET), &request()?).and_then(|answer| print(&answer)),
        Purpose::Compare => print(compare(paths, &mut input(PATIENCE)?)?.as_bytes()),
        Purpose::Upload => write_answer(&upload(paths)),
    }
}

/// Parses the command that the caller asked ssh to run.
fn purpose(original: &str) -> Result<Purpose, Error> {
    let words: Vec<&str> = original.split_whitespace().collect();
    match words[..] {
        ["polder", version, ref rest @ ..] if version == VERSION.to_string() => match rest {
            [] => Ok(Purpose::Host),
            ["daemon"] => Ok(Purpose::Daemon),
            ["compare"] => Ok(Purpose::Compare),
            ["upload"] => Ok(Purpose::Upload),
            _ => Err(Error::new(format!("this gate has no verb {}", rest.join(" ")))),
        },
        ["polder", version, ..] => Err(Error::new(format!(
            "this host's gate speaks version {VERSION} of the push protocol, and the caller speaks {version}: push with \
             polder {}, or switch the host by hand once",
            env!("CARGO_PKG_VERSION")
        ))),
        _ => Err(Error::new("this user accepts pushes and nothing else: its only command is `polder gate`")),
    }
}

/// Serves a request for the host. A system is read here, after the root part has allowed it.
fn host(from: &str, paths: &HostPaths) -> Result<(), Error> {
    let line = request()?;
    let Some(Ok(Question::Running { system })) = question(&line) else {
        let socket = if line.starts_with('{') { SOCKET } else { SIGNED_SOCKET };
        return print(&pass_on(from, Path::new(socket), &line)?);
    };
    let system = match system {
        None => machine::current(paths).map_err(Error::new)?,
        Some(system) => {
            let answer = pass_on(from, Path::new(SOCKET), &line)?;
            if !matches!(serde_json::from_slice(&answer), Ok(Answer::Done)) {
                return print(&answer);
            }
            system
        }
    };
    write_answer(&Answer::Running(Box::new(system::running(&paths.store, &system))))
}

fn request() -> Result<String, Error> {
    line(&mut input(PATIENCE)?, REQUEST_BYTES)
}

fn input(silence: Duration) -> Result<BufReader<TimedReader>, Error> {
    let input = TimedReader::standard_input(silence).map_err(Error::new)?;
    Ok(BufReader::with_capacity(256 * 1024, input))
}

/// Passes a request to another part of the gate and returns its answer.
fn pass_on(from: &str, socket: &Path, request: &str) -> Result<Vec<u8>, Error> {
    let failed = |error: io::Error| {
        Error::at(socket.display(), error)
            .remedy("see `systemctl status 'polder-gate*.socket' polder-relay.socket` on this host")
    };
    let mut gate = UnixStream::connect(socket).map_err(failed)?;
    let caller = Caller { from: from.to_owned() };
    gate.write_all(format!("{}\n{request}\n", json!(caller)).as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    gate.read_to_end(&mut answer).map_err(failed)?;
    Ok(answer)
}

fn print(answer: &[u8]) -> Result<(), Error> {
    let mut output = io::stdout().lock();
    output.write_all(answer).and_then(|()| output.flush()).map_err(Error::new)
}

fn upload(paths: &HostPaths) -> Answer {
    let received =
        input(SILENCE).and_then(|mut input| receive(paths, &mut input, &mut io::stdout().lock(), &mut import));
    match received {
        Ok(_) => Answer::Done,
        Err(error) => Answer::Refused { why: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
