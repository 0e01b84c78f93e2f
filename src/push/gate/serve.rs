//! The root part: reads one request, does it, writes one answer.

use std::collections::BTreeMap;
use std::io;

use super::heard::{Doorkeeper, Heard, from_standard_input, say};
use super::{activating, looking, origin};
use crate::daemon::operator::unix_ms;
use crate::push::host::lock::{self, Lock, LockFile};
use crate::push::host::machine;
use crate::push::host::place::Place;
use crate::push::keys;
use crate::push::ledger::{Entry, Event, Ledger};
use crate::push::protocol::closure;
use crate::push::protocol::{Answer, Instruction, KeyChange, Question};
use crate::push::supervisor;

/// Serves one connection on standard input and output, as a socket unit with `Accept=yes` gives it.
///
/// # Errors
///
/// The connection broke: nobody is left to tell.
pub fn serve(place: &Place) -> Result<(), String> {
    let (from, line) = from_standard_input()?;
    let doorkeeper = Doorkeeper { keys: &place.signing_keys, state: &place.state, host: machine::host_name() };
    if let Err(why) = activating::settle_what_is_left(place) {
        tracing::error!("{why}");
    }
    let done = match doorkeeper.hear(&line) {
        Ok(Heard::Question(Question::Clock)) => doorkeeper.clock().map(Answer::Clock).map_err(Refusal::from),
        Ok(Heard::Question(question)) => answer(place, question),
        Ok(Heard::Instruction { instruction, signer }) => Gate { place, from, signer }.follow(*instruction),
        Err(answer) => Ok(answer),
    };
    say(&done.unwrap_or_else(|refusal| match refusal {
        Refusal::Why(why) => Answer::Refused { why },
        Refusal::Locked(holder) => Answer::Locked { holder },
    }))
}

/// Answers a question. Nothing changes by it.
fn answer(place: &Place, question: Question) -> Result<Answer, Refusal> {
    match question {
        Question::Report => Ok(Answer::Report(Box::new(looking::report(place)?))),
        // Whoever may ask reads it with his own rights: [`super::forced()`].
        Question::Running { system: Some(system) } => {
            closure::in_store(&place.store, &system)?;
            origin::check_ran_here(place, &system)?;
            Ok(Answer::Done)
        }
        Question::Activation => Ok(activating::wait(place)?),
        Question::Ledger { last } => Ok(Answer::Ledger { entries: Ledger::new(place.ledger()).last(last)? }),
        Question::Keys => Ok(Answer::Keys { files: keys::file::all(&place.keys)? }),
        Question::Clock | Question::Running { system: None } | Question::Look { .. } => {
            Err(Refusal::Why("another part of the gate answers this".to_owned()))
        }
    }
}

/// A gate with a caller whose instruction is signed.
struct Gate<'a> {
    place: &'a Place,
    /// The admin machine whose deploy key was used.
    from: String,
    /// The name of the key that signed.
    signer: String,
}

