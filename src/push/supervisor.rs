//! The supervisor of an activation on its host: switches, waits for the confirmation, and goes back without it.
//!
//! Owns the steps of [`crate::push::supervisor::activation`]'s diagram and the socket by which the gate tells it to confirm or to go back. It is the
//! polder of the previous system, in a transient unit of its own, so that nothing that the new system does to ssh, the gate or the
//! network ends it. If it is killed all the same, the unit's ExecStopPost calls [`settle`]. Must never: leave the machine on
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
use crate::daemon::state_file::{StateFile, Stored};
use crate::push::error::Error;
use crate::push::host::machine::{self, Action, SwitchResult};
use crate::push::host::paths::HostPaths;
use crate::push::ledger::{Entry, Event, Kind, Ledger, Outcome, Record};
use crate::push::supervisor::activation::{Activation, Phase};
use crate::unix_time::unix_ms;

/// A command of the gate: one line of JSON per connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Answer when the switch has ended.
    Wait,
    /// Keep the system, if this is the push on trial.
    Confirm(String),
    /// Go back, if this is the push on trial, for the given reason.
    Revert(String, String),
}

/// How long a client may take to send its command.
const COMMAND_LIMIT: Duration = Duration::from_secs(2);

/// How long the supervisor may take to answer: it may have to switch first.
const ANSWER_LIMIT: Duration = Duration::from_secs(1000);

/// The longest command, in bytes.
const COMMAND_BYTES: u64 = 64 * 1024;

/// The record of the activation under way.
///
/// # Errors
///
/// There is a record, and it cannot be read.
pub fn under_way(paths: &HostPaths) -> Result<Option<Activation>, Error> {
    match record(paths).read() {
        Stored::Missing => Ok(None),
        Stored::Broken(why) => Err(Error::new(why)),
        Stored::Whole(value) if value.is_null() => Ok(None),
        Stored::Whole(value) => serde_json::from_value(value).map(Some).map_err(Error::new),
    }
}

/// Writes the record, which has to be done before the step that it describes.
///
/// # Errors
///
/// It could not be written to disk.
pub fn note(paths: &HostPaths, activation: &Activation) -> io::Result<()> {
    record(paths).write(&json!(activation))
}

/// Clears the record: no activation is under way.
///
/// # Errors
///
/// It could not be written to disk.
pub fn forget(paths: &HostPaths) -> io::Result<()> {
    let record = record(paths);
    // On a full disk the file can still be removed. If it stayed, it would be settled again and again.
    record.write(&serde_json::Value::Null).or_else(|_| fs::remove_file(&record.path))
}

fn record(paths: &HostPaths) -> StateFile {
    StateFile::new(&paths.state, "activation")
}

/// Whether the machine has restarted into the system of this activation, as it was to: its trial begins.
pub fn is_up_again(paths: &HostPaths, activation: &Activation) -> bool {
    activation.phase == Phase::Rebooting
        && activation.boot != machine::boot_id()
        && machine::current(paths).is_ok_and(|current| current == activation.system)
}

/// Runs the activation whose record the gate has written, to its end, or until the machine restarts for it (`None`).
///
/// # Errors
///
/// There is no activation to run, or it cannot begin; nothing was changed.
pub fn supervise(paths: &HostPaths) -> Result<Option<Outcome>, Error> {
    let activation = under_way(paths)?.ok_or_else(|| Error::new("no activation is under way: the gate begins one"))?;
    let is_up_again = is_up_again(paths, &activation);
    if activation.phase != Phase::Switching && !is_up_again {
        return Err(Error::new("the activation under way has begun already"));
    }
    let socket = paths.supervisor();
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).map_err(|error| Error::at(socket.display(), error))?;
    notify::ready(&format!("switching to {}", activation.system.display()));
    let trial = Trial { paths, activation, listener };
    let outcome = match (is_up_again, trial.activation.reboot) {
        (true, _) => trial.after_boot(),
        (false, true) => trial.restart(),
        (false, false) => trial.run(),
    };
    // A client that still waits for an answer learns from the closed socket that the trial is over.
    let _ = fs::remove_file(&socket);
    Ok(outcome)
}

struct Trial<'a> {
    paths: &'a HostPaths,
    activation: Activation,
    listener: UnixListener,
}

