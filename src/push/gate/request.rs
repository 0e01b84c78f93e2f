//! Reads requests within bounds, and admits an instruction only if it is signed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::sockets::Caller;
use super::timed_reader::TimedReader;
use crate::daemon::state_file::{StateFile, Stored};
use crate::files;
use crate::push::error::Error;
use crate::push::protocol::manifest::{self, AcceptedManifests, ManifestRejection};
use crate::push::protocol::signing::TrustedKeys;
use crate::push::protocol::{Answer, Clock, Instruction, Question, REQUEST_BYTES};
use crate::unix_time::unix_ms;

/// The longest question, in bytes. A longer request has to be signed, and is parsed only after that was checked.
const QUESTION_BYTES: usize = 8 * 1024;

/// The longest line with which the forced command describes its caller, in bytes.
const CALLER_BYTES: usize = 1024;

/// How long a caller may take to send its request, so that a silent one does not keep a process.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A request that may be answered.
#[derive(Debug)]
pub(super) enum Request {
    /// Needs nothing but a deploy key.
    Question(Question),
    /// Signed by an admin machine, for this host and now.
    Instruction {
        /// It.
        instruction: Box<Instruction>,
        /// The name of the key that signed it.
        signer: String,
    },
}

/// The caller's admin machine, and the request as it came.
///
/// # Errors
///
/// The connection broke, or the request is too long.
pub(super) fn from_standard_input() -> Result<(String, String), Error> {
    let mut input = BufReader::new(TimedReader::standard_input(PATIENCE).map_err(Error::new)?);
    let caller = line(&mut input, CALLER_BYTES).map_err(|why| Error::new(format!("the caller: {why}")))?;
    let caller: Caller = serde_json::from_str(&caller).map_err(|error| Error::new(format!("the caller: {error}")))?;
    Ok((caller.from, line(&mut input, REQUEST_BYTES)?))
}

/// One line, without its end.
///
/// # Errors
///
/// It cannot be read, is not UTF-8, or is longer than `longest` bytes.
pub(super) fn line(input: &mut impl BufRead, longest: usize) -> Result<String, Error> {
    let mut bytes = Vec::new();
    input.take(longest as u64 + 1).read_until(b'\n', &mut bytes).map_err(Error::new)?;
    if bytes.pop_if(|last| *last == b'\n').is_none() && bytes.len() > longest {
        return Err(Error::new(format!("a line of more than {longest} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::new("a line that is not UTF-8"))
}

/// Writes an answer to standard output.
///
/// # Errors
///
/// The connection broke.
pub(super) fn write_answer(answer: &Answer) -> Result<(), Error> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, answer).map_err(Error::new)?;
    output.write_all(b"\n").and_then(|()| output.flush()).map_err(Error::new)
}

/// Parses a question; `None` for a signed manifest. A question begins with a brace, a manifest with the name of a key.
pub(super) fn question(line: &str) -> Option<Result<Question, Error>> {
    if !line.starts_with('{') {
        return None;
    }
    if line.len() > QUESTION_BYTES {
        return Some(Err(Error::new(format!("a question of more than {QUESTION_BYTES} bytes"))));
    }
    Some(serde_json::from_str(line).map_err(|error| {
        Error::new(format!("unknown question; an instruction that changes a host has to be signed: {error}"))
    }))
}

/// Decides which manifests this host accepts.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    /// The file of trusted public keys.
    pub(super) keys: &'a Path,
    /// The folder with the record of accepted manifests.
    pub(super) state: &'a Path,
    /// This host's name.
    pub(super) host: String,
}

impl Admission<'_> {
    /// Parses a request. A manifest is recorded as accepted, so that it cannot be used again.
    ///
    /// # Errors
    ///
    /// The refusal, as the answer for the caller.
    pub(super) fn admit(&self, line: &str) -> Result<Request, Answer> {
        let refused = |why: Error| Answer::Refused { why: why.to_string() };
        if let Some(question) = question(line) {
            return question.map(Request::Question).map_err(refused);
        }
        let keys = TrustedKeys::read(self.keys).map_err(refused)?;
        let (manifest, signer) = manifest::open(line, &keys).map_err(refused)?;
        let _locked = self.lock().map_err(|error| refused(error.into()))?;
        let now = unix_ms();
        let taken = self.taken(now).map_err(|error| refused(error.into()))?;
        let after = taken.admit(&manifest, &self.host, now).map_err(|not| match not {
            ManifestRejection::Refused(why) => Answer::Refused { why },
            ManifestRejection::Stale(why) => Answer::Stale { why, clock: taken.clock(now) },
        })?;
        // Recorded on disk before it is carried out: whatever fails afterwards, it is not carried out twice.
        self.memory().write(&json!(after)).map_err(|error| refused(error.into()))?;
        let (instruction, counter) = (manifest.instruction, manifest.counter);
        tracing::info!(signer, counter, "accepted a signed instruction: {}", instruction.name());
        Ok(Request::Instruction { instruction: Box::new(instruction), signer: signer.to_owned() })
    }

    /// This host's clock and highest counter, for pushers who sign.
    ///
    /// # Errors
    ///
    /// The record of accepted manifests cannot be created.
    pub(super) fn clock(&self) -> io::Result<Clock> {
        let _locked = self.lock()?;
        let now = unix_ms();
        Ok(self.taken(now)?.clock(now))
    }

    /// The manifests accepted so far. Without a readable record, starts one by which everything signed until now counts as accepted.
    fn taken(&self, now: u64) -> io::Result<AcceptedManifests> {
        let why = match self.memory().read() {
            Stored::Whole(value) => match serde_json::from_value(value) {
                Ok(taken) => return Ok(taken),
                Err(error) => error.to_string(),
            },
            Stored::Missing => "there is no record yet".to_owned(),
            Stored::Broken(why) => why,
        };
        tracing::warn!(
            "starting a new record of accepted manifests; whatever was signed before now is rejected: {why}"
        );
        let fresh = AcceptedManifests::up_to(now);
        self.memory().write(&json!(fresh))?;
        Ok(fresh)
    }

    fn memory(&self) -> StateFile {
        StateFile::new(self.state, "manifests")
    }

    /// Serializes gates that admit manifests at the same time.
    fn lock(&self) -> io::Result<File> {
        files::lock(&self.state.join("manifests.guard"), 0o600)
    }
}

#[cfg(test)]
mod tests;
