//! The operator's commands: states of backends, steps of latches, and what is to be forgotten (pure).
//!
//! Owns which commands are refused and why. Must never: write a file; that is left to the effects. Called by the shell for the
//! admin API.

use super::wishes::wish_by_operator;
use crate::api::bounds;
use crate::api::operator::{ForgetCommand, ForgetTarget, OperatorCommand, OperatorState};
use crate::api::proxy::{FailbackCommand, FailoverCommand};
use crate::daemon::lifecycle::{self, Persistence};
use crate::daemon::operator::events::said;
use crate::daemon::operator::proposals::{Proposal, Refused, Rivals, Ticket};
use crate::proxy::latch::{CommandError, Keeper, Latch, Now, Operator, Situation};
use crate::proxy::snapshot::{Backend, Service};

use super::prepared::PreparedService;
use super::{Effect, State, is_latched};
use super::{lines, outlook};

impl State {
    /// `ready`, `drain`, `maint`: sets a backend's operator state.
    pub fn operator(&mut self, command: &OperatorCommand, now: Now) -> Result<Accepted, CommandError> {
        command.vet().map_err(CommandError::OutOfBounds)?;
        self.vet(command, now)?;
        let already = self.operator.already(command, now.unix_ms);
        if command.dry_run {
            self.foresee(command, now)?;
            let (service, backend) = self.subject(&command.subject)?;
            let words = already.clone().unwrap_or_else(|| outlook::of(service, backend, command.state));
            return Ok(Accepted { words, unchanged: already.is_some(), change: Change::Nothing, effects: Vec::new() });
        }
        let note = self.operator.note(command, &self.own, &self.proposals, now.unix_ms);
        let (change, log) = if self.asks_peers(command) {
            let ticket = self
                .proposals
                .propose(&command.subject, note, now)
                .map_err(|Refused(why)| CommandError::Conflict(why))?;
            (Change::Proposed(ticket), None)
        } else {
            let line = said(&command.subject, &note);
            self.operator.set(&command.subject, note);
            // What is so already is no event.
            (Change::Operator(self.operator_file.changed()), already.is_none().then_some(Effect::Log(line)))
        };
        let effects = log.into_iter().chain(self.settle(now)).collect();
        let unchanged = already.is_some();
        Ok(Accepted { words: already.unwrap_or_else(|| command.in_words()), unchanged, change, effects })
    }

    /// Refuses what would be refused once the peers have been asked, as some of them are silent.
    fn foresee(&self, command: &OperatorCommand, now: Now) -> Result<(), CommandError> {
        if !self.asks_peers(command) {
            return Ok(());
        }
        let peers = self.peer_names();
        let Rivals { taken, .. } = self.proposals.rivals(&command.subject, now);
        let rivals = Rivals { taken, silent: self.proposals.silent(&peers, now) };
        self.judge(&command.subject, &rivals).map_err(|Refused(why)| CommandError::Conflict(why))
    }

    /// Whether a command has to be put to the peers: it takes a usable backend away.
    fn asks_peers(&self, command: &OperatorCommand) -> bool {
        let takes_away = || self.subject(&command.subject).is_ok_and(|(_, backend)| backend.eligibility().admits_new());
        command.state != OperatorState::Ready && !command.force && !self.peer_names().is_empty() && takes_away()
    }

    pub(super) fn peer_names(&self) -> Vec<String> {
        let members = self.prepared.document.peers.iter().flat_map(|peers| peers.members.keys());
        members.filter(|name| **name != self.own).cloned().collect()
    }

    /// Puts in force what the peers have been asked about, or refuses it.
    pub(super) fn decide_proposals(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let peers = self.peer_names();
        if !self.proposals.is_empty() {
            // They are judged by the snapshot, and what a peer has just told is not in it yet.
            let next = self.build(now);
            effects.push(self.publish(next));
        }
        while let Some((ticket, decided)) =
            self.proposals.next(&peers, now, |subject, rivals| self.judge(subject, rivals))
        {
            let outcome = decided.and_then(|proposal| {
                let Proposal { subject, note, .. } = proposal;
                self.operator.admits(&subject, &note)?;
                effects.extend(
                    self.operator.is_news(&subject, &note, now.unix_ms).then(|| Effect::Log(said(&subject, &note))),
                );
                self.operator.set(&subject, note);
                let next = self.build(now);
                effects.push(self.publish(next));
                Ok(self.operator_file.changed())
            });
            self.proposals.decide(ticket, outcome);
        }
        effects
    }

    fn vet(&self, command: &OperatorCommand, now: Now) -> Result<(), CommandError> {
        let (service, backend) = self.subject(&command.subject)?;
        if command.state == OperatorState::Ready || command.state == backend.operator {
            return Ok(());
        }
        let latch = self.latch_of(service).filter(|latch| *latch.active == *backend.name);
        // A drained backend goes on with whoever is bound to it, and that is everybody: what is asked for would not come about.
        let is_moved = command.force && command.state == OperatorState::Maint;
        if let Some(latch) = latch.filter(|_| !is_moved) {
            return Err(CommandError::Conflict(active_in_words(service, backend, self.successor(service, latch))));
        }
        if command.force {
            return Ok(());
        }
        let rivals = self.proposals.rivals(&command.subject, now);
        self.judge(&command.subject, &rivals).map_err(|Refused(why)| CommandError::Conflict(why))
    }

