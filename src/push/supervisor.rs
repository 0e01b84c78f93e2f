//! The supervisor of one activation, on the host: switches, waits for the confirmation, and goes back without it.
//!
//! Owns the steps of [`crate::push::supervisor::activation`]'s diagram and the socket by which the gate tells it to confirm or to go back. It is the
//! program of the system that ran before, in a transient unit of its own: nothing that the new system does to ssh, the gate or
//! the network ends it. If it is killed all the same, the unit's ExecStopPost calls [`settle`]. Must never: leave the machine on
//! a system that nobody confirmed. Called by `polder activate`.

pub mod activation;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::daemon::notify;
use crate::daemon::operator::unix_ms;
use crate::daemon::state_file::{StateFile, Stored};
use crate::push::host::machine::{self, Action, Switched};
use crate::push::host::place::Place;
use crate::push::ledger::{Entry, Event, Kind, Ledger, Outcome, Record};
use crate::push::supervisor::activation::{Activation, Phase};

/// What the gate may say, a line of JSON a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Answer when the switch is over.
    Wait,
    /// Keep the system, if the push is this one.
    Confirm(String),
    /// Go back, if the push is this one.
    Revert(String, String),
}

/// How long somebody who connected may take to say a word.
const WORD_LIMIT: Duration = Duration::from_secs(2);

/// How long the supervisor's answer may take: it may be a whole switch away.
const ANSWER_LIMIT: Duration = Duration::from_secs(1000);

/// The longest word.
const WORD_BYTES: u64 = 64 * 1024;

/// The record of the activation under way.
///
/// # Errors
///
/// There is one, and it cannot be read.
pub fn under_way(place: &Place) -> Result<Option<Activation>, String> {
    match record(place).read() {
        Stored::Missing => Ok(None),
        Stored::Broken(why) => Err(why),
        Stored::Whole(value) if value.is_null() => Ok(None),
        Stored::Whole(value) => serde_json::from_value(value).map(Some).map_err(|error| error.to_string()),
    }
}

/// Writes the record, before the step that it tells of.
///
/// # Errors
///
/// The disk does not have it.
pub fn note(place: &Place, activation: &Activation) -> io::Result<()> {
    record(place).write(&json!(activation))
}

/// That none is under way.
///
/// # Errors
///
/// The disk does not have it.
pub fn forget(place: &Place) -> io::Result<()> {
    let record = record(place);
    // On a full disk a file can still be removed. One that stayed would be settled again and again.
    record.write(&serde_json::Value::Null).or_else(|_| fs::remove_file(&record.path))
}

fn record(place: &Place) -> StateFile {
    StateFile::new(&place.state, "activation")
}

/// Runs an activation whose record the gate has written, to its end.
///
/// # Errors
///
/// There is nothing to do, or it cannot be begun: then nothing was changed.
pub fn supervise(place: &Place) -> Result<Outcome, String> {
    let activation = under_way(place)?.ok_or("no activation is under way: the gate begins one")?;
    if activation.phase != Phase::Switching {
        return Err("the activation under way has begun already".to_owned());
    }
    let socket = place.supervisor();
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    notify::ready(&format!("switching to {}", activation.system.display()));
    let outcome = Trial { place, activation, listener }.run();
    // Whoever still waits for a word learns from the closed socket that it is over.
    let _ = fs::remove_file(&socket);
    Ok(outcome)
}

struct Trial<'a> {
    place: &'a Place,
    activation: Activation,
    listener: UnixListener,
}