impl Gate<'_> {
    fn follow(&self, instruction: Instruction) -> Result<Answer, Refusal> {
        let place = self.place;
        match instruction {
            Instruction::Lock { lock, seconds } => self.lock(lock, seconds),
            Instruction::Renew { token, seconds } => {
                let file = LockFile::new(&place.state);
                let _alone = file.alone()?;
                let lock = self.presented(&token)?;
                self.grant(&file, lock, seconds)
            }
            Instruction::Unlock { token } => self.unlock(&token),
            Instruction::BreakLock { who, why } => self.break_lock(who, why),
            Instruction::Hold { token, system } => {
                self.presented(&token)?;
                machine::hold(place, &closure::in_store(&place.store, &system)?)?;
                Ok(Answer::Done)
            }
            Instruction::Rehearse { token, target } => {
                self.presented(&token)?;
                Ok(Answer::Rehearsed(activating::rehearse(place, &target)?))
            }
            Instruction::Activate { token, target, expected, confirm_within, record } => {
                let _locked = activating::lock_activation(place)?;
                self.presented(&token)?;
                let wanted = activating::Wanted { target, expected, confirm_within, record };
                activating::check(place, &wanted)?;
                // Looking takes its time on a slow disk: the lock may have gone to somebody else.
                self.presented(&token)?;
                activating::begin(place, &self.from, &self.signer, wanted)?;
                Ok(Answer::Done)
            }
            Instruction::Confirm { token, push } => {
                self.presented(&token)?;
                activating::conclude(place, &supervisor::Word::Confirm(push))?;
                Ok(Answer::Done)
            }
            Instruction::Revert { token, push, why } => {
                self.presented(&token)?;
                activating::conclude(place, &supervisor::Word::Revert(push, why))?;
                Ok(Answer::Done)
            }
            Instruction::Copies { ledgers } => self.copies(ledgers),
            Instruction::Key { token, name, change } => {
                let holder = self.presented(&token)?.holder;
                self.key(holder, name, &change)
            }
            Instruction::Tell { .. } => Err(Refusal::Why("another part of the gate does this".to_owned())),
        }
    }

    fn presented(&self, token: &str) -> Result<Lock, Refusal> {
        let present = LockFile::new(&self.place.state).read();
        lock::presented(present, token, unix_ms()).map_err(|holder| match holder {
            Some(holder) => Refusal::Locked(holder),
            None => {
                Refusal::Why("the lock has expired or was broken: somebody else may be pushing; push again".to_owned())
            }
        })
    }

    fn lock(&self, wanted: Lock, seconds: u64) -> Result<Answer, Refusal> {
        let file = LockFile::new(&self.place.state);
        let _alone = file.alone()?;
        self.grant(&file, wanted, seconds)
    }

    fn grant(&self, file: &LockFile, wanted: Lock, seconds: u64) -> Result<Answer, Refusal> {
        let granted = lock::grant(file.read(), wanted, seconds, unix_ms()).map_err(Refusal::Locked)?;
        file.write(Some(&granted))?;
        Ok(Answer::Done)
    }

    fn unlock(&self, token: &str) -> Result<Answer, Refusal> {
        let file = LockFile::new(&self.place.state);
        let _alone = file.alone()?;
        if lock::presented(file.read(), token, unix_ms()).is_ok() {
            file.write(None)?;
            if supervisor::under_way(self.place)?.is_none() {
                machine::let_go(self.place);
            }
        }
        Ok(Answer::Done)
    }

    fn break_lock(&self, who: String, why: String) -> Result<Answer, Refusal> {
        let file = LockFile::new(&self.place.state);
        let _alone = file.alone()?;
        let Some(holder) = lock::held(file.read(), unix_ms()) else { return Ok(Answer::Done) };
        let broken = Event::LockBroken { who, why, holder: holder.holder, reason: holder.reason };
        self.record(broken)?;
        file.write(None)?;
        Ok(Answer::Done)
    }

    fn key(&self, who: String, name: String, change: &KeyChange) -> Result<Answer, Refusal> {
        let (fingerprints, changed) = keys::file::apply(&self.place.keys, &name, change)?;
        if changed {
            let event = Event::KeyPut { who, name: name.clone(), fingerprints: fingerprints.clone() };
            self.record(event)?;
        }
        // Also where nothing was changed: the step before this one may have ended in between.
        machine::reload_daemons(self.place)?;
        Ok(Answer::Keys { files: BTreeMap::from([(name, fingerprints)]) })
    }

    fn record(&self, event: Event) -> io::Result<()> {
        let entry = Entry { at: unix_ms(), from: self.from.clone(), signed_by: Some(self.signer.clone()), event };
        Ledger::new(self.place.ledger()).add(&entry)
    }

    /// Other hosts' entries, below the admin machine's own folder.
    fn copies(&self, ledgers: BTreeMap<String, Vec<Entry>>) -> Result<Answer, Refusal> {
        let folder = self.place.copies.as_path();
        if !folder.is_dir() {
            return Err(Refusal::Why("this host is no admin machine: it keeps no copies of ledgers".to_owned()));
        }
        for (host, entries) in ledgers {
            let host = crate::config::names::name(&host).map_err(String::from)?;
            crate::push::admin::copies::keep(folder, &host, &entries)?;
        }
        Ok(Answer::Done)
    }
}

/// Why something is not done.
pub(super) enum Refusal {
    /// For a reason.
    Why(String),
    /// Somebody else has the lock.
    Locked(Lock),
}

impl From<String> for Refusal {
    fn from(why: String) -> Refusal {
        Refusal::Why(why)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Why(error.to_string())
    }
}