    /// The backend that `failover` would make active.
    fn successor<'s>(&self, service: &'s Service, latch: &Latch) -> Option<&'s Backend> {
        let is_fresh = |other: &&Backend| {
            *other.name != *latch.active
                && other.eligibility().admits_new()
                && !latch.failed_from.iter().any(|name| **name == *other.name)
        };
        let mut primaries = service.backends.iter().filter(|backend| !backend.backup);
        primaries.find(is_fresh).or_else(|| service.backends.iter().filter(|backend| backend.backup).find(is_fresh))
    }

    fn latch_of(&self, service: &Service) -> Option<&Latch> {
        self.latches.get(&service.name).filter(|_| is_latched(service)).and_then(Keeper::latch)
    }

    /// Whether enough is left without this backend.
    fn judge(&self, subject: &str, rivals: &Rivals<'_>) -> Result<(), Refused> {
        let Ok((service, backend)) = self.subject(subject) else { return Ok(()) };
        let (name, latch) = (&service.name, self.latch_of(service));
        let was_left =
            |other: &Backend| latch.is_some_and(|latch| latch.failed_from.iter().any(|name| **name == *other.name));
        let rules = self.prepared.service(name).and_then(PreparedService::rules);
        let counts = |other: &&Backend| {
            other.name != backend.name
                && other.eligibility().admits_new()
                && (rules.is_none_or(|rules| rules.last_resort) || !was_left(other))
                && !rivals.taken.contains(&*format!("{name}/{}", other.name))
        };
        let others = service.backends.iter().filter(counts).count();
        if others > rivals.silent.len() || !backend.eligibility().admits_new() {
            return Ok(());
        }
        Err(Refused(match others {
            0 => format!(
                "{} is the last usable backend of {name}: nobody would serve it; bring another one up or ready first, or \
                 say --force",
                backend.name
            ),
            left => format!(
                "{name} would have {left} usable without {}, and {}: have it answer first, or bring another backend up; --force \
                 does it all the same, and then nobody may be left to serve {name}",
                backend.name,
                rivals.silence()
            ),
        }))
    }

    fn subject(&self, subject: &str) -> Result<(&Service, &Backend), CommandError> {
        let known =
            self.snapshot.services.iter().flat_map(|service| service.backends.iter().map(move |b| (service, b)));
        known
            .clone()
            .find(|(service, backend)| subject.split_once('/') == Some((&service.name, &backend.name)))
            .ok_or_else(|| {
                let names: Vec<String> =
                    known.map(|(service, backend)| format!("{}/{}", service.name, backend.name)).collect();
                CommandError::NotFound(format!("{subject:?} is not one of {}", names.join(", ")))
            })
    }

    /// `failover`: moves a latch to another backend.
    pub fn failover(&mut self, command: &FailoverCommand, now: Now) -> Result<Accepted, CommandError> {
        bounds::who_and_why(&command.who, &command.why).map_err(CommandError::OutOfBounds)?;
        let operator = Operator { who: &command.who, why: &command.why };
        let manner = Manner { dry_run: command.dry_run, alone: command.without_agreement };
        if command.without_agreement {
            self.vet_last_word(&command.service, now)?;
        }
        self.step_by_operator(&command.service, manner, now, |keeper, situation| {
            let to = command.to.as_deref();
            match command.without_agreement {
                true => keeper.last_word(to, &operator, now, situation),
                false => keeper.failover(to, &operator, now, situation),
            }
        })
    }

    /// `failback`: moves a latch back to the primary.
    pub fn failback(&mut self, command: &FailbackCommand, now: Now) -> Result<Accepted, CommandError> {
        bounds::who_and_why(&command.who, &command.why).map_err(CommandError::OutOfBounds)?;
        let operator = Operator { who: &command.who, why: &command.why };
        let manner = Manner { dry_run: command.dry_run, alone: false };
        self.step_by_operator(&command.service, manner, now, |keeper, situation| {
            keeper.failback(&operator, now, situation)
        })
    }

    /// `forget`: undoes an operator state, or begins a latch anew.
    pub fn forget(&mut self, command: &ForgetCommand, now: Now) -> Result<Accepted, CommandError> {
        bounds::who_and_why(&command.who, &command.why).map_err(CommandError::OutOfBounds)?;
        match &command.what {
            ForgetTarget::Subject(subject) => self.forget_note(subject, command, now),
            ForgetTarget::Latch(service) => {
                let operator = Operator { who: &command.who, why: &command.why };
                self.step_by_operator(service, Manner::default(), now, |keeper, situation| {
                    keeper.forget(&operator, now, situation)
                })
            }
        }
    }

    fn forget_note(&mut self, subject: &str, command: &ForgetCommand, now: Now) -> Result<Accepted, CommandError> {
        match self.subject(subject).map(|_| ()) {
            Ok(()) => drop(self.operator.forget(subject, command, &self.own, &self.proposals, now.unix_ms)),
            // No document has it any more: no peer is sent it, and so none can bring it back.
            Err(unknown) => drop(self.operator.0.remove(subject).ok_or(unknown)?),
        }
        let change = Change::Operator(self.operator_file.changed());
        let words = format!("the operator state of {subject} is forgotten");
        let mut effects = vec![Effect::Log(lines::said_of(subject, format!("{words} by {}", command.who)))];
        effects.extend(self.settle(now));
        Ok(Accepted { words, unchanged: false, change, effects })
    }

    fn step_by_operator(
        &mut self,
        service: &str,
        Manner { dry_run, alone }: Manner,
        now: Now,
        step: impl FnOnce(&mut Keeper, &Situation<'_>) -> Result<String, CommandError>,
    ) -> Result<Accepted, CommandError> {
        let prepared = self.prepared.clone();
        let Some(found) = prepared.service(service) else {
            let names: Vec<&str> = prepared.services.iter().map(|service| &*service.name).collect();
            return Err(CommandError::NotFound(format!(
                "there is no service {service:?}; there are {}",
                names.join(", ")
            )));
        };
        let no_latch = || {
            CommandError::Conflict(format!(
                "{service} has no latch: its backends share the visitors; `polder drain {service}/BACKEND` empties one"
            ))
        };
        if dry_run {
            let tried = self.with_keeper(found, now, |keeper, situation| step(&mut keeper.clone(), situation));
            let words = tried.ok_or_else(no_latch)??;
            return Ok(Accepted { words, unchanged: false, change: Change::Nothing, effects: Vec::new() });
        }
        if let Some(refused) = self.why_no_agreement(service, now).filter(|_| found.rules().is_some() && !alone) {
            return Err(refused);
        }
        let mut agreement = self.agreement.take();
        let stepped = self.with_keeper(found, now, |keeper, situation| {
            let stepped = step(keeper, situation);
            match &mut agreement {
                Some(_) if alone => keeper.go_without_agreement(),
                Some(agreement) => wish_by_operator(agreement, keeper, service),
                None => {}
            }
            let upcoming = keeper.upcoming().map(|latch| (latch.active.clone(), latch.epoch));
            stepped.map(|words| (words, upcoming))
        });
        let wanted = agreement.as_ref().and_then(|agreement| agreement.wanted(service));
        let wanted = wanted.map(|step| (step.next.active.clone(), step.next.epoch));
        self.agreement = agreement;
        let (words, upcoming) = stepped.ok_or_else(no_latch)??;
        let mut effects = vec![Effect::Log(lines::said_of(service, words.clone()))];
        let (active, epoch) = wanted.or(upcoming).unwrap_or_default();
        effects.extend(self.settle(now));
        let change = Change::Latch { service: service.to_owned(), active, epoch };
        Ok(Accepted { words, unchanged: false, change, effects })
    }

    /// Whether what a command changed is on disk.
    pub fn persistence(&self, change: &Change, now: Now) -> Persistence {
        match change {
            Change::Nothing => Persistence::OnDisk,
            Change::Operator(change) => self.operator_file.persistence(*change, now),
            Change::Proposed(ticket) => {
                self.operator_file.persistence_once_decided(self.proposals.outcome(*ticket), now)
            }
            Change::Latch { service, .. } if self.is_yet_to_be_agreed(service) => Persistence::Pending,
            Change::Latch { service, active, epoch } => self.latches.persistence(service, active, *epoch),
        }
    }
}

