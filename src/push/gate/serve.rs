//! The root half: reads one request, does it, writes one answer.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::time::{TimeVal, TimeValLike};

use super::{Caller, REQUEST_BYTES, activating, looking, relay};
use crate::daemon::operator::unix_ms;
use crate::push::keys;
use crate::push::ledger::{Entry, Event, Ledger};
use crate::push::lock::{self, Lock, LockFile};
use crate::push::machine;
use crate::push::place::Place;
use crate::push::protocol::{Answer, Daemon, KeyChange, Request};
use crate::push::{supervisor, system};

/// Serves one connection on standard input and output, as a socket unit with `Accept=yes` gives it.
///
/// # Errors
///
/// The connection broke, or what came was no request: nobody is left to tell.
pub fn serve(place: &Place) -> Result<(), String> {
    let (caller, request) = heard()?;
    let answer = match request {
        Ok(Request::Relay { daemon }) => return serve_relay(place, daemon),
        Ok(request) => Gate { place, from: caller.from }.answer(request),
        Err(why) => Answer::Refused { why: format!("this is no request that this host's polder knows: {why}") },
    };
    say(&answer).map_err(|error| error.to_string())
}

/// How long a caller may take to say what it wants: one that says nothing keeps no process of root's waiting.
const PATIENCE: i64 = 30;

/// The caller and the request. What follows a request for a relay is the daemon's, and stays in standard input's own buffer.
fn heard() -> Result<(Caller, Result<Request, String>), String> {
    let stdin = io::stdin();
    // On a terminal, or in a pipe, there is no such limit, and nobody who would need it.
    let _ = setsockopt(&stdin, ReceiveTimeout, &TimeVal::seconds(PATIENCE));
    let mut input = stdin.lock().take(REQUEST_BYTES);
    let caller = line(&mut input).map_err(|why| format!("the caller: {why}"))?;
    let request = line(&mut input);
    // A relay may be silent for as long as it likes.
    let _ = setsockopt(&stdin, ReceiveTimeout, &TimeVal::seconds(0));
    Ok((caller, request))
}

fn line<T: serde::de::DeserializeOwned>(input: &mut impl BufRead) -> Result<T, String> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| error.to_string())
}

fn say(answer: &Answer) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, answer)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn serve_relay(place: &Place, daemon: Daemon) -> Result<(), String> {
    let socket = place.admin_socket(daemon.name());
    match UnixStream::connect(&socket) {
        Ok(stream) => {
            say(&Answer::Done).map_err(|error| error.to_string())?;
            relay::copy_both_ways(stream).map_err(|error| error.to_string())
        }
        Err(error) => {
            let why = format!("{} does not run here ({}: {error})", daemon.name(), socket.display());
            say(&Answer::Refused { why }).map_err(|error| error.to_string())
        }
    }
}

/// A gate with a caller in it.
struct Gate<'a> {
    place: &'a Place,
    from: String,
}

