//! The root part of the gate: reads a request, carries it out, writes an answer.

use std::collections::BTreeMap;
use std::io;

use super::error::GateError;
use super::request::{Admission, Request, from_standard_input, write_answer};
use super::{activate, report, target};
use crate::push::error::Error;
use crate::push::host::lock::{self, Lock, LockFile};
use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::keys;
use crate::push::ledger::{Entry, Event, Ledger};
use crate::push::protocol::agreement::AgreementChange;
use crate::push::protocol::closure;
use crate::push::protocol::{Answer, Instruction, KeyChange, Question};
use crate::push::supervisor;
use crate::unix_time::unix_ms;

/// Serves one connection on standard input and output, as a socket unit with `Accept=yes` gives it.
///
/// # Errors
///
/// The connection broke, so no answer was sent.
pub fn serve(paths: &HostPaths) -> Result<(), Error> {
    let (from, line) = from_standard_input()?;
    let admission = Admission { keys: &paths.signing_keys, state: &paths.state, host: machine::host_name() };
    if let Err(why) = activate::settle_what_is_left(paths) {
        tracing::error!("{why}");
    }
    let done = match admission.admit(&line) {
        Ok(Request::Question(Question::Clock)) => admission.clock().map(Answer::Clock).map_err(GateError::from),
        Ok(Request::Question(question)) => answer(paths, question),
        Ok(Request::Instruction { instruction, signer }) => Gate { paths, from, signer }.follow(*instruction),
        Err(answer) => Ok(answer),
    };
    write_answer(&done.unwrap_or_else(Answer::from))
}

/// Answers a question, without changing anything.
fn answer(paths: &HostPaths, question: Question) -> Result<Answer, GateError> {
    match question {
        Question::Report => Ok(Answer::Report(Box::new(report::report(paths)?))),
        // Only the permission comes from here: the forced command reads the system, with its own rights.
        Question::Running { system: Some(system) } => {
            closure::in_store(&paths.store, &system)?;
            target::check_ran_here(paths, &system)?;
            Ok(Answer::Done)
        }
        Question::Activation => Ok(activate::wait(paths)?),
        Question::Ledger { last } => Ok(Answer::Ledger { entries: Ledger::new(paths.ledger()).last(last)? }),
        Question::Keys => Ok(Answer::Keys { files: keys::file::all(&paths.keys)? }),
        Question::Agreement => Ok(Answer::Agreement(keys::agreement::files::look(&paths.keys)?)),
        Question::Clock | Question::Running { system: None } | Question::Look { .. } => {
            Err(GateError::refused("this question belongs to another part of the gate"))
        }
    }
}

/// Carries out a signed instruction.
struct Gate<'a> {
    paths: &'a HostPaths,
    /// The admin machine whose deploy key was used.
    from: String,
    /// The name of the key that signed.
    signer: String,
}