impl Trial<'_> {
    fn run(mut self) -> Outcome {
        match machine::switch(&self.activation.system, Action::Test) {
            Switched::Well => {}
            Switched::UnitsFailed(units) => return self.revert(&format!("units failed: {}", units.join(", "))),
            Switched::Failed(why) => return self.revert(&why),
        }
        if let Err(error) = self.enter(Phase::Trial) {
            return self.revert(&format!("the trial cannot be recorded: {error}"));
        }
        notify::status("on trial, waiting for the confirmation");
        let end = Instant::now() + Duration::from_secs(self.activation.confirm_within);
        loop {
            let Some(mut caller) = self.caller_until(end) else {
                let within = self.activation.confirm_within;
                return self.revert(&format!("no confirmation came within {within} s"));
            };
            match heard(&caller) {
                Some(Word::Wait) => answer(&mut caller, "trial"),
                Some(Word::Confirm(push)) if push == self.activation.record.push => {
                    let outcome = self.confirm();
                    answer(&mut caller, outcome.name());
                    return outcome;
                }
                Some(Word::Revert(push, why)) if push == self.activation.record.push => {
                    let outcome = self.revert(&why);
                    answer(&mut caller, outcome.name());
                    return outcome;
                }
                Some(_) => answer(&mut caller, "another push is on trial"),
                None => {}
            }
        }
    }

    /// Whoever connects next, or nobody until then.
    fn caller_until(&self, end: Instant) -> Option<UnixStream> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // However many are waiting to be heard: the trial has an end.
            if left.is_zero() {
                return None;
            }
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => {
                    if let Ok((caller, _)) = self.listener.accept() {
                        return Some(caller);
                    }
                }
                Err(_) => return None,
            }
        }
    }

    fn enter(&mut self, phase: Phase) -> io::Result<()> {
        self.activation.phase = phase;
        note(self.place, &self.activation)
    }

    fn confirm(&mut self) -> Outcome {
        if let Err(error) = self.enter(Phase::Confirming) {
            return self.revert(&format!("the confirmation cannot be recorded: {error}"));
        }
        match keep(self.place, &self.activation) {
            Ok(()) => finish(self.place, &self.activation, Outcome::Confirmed, ""),
            Err(why) => self.revert(&why),
        }
    }

    fn revert(&mut self, why: &str) -> Outcome {
        if let Err(error) = self.enter(Phase::Reverting) {
            tracing::error!("the way back cannot be recorded, and is taken all the same: {error}");
        }
        notify::status(&format!("going back: {why}"));
        go_back(self.place, &self.activation, why)
    }
}