impl Trial<'_> {
    /// Makes the system the boot default and restarts the machine. The trial goes on after that ([`is_up_again`]).
    fn restart(mut self) -> Option<Outcome> {
        if let Err(error) = self.enter(Phase::Rebooting) {
            return self.revert(&format!("the restart cannot be recorded: {error}"));
        }
        notify::status("restarting the machine");
        match keep(self.paths, &self.activation.system).and_then(|()| machine::reboot(self.paths)) {
            Ok(()) => None,
            Err(error) => self.revert(&error.to_string()),
        }
    }

    fn after_boot(mut self) -> Option<Outcome> {
        self.activation.boot = machine::boot_id();
        self.prove()
    }

    fn run(mut self) -> Option<Outcome> {
        match machine::switch(&self.activation.system, Action::Test) {
            SwitchResult::Succeeded => {}
            SwitchResult::UnitsFailed(units) => return self.revert(&format!("units failed: {}", units.join(", "))),
            SwitchResult::Failed(why) => return self.revert(&why),
        }
        self.prove()
    }

    /// Waits for the confirmation.
    fn prove(mut self) -> Option<Outcome> {
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
            match read_command(&caller) {
                Some(Command::Wait) => answer(&mut caller, "trial"),
                Some(Command::Confirm(push)) if push == self.activation.record.push => {
                    let outcome = self.confirm();
                    answer(&mut caller, word(outcome));
                    return outcome;
                }
                Some(Command::Revert(push, why)) if push == self.activation.record.push => {
                    let outcome = self.revert(&why);
                    answer(&mut caller, word(outcome));
                    return outcome;
                }
                Some(_) => answer(&mut caller, "another push is on trial"),
                None => {}
            }
        }
    }

    /// The next client, or `None` if nobody connects until `end`.
    fn caller_until(&self, end: Instant) -> Option<UnixStream> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // The trial ends on time even if more clients are waiting.
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
        note(self.paths, &self.activation)
    }

    fn confirm(&mut self) -> Option<Outcome> {
        if let Err(error) = self.enter(Phase::Confirming) {
            return self.revert(&format!("the confirmation cannot be recorded: {error}"));
        }
        match keep(self.paths, &self.activation.system) {
            Ok(()) => Some(finish(self.paths, &self.activation, Outcome::Confirmed, "")),
            Err(error) => self.revert(&error.to_string()),
        }
    }

    fn revert(&mut self, why: &str) -> Option<Outcome> {
        why.clone_into(&mut self.activation.why);
        if let Err(error) = self.enter(Phase::Reverting) {
            tracing::error!("going back cannot be recorded, and is done all the same: {error}");
        }
        notify::status(&format!("going back: {why}"));
        go_back(self.paths, &self.activation, why)
    }
}

/// The command of a client; `None` if none came in time.
fn read_command(caller: &UnixStream) -> Option<Command> {
    caller.set_read_timeout(Some(COMMAND_LIMIT)).ok()?;
    let mut line = String::new();
    BufReader::new(caller.take(COMMAND_BYTES)).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("restarting", Outcome::name)
}

fn answer(caller: &mut UnixStream, word: &str) {
    let _ = writeln!(caller, "{word}");
}

/// Sends a command to the supervisor and waits for its answer. `None` if no supervisor runs, or if it ended before it answered.
pub fn tell(paths: &HostPaths, command: &Command) -> Option<String> {
    tell_within(paths, command, ANSWER_LIMIT)
}

/// Like [`tell`], but gives up (`None`) after a limit.
pub fn tell_within(paths: &HostPaths, command: &Command, limit: Duration) -> Option<String> {
    let mut stream = UnixStream::connect(paths.supervisor()).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    writeln!(stream, "{}", json!(command)).ok()?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).ok()?;
    let answer = answer.trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// Makes a system permanent: the profile, then the boot default.
fn keep(paths: &HostPaths, system: &Path) -> Result<(), Error> {
    if !machine::resolved(&paths.profile).is_ok_and(|profile| profile == system) {
        machine::set_profile(paths, system)?;
    }
    match machine::switch(system, Action::Boot) {
        SwitchResult::Succeeded | SwitchResult::UnitsFailed(_) => Ok(()),
        SwitchResult::Failed(why) => Err(Error::new(why)),
    }
}

/// Goes back to the previous system, and sets the profile back if the confirmation had got that far. A machine that has booted into
/// the new one boots back (`None`): what follows is [`settle_after_boot`].
fn go_back(paths: &HostPaths, activation: &Activation, why: &str) -> Option<Outcome> {
    tracing::warn!("going back to {}: {why}", activation.before.display());
    let mut words = vec![why.to_owned()];
    // What was meant for a restart is the boot default already, whatever the profile says.
    let was_kept = machine::resolved(&paths.profile).is_ok_and(|profile| profile == activation.system);
    if activation.reboot || was_kept {
        words.extend(keep(paths, &activation.before).err().map(|error| error.to_string()));
    }
    // With the new system as the boot default a restart would lead back here, again and again.
    let is_kept = words.len() == 1;
    if activation.reboot && is_kept && machine::current(paths).is_ok_and(|current| current == activation.system) {
        match machine::reboot(paths) {
            Ok(()) => return None,
            Err(error) => words.push(error.to_string()),
        }
    }
    match machine::switch(&activation.before, Action::Test) {
        SwitchResult::Succeeded => {}
        SwitchResult::UnitsFailed(units) => words.push(format!("units failed while going back: {}", units.join(", "))),
        SwitchResult::Failed(why) => words.push(why),
    }
    let back = machine::current(paths).is_ok_and(|current| current == activation.before);
    let outcome = if back && words.len() == 1 { Outcome::Reverted } else { Outcome::Stuck };
    Some(finish(paths, activation, outcome, &words.join("; ")))
}