impl Gate<'_> {
    fn follow(&self, instruction: Instruction) -> Result<Answer, GateError> {
        let paths = self.paths;
        match instruction {
            Instruction::Lock { lock, seconds } => self.lock(lock, seconds),
            Instruction::Renew { token, seconds } => {
                let file = LockFile::new(&paths.state);
                let _locked = file.lock()?;
                let lock = self.presented(&token)?;
                self.grant(&file, lock, seconds)
            }
            Instruction::Unlock { token } => self.unlock(&token),
            Instruction::BreakLock { who, why } => self.break_lock(who, why),
            Instruction::Hold { token, system } => {
                self.presented(&token)?;
                machine::hold(paths, &closure::in_store(&paths.store, &system)?)?;
                Ok(Answer::Done)
            }
            Instruction::Rehearse { token, target } => {
                self.presented(&token)?;
                Ok(Answer::Rehearsed(activate::rehearse(paths, &target)?))
            }
            Instruction::Activate { token, target, expected, confirm_within, reboot, record } => {
                let _locked = activate::lock_activation(paths)?;
                self.presented(&token)?;
                let request = activate::ActivationRequest { target, expected, confirm_within, reboot, record };
                activate::check(paths, &request)?;
                // The checks may take long on a slow disk: the lock may have expired and gone to somebody else.
                self.presented(&token)?;
                activate::begin(paths, &self.from, &self.signer, request)?;
                Ok(Answer::Done)
            }
            Instruction::Confirm { token, push } => {
                self.presented(&token)?;
                activate::conclude(paths, &supervisor::Command::Confirm(push))?;
                Ok(Answer::Done)
            }
            Instruction::Revert { token, push, why } => {
                self.presented(&token)?;
                activate::conclude(paths, &supervisor::Command::Revert(push, why))?;
                Ok(Answer::Done)
            }
            Instruction::Copies { ledgers } => self.copies(ledgers),
            Instruction::Key { token, name, change } => {
                let holder = self.presented(&token)?.holder;
                self.key(holder, name, &change)
            }
            Instruction::Agreement { token, change } => {
                let holder = self.presented(&token)?.holder;
                self.agreement(holder, &change)
            }
            Instruction::Tell { .. } => Err(GateError::refused("this instruction belongs to another part of the gate")),
        }
    }

    fn presented(&self, token: &str) -> Result<Lock, GateError> {
        let present = LockFile::new(&self.paths.state).read();
        lock::presented(present, token, unix_ms()).map_err(|holder| match holder {
            Some(holder) => GateError::Locked(holder),
            None => GateError::Refused(Error::new(
                "the lock has expired or was broken: somebody else may be pushing; push again",
            )),
        })
    }

    fn lock(&self, wanted: Lock, seconds: u64) -> Result<Answer, GateError> {
        let file = LockFile::new(&self.paths.state);
        let _locked = file.lock()?;
        self.grant(&file, wanted, seconds)
    }

    fn grant(&self, file: &LockFile, wanted: Lock, seconds: u64) -> Result<Answer, GateError> {
        let granted = lock::grant(file.read(), wanted, seconds, unix_ms()).map_err(GateError::Locked)?;
        file.write(Some(&granted))?;
        Ok(Answer::Done)
    }

    fn unlock(&self, token: &str) -> Result<Answer, GateError> {
        let file = LockFile::new(&self.paths.state);
        let _locked = file.lock()?;
        if lock::presented(file.read(), token, unix_ms()).is_ok() {
            file.write(None)?;
            if supervisor::under_way(self.paths)?.is_none() {
                machine::release(self.paths);
            }
        }
        Ok(Answer::Done)
    }

    fn break_lock(&self, who: String, why: String) -> Result<Answer, GateError> {
        let file = LockFile::new(&self.paths.state);
        let _locked = file.lock()?;
        let Some(holder) = lock::held(file.read(), unix_ms()) else { return Ok(Answer::Done) };
        let broken = Event::LockBroken { who, why, holder: holder.holder, reason: holder.reason };
        self.record(broken)?;
        file.write(None)?;
        Ok(Answer::Done)
    }

    fn key(&self, who: String, name: String, change: &KeyChange) -> Result<Answer, GateError> {
        let (fingerprints, changed) = keys::file::apply(&self.paths.keys, &name, change)?;
        if changed {
            let event = Event::KeyPut { who, name: name.clone(), fingerprints: fingerprints.clone() };
            self.record(event)?;
        }
        // Even if nothing was changed: an earlier attempt may have been interrupted before the reload.
        machine::reload_daemons(self.paths)?;
        Ok(Answer::Keys { files: BTreeMap::from([(name, fingerprints)]) })
    }

    fn agreement(&self, who: String, change: &AgreementChange) -> Result<Answer, GateError> {
        let (files, changed) = keys::agreement::files::apply(&self.paths.keys, change)?;
        if changed {
            let fingerprints = files.authorities.iter().map(|authority| authority.name.clone()).collect();
            self.record(Event::KeyPut { who, name: "agreement".to_owned(), fingerprints })?;
        }
        // As for keys. A member reads a new certificate by itself, and the authorities that it trusts when it starts.
        if !matches!(change, AgreementChange::Use { .. }) {
            machine::restart_member(self.paths)?;
        }
        // Without a certificate of its own a proxy has nothing to take up yet, and would refuse to.
        if files.certificate.is_some() {
            machine::reload_daemons(self.paths)?;
        }
        Ok(Answer::Agreement(files))
    }

    fn record(&self, event: Event) -> io::Result<()> {
        let entry = Entry { at: unix_ms(), from: self.from.clone(), signed_by: Some(self.signer.clone()), event };
        Ledger::new(self.paths.ledger()).add(&entry)
    }

    /// Stores copies of other hosts' entries in the admin machine's own folder.
    fn copies(&self, ledgers: BTreeMap<String, Vec<Entry>>) -> Result<Answer, GateError> {
        let folder = self.paths.copies.as_path();
        if !folder.is_dir() {
            return Err(GateError::refused("this host is not an admin machine and keeps no copies of ledgers"));
        }
        for (host, entries) in ledgers {
            let host = crate::config::names::name(&host).map_err(GateError::refused)?;
            crate::push::admin::copies::keep(folder, &host, &entries)?;
        }
        Ok(Answer::Done)
    }
}