/// How a step is made.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    /// It is only said what would come of it.
    dry_run: bool,
    /// Though the proxies cannot agree on it.
    alone: bool,
}

/// Why the active backend cannot be taken out, and what moves it.
fn active_in_words(service: &Service, backend: &Backend, successor: Option<&Backend>) -> String {
    let (name, backend) = (&service.name, &backend.name);
    let active = format!("{backend} is the active backend of {name} and has all its visitors");
    match successor {
        Some(next) => {
            format!("{active}: `polder failover {name}` moves them to {} first, and so does --force", next.name)
        }
        None => format!(
            "{active}, and no other one can take its place: bring one up or ready first; `polder maint {name}/{backend} --force` \
             takes it out all the same, and then nobody may be left to serve {name}"
        ),
    }
}

/// A command that was obeyed.
#[derive(Debug)]
pub struct Accepted {
    /// The answer in words, once the change is on disk.
    pub words: String,
    /// It was so already.
    pub unchanged: bool,
    /// The change.
    pub change: Change,
    /// What follows.
    pub effects: Vec<Effect>,
}

/// What a command changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// None: it was only asked what would come of the command.
    Nothing,
    /// The operator states.
    Operator(lifecycle::Change),
    /// The operator states, once the peers have been asked.
    Proposed(Ticket),
    /// A latch, once running requests have ended.
    Latch {
        /// Its service.
        service: String,
        /// The backend that the command makes active.
        active: String,
        /// In which epoch, at least.
        epoch: u64,
    },
}