/// Writes the outcome to the ledger and clears the record.
fn finish(paths: &HostPaths, activation: &Activation, outcome: Outcome, words: &str) -> Outcome {
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
    if let Err(error) = Ledger::new(paths.ledger()).add(&entry) {
        tracing::error!("the ledger cannot be written: {error}: {}", json!(entry));
    }
    if let Err(error) = forget(paths) {
        tracing::error!("{error}");
    }
    machine::release(paths);
    tracing::info!("{} {} {words}", activation.system.display(), outcome.name());
    outcome
}

/// Ends an activation whose supervisor was killed or ended with the machine. `None` if there is none, or the machine is restarting for it.
///
/// # Errors
///
/// The record can neither be read nor moved away.
pub fn settle(paths: &HostPaths) -> Result<Option<Outcome>, Error> {
    let known = under_way(paths);
    let _ = fs::remove_file(paths.supervisor());
    let activation = match known {
        Ok(Some(activation)) => activation,
        Ok(None) => return Ok(None),
        Err(error) => return settle_unreadable(paths, &error.to_string()),
    };
    Ok(match activation.boot == machine::boot_id() {
        true => settle_here(paths, &activation),
        false => settle_after_boot(paths, &activation),
    })
}

/// Ends an activation whose record cannot be read, because the disk failed or another release wrote it. The host goes back to the
/// profile, which was confirmed last. The record is kept under another name.
fn settle_unreadable(paths: &HostPaths, why: &str) -> Result<Option<Outcome>, Error> {
    let path = record(paths).path;
    let aside = path.with_extension("unreadable");
    let (system, before) = machine::current(paths)
        .and_then(|system| Ok((system, machine::resolved(&paths.profile)?)))
        .map_err(Error::new)?;
    fs::rename(&path, &aside).map_err(|error| Error::at(path.display(), error))?;
    let unknown = || "unknown".to_owned();
    let record = Record { push: unknown(), ..Record::new(Kind::Push, unknown()) };
    let (from, boot) = (unknown(), machine::boot_id());
    let activation = Activation {
        record,
        from,
        signed_by: None,
        before,
        system,
        boot,
        confirm_within: 0,
        reboot: false,
        why: String::new(),
        phase: Phase::Reverting,
    };
    let words = format!("the record of an activation cannot be read: {why}; it is kept as {}", aside.display());
    match activation.system == activation.before {
        true => Ok(Some(finish(paths, &activation, Outcome::Reverted, &words))),
        false => Ok(go_back(paths, &activation, &words)),
    }
}

/// Ends an activation in the same boot. A confirmation that had begun is completed, because the pusher may count on it.
fn settle_here(paths: &HostPaths, activation: &Activation) -> Option<Outcome> {
    if activation.reboot
        && matches!(activation.phase, Phase::Rebooting | Phase::Reverting)
        && machine::is_stopping(paths)
    {
        return None;
    }
    if activation.phase == Phase::Confirming {
        return match keep(paths, &activation.system) {
            Ok(()) => Some(finish(paths, activation, Outcome::Confirmed, "its supervisor was killed while confirming")),
            Err(error) => go_back(paths, activation, &error.to_string()),
        };
    }
    go_back(paths, activation, "its supervisor was killed")
}

/// Ends an activation after a restart. The machine runs what its boot loader has; only an interrupted confirmation may be left to end,
/// or the way back of a machine that had booted into the new system.
fn settle_after_boot(paths: &HostPaths, activation: &Activation) -> Option<Outcome> {
    let why = match activation.why.as_str() {
        "" => "the machine restarted before the confirmation",
        why => why,
    };
    let runs = |system: &Path| machine::current(paths).is_ok_and(|current| current == system);
    let profile_is = |system: &Path| machine::resolved(&paths.profile).is_ok_and(|profile| profile == system);
    if runs(&activation.system) && profile_is(&activation.system) {
        if activation.reboot && activation.phase != Phase::Confirming {
            return go_back_from_boot(paths, activation, why);
        }
        return Some(finish(paths, activation, Outcome::Confirmed, "the machine restarted while confirming"));
    }
    if runs(&activation.before) && !profile_is(&activation.before) {
        // After a restart on trial the boot default is the new system too.
        let back = match activation.reboot {
            true => keep(paths, &activation.before),
            false => machine::set_profile(paths, &activation.before),
        };
        let (outcome, words) = match back {
            Ok(()) => (Outcome::Reverted, why.to_owned()),
            Err(error) => (Outcome::Stuck, format!("{why}; {error}")),
        };
        return Some(finish(paths, activation, outcome, &words));
    }
    let outcome = if runs(&activation.before) { Outcome::Reverted } else { Outcome::Stuck };
    Some(finish(paths, activation, outcome, why))
}

/// Goes back from a trial that a second restart has interrupted.
fn go_back_from_boot(paths: &HostPaths, activation: &Activation, why: &str) -> Option<Outcome> {
    let back =
        Activation { phase: Phase::Reverting, boot: machine::boot_id(), why: why.to_owned(), ..activation.clone() };
    if let Err(error) = note(paths, &back) {
        tracing::error!("going back cannot be recorded, and is done all the same: {error}");
    }
    go_back(paths, &back, why)
}

#[cfg(test)]
mod tests;