impl Gate<'_> {
    fn answer(&self, request: Request) -> Answer {
        if let Err(why) = activating::settle_what_is_left(self.place) {
            tracing::error!("{why}");
        }
        self.does(request).unwrap_or_else(|refusal| match refusal {
            Refusal::Why(why) => Answer::Refused { why },
            Refusal::Locked(holder) => Answer::Locked { holder },
        })
    }

    fn does(&self, request: Request) -> Result<Answer, Refusal> {
        let place = self.place;
        match request {
            Request::Report => Ok(Answer::Report(Box::new(looking::report(place)?))),
            Request::Running { system: None } => {
                Ok(Answer::Running(Box::new(system::running(&machine::current(place)?))))
            }
            Request::Running { system: Some(system) } => {
                let system = in_store(place, &system)?;
                if !machine::is_valid(&system) {
                    return Err(Refusal::Why(format!("{} is not in this host's store any more", system.display())));
                }
                Ok(Answer::Running(Box::new(system::running(&system))))
            }
            Request::Lock { lock, seconds } => self.lock(lock, seconds),
            Request::Renew { token, seconds } => {
                let file = LockFile::new(&place.state);
                let _alone = file.alone()?;
                let lock = self.presented(&token)?;
                self.grant(&file, lock, seconds)
            }
            Request::Unlock { token } => self.unlock(&token),
            Request::BreakLock { who, why } => self.break_lock(who, why),
            Request::Hold { token, system } => {
                self.presented(&token)?;
                machine::hold(place, &in_store(place, &system)?)?;
                Ok(Answer::Done)
            }
            Request::Rehearse { token, system } => {
                self.presented(&token)?;
                Ok(Answer::Rehearsed(activating::rehearse(place, &in_store(place, &system)?)?))
            }
            Request::Activate { token, system, expected, confirm_within, record } => {
                let alone = activating::guard(place)?;
                alone.lock()?;
                self.presented(&token)?;
                let wanted = activating::Wanted { system: in_store(place, &system)?, expected, confirm_within, record };
                activating::check(place, &wanted)?;
                // Looking takes its time on a slow disk: the lock may have gone to somebody else.
                self.presented(&token)?;
                activating::begin(place, &self.from, wanted)?;
                Ok(Answer::Done)
            }
            Request::Activation => Ok(activating::wait(place)?),
            Request::Confirm { token, push } => {
                self.presented(&token)?;
                activating::conclude(place, &supervisor::Word::Confirm(push))?;
                Ok(Answer::Done)
            }
            Request::Revert { token, push, why } => {
                self.presented(&token)?;
                activating::conclude(place, &supervisor::Word::Revert(push, why))?;
                Ok(Answer::Done)
            }
            Request::Ledger { last } => Ok(Answer::Ledger { entries: Ledger::new(place.ledger()).last(last)? }),
            Request::Copies { ledgers } => self.copies(ledgers),
            Request::Keys => Ok(Answer::Keys { files: keys::file::all(&place.keys)? }),
            Request::Key { token, name, change } => {
                let holder = self.presented(&token)?.holder;
                self.key(holder, name, &change)
            }
            Request::Relay { .. } => Err(Refusal::Why("a relay is no question".to_owned())),
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
        Ledger::new(self.place.ledger()).add(&Entry { at: unix_ms(), from: self.from.clone(), event: broken })?;
        file.write(None)?;
        Ok(Answer::Done)
    }

    fn key(&self, who: String, name: String, change: &KeyChange) -> Result<Answer, Refusal> {
        let (fingerprints, changed) = keys::file::apply(&self.place.keys, &name, change)?;
        if changed {
            let event = Event::KeyPut { who, name: name.clone(), fingerprints: fingerprints.clone() };
            Ledger::new(self.place.ledger()).add(&Entry { at: unix_ms(), from: self.from.clone(), event })?;
        }
        // Also where nothing was changed: the step before this one may have ended in between.
        machine::reload_daemons(self.place)?;
        Ok(Answer::Keys { files: BTreeMap::from([(name, fingerprints)]) })
    }

    /// Other hosts' entries, below the admin machine's own folder.
    fn copies(&self, ledgers: BTreeMap<String, Vec<Entry>>) -> Result<Answer, Refusal> {
        let folder = self.place.copies.as_path();
        if !folder.is_dir() {
            return Err(Refusal::Why("this host is no admin machine: it keeps no copies of ledgers".to_owned()));
        }
        for (host, entries) in ledgers {
            let host = crate::config::names::name(&host)?;
            crate::push::copies::keep(folder, &host, &entries)?;
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

/// A path of the store itself: nothing below one, nothing that leads elsewhere.
fn in_store(place: &Place, system: &Path) -> Result<std::path::PathBuf, Refusal> {
    let name = system.strip_prefix(&place.store).ok().and_then(Path::to_str);
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    match name {
        Some(name) if plain(name) => Ok(system.to_owned()),
        _ => Err(Refusal::Why(format!("{} is no path of the store", system.display()))),
    }
}