/// What somebody says who connected.
fn heard(caller: &UnixStream) -> Option<Word> {
    caller.set_read_timeout(Some(WORD_LIMIT)).ok()?;
    let mut line = String::new();
    BufReader::new(caller.take(WORD_BYTES)).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn answer(caller: &mut UnixStream, word: &str) {
    let _ = writeln!(caller, "{word}");
}

/// Says a word to the supervisor and waits for its answer: `None` if none runs, or it ended over the question.
pub fn tell(place: &Place, word: &Word) -> Option<String> {
    tell_within(place, word, ANSWER_LIMIT)
}

/// The same, and `None` too where the answer takes longer.
pub fn tell_within(place: &Place, word: &Word, limit: Duration) -> Option<String> {
    let mut stream = UnixStream::connect(place.supervisor()).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    writeln!(stream, "{}", json!(word)).ok()?;
    let mut said = String::new();
    BufReader::new(stream).read_line(&mut said).ok()?;
    let said = said.trim();
    (!said.is_empty()).then(|| said.to_owned())
}

/// What makes a system stay: profile, then boot default.
fn keep(place: &Place, activation: &Activation) -> Result<(), String> {
    machine::set_profile(place, &activation.system)?;
    match machine::switch(&activation.system, Action::Boot) {
        Switched::Well | Switched::UnitsFailed(_) => Ok(()),
        Switched::Failed(why) => Err(why),
    }
}

/// Goes back to what ran before, the profile too where the confirmation had got so far.
fn go_back(place: &Place, activation: &Activation, why: &str) -> Outcome {
    tracing::warn!("going back to {}: {why}", activation.before.display());
    let mut words = vec![why.to_owned()];
    if machine::resolved(&place.profile).is_ok_and(|profile| profile == activation.system) {
        let back = machine::set_profile(place, &activation.before);
        let boot = back.and_then(|()| match machine::switch(&activation.before, Action::Boot) {
            Switched::Failed(why) => Err(why),
            Switched::Well | Switched::UnitsFailed(_) => Ok(()),
        });
        words.extend(boot.err());
    }
    match machine::switch(&activation.before, Action::Test) {
        Switched::Well => {}
        Switched::UnitsFailed(units) => words.push(format!("on the way back units failed: {}", units.join(", "))),
        Switched::Failed(why) => words.push(why),
    }
    let back = machine::current(place).is_ok_and(|current| current == activation.before);
    let outcome = if back && words.len() == 1 { Outcome::Reverted } else { Outcome::Stuck };
    finish(place, activation, outcome, &words.join("; "))
}

/// Writes down how it ended, and forgets that it was under way.
fn finish(place: &Place, activation: &Activation, outcome: Outcome, words: &str) -> Outcome {
    let entry = Entry {
        at: unix_ms(),
        from: activation.from.clone(),
        signed_by: activation.signed_by.clone(),
        event: Event::Activation {
            record: activation.record.clone(),
            before: activation.before.clone(),
            system: activation.system.clone(),
            outcome,
            words: words.to_owned(),
        },
    };
    if let Err(error) = Ledger::new(place.ledger()).add(&entry) {
        tracing::error!("the ledger cannot be written: {error}: {}", json!(entry));
    }
    if let Err(error) = forget(place) {
        tracing::error!("{error}");
    }
    machine::let_go(place);
    tracing::info!("{} {} {words}", activation.system.display(), outcome.name());
    outcome
}

/// Ends an activation whose supervisor is gone: killed, or with the machine. Nothing to do is no error.
///
/// # Errors
///
/// The record cannot be read, nor laid aside.
pub fn settle(place: &Place) -> Result<Option<Outcome>, String> {
    let known = under_way(place);
    let _ = fs::remove_file(place.supervisor());
    let activation = match known {
        Ok(Some(activation)) => activation,
        Ok(None) => return Ok(None),
        Err(why) => return settle_unreadable(place, &why).map(Some),
    };
    let outcome = match activation.boot == machine::boot_id() {
        true => settle_here(place, &activation),
        false => settle_after_boot(place, &activation),
    };
    Ok(Some(outcome))
}

/// A record that cannot be read (the disk failed, or another release wrote it) tells neither what is on trial nor what ran
/// before. The profile is what was confirmed last: that is gone back to. The record is kept beside its place.
fn settle_unreadable(place: &Place, why: &str) -> Result<Outcome, String> {
    let path = record(place).path;
    let aside = path.with_extension("unreadable");
    let (system, before) = machine::current(place)
        .and_then(|system| Ok((system, machine::resolved(&place.profile)?)))
        .map_err(|error| error.to_string())?;
    fs::rename(&path, &aside).map_err(|error| format!("{}: {error}", path.display()))?;
    let unknown = || "unknown".to_owned();
    let record = Record {
        push: unknown(),
        kind: Kind::Push,
        who: unknown(),
        revision: None,
        local_changes: Vec::new(),
        deferred: false,
        plan: String::new(),
        skipped: Vec::new(),
    };
    let (from, boot) = (unknown(), machine::boot_id());
    let activation =
        Activation { record, from, signed_by: None, before, system, boot, confirm_within: 0, phase: Phase::Reverting };
    let words = format!("the record of an activation cannot be read: {why}; it is kept as {}", aside.display());
    match activation.system == activation.before {
        true => Ok(finish(place, &activation, Outcome::Reverted, &words)),
        false => Ok(go_back(place, &activation, &words)),
    }
}

/// In the same boot. A confirmation that was given is kept: whoever gave it may have learned so.
fn settle_here(place: &Place, activation: &Activation) -> Outcome {
    if activation.phase == Phase::Confirming {
        return match keep(place, activation) {
            Ok(()) => finish(place, activation, Outcome::Confirmed, "its supervisor was killed while confirming"),
            Err(why) => go_back(place, activation, &why),
        };
    }
    go_back(place, activation, "its supervisor was killed")
}

/// The machine has restarted, and so runs what its boot loader had: only what a confirmation had got to can be left over.
fn settle_after_boot(place: &Place, activation: &Activation) -> Outcome {
    let why = "the machine restarted before the confirmation";
    let runs = |system: &Path| machine::current(place).is_ok_and(|current| current == system);
    let profile_is = |system: &Path| machine::resolved(&place.profile).is_ok_and(|profile| profile == system);
    if runs(&activation.system) && profile_is(&activation.system) {
        return finish(place, activation, Outcome::Confirmed, "the machine restarted while confirming");
    }
    if runs(&activation.before) && !profile_is(&activation.before) {
        let back = machine::set_profile(place, &activation.before);
        let (outcome, words) = match back {
            Ok(()) => (Outcome::Reverted, why.to_owned()),
            Err(error) => (Outcome::Stuck, format!("{why}; {error}")),
        };
        return finish(place, activation, outcome, &words);
    }
    let outcome = if runs(&activation.before) { Outcome::Reverted } else { Outcome::Stuck };
    finish(place, activation, outcome, why)
}

#[cfg(test)]
mod tests;
