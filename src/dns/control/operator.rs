//! The operator's commands on members: ready, drain, maint and forget (pure).
//!
//! Owns which commands are refused, and the messages. Must never: write; the effects say what is to be done.

use std::time::Duration;

use super::{Effect, State};
use crate::api::bounds::{self, BoundError};
use crate::api::daemon::Done;
use crate::api::operator::{ForgetCommand, ForgetTarget, OperatorCommand, OperatorState};
use crate::daemon::clock::Now;
use crate::daemon::lifecycle;
use crate::daemon::operator::events::said;
use crate::daemon::operator::proposals::{self, Proposal, Refused, Rivals, Ticket};
use crate::dns::pool::{self, Members};
use crate::health::Verdict;
use crate::log_line::{Kind, LogLine};

/// Why an operator's command is refused, with the message.
#[derive(Debug, PartialEq, Eq)]
pub enum CommandError {
    /// A text or a time is beyond its bound.
    OutOfBounds(BoundError),
    /// Its pool or member does not exist.
    Unknown(String),
    /// It would leave a pool without a member, and was not forced.
    Refused(String),
}

/// What a command changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// None: it was only asked what would come of the command.
    Nothing,
    /// The operator states.
    Written(lifecycle::Change),
    /// The operator states, once the peers have been asked.
    Proposed(Ticket),
}

/// A command that was obeyed.
#[derive(Debug)]
pub struct Accepted {
    /// The answer, once the change is on disk.
    pub done: Done,
    /// The change.
    pub change: Change,
    /// What follows.
    pub effects: Vec<Effect>,
}

impl State {
    /// Sets a member to ready, drain or maint.
    ///
    /// # Errors
    ///
    /// It is out of bounds, names an unknown member, or would leave no member to answer with.
    pub fn operator(&mut self, command: &OperatorCommand, now: Now) -> Result<Accepted, CommandError> {
        command.vet().map_err(CommandError::OutOfBounds)?;
        let (pool_name, member) = self.subject(&command.subject)?;
        let ttl = self.document.config.pools[&pool_name].ttl;
        let away = command.state != OperatorState::Ready;
        let subject = format!("{pool_name}/{member}");
        if away && !command.force {
            let rivals = self.proposals.rivals(&subject, now);
            self.judge(&subject, &rivals, now).map_err(|Refused(why)| CommandError::Refused(why))?;
        }
        let before = self.operator.state(&subject, now.unix_ms);
        let command = &OperatorCommand { subject: subject.clone(), ..command.clone() };
        let already = self.operator.already(command, now.unix_ms);
        let unchanged = already.is_some();
        // Who repeats a word does not make resolvers keep an answer for longer.
        let since = self.operator.0.get(&subject).filter(|_| unchanged).map_or(now.unix_ms, |note| note.began());
        let asks_peers = away && !command.force && before == OperatorState::Ready && !self.peer_names().is_empty();
        if command.dry_run {
            if asks_peers {
                self.foresee(&subject, now)?;
            }
            let done = already.unwrap_or_else(|| self.outlook(&pool_name, &member, command.state, now));
            let done = Done { done, generation: self.generation(), cached_until: None, unchanged };
            return Ok(Accepted { done, change: Change::Nothing, effects: Vec::new() });
        }
        let note = self.operator.note(command, &self.document.config.name, &self.proposals, now.unix_ms);
        let done = already.unwrap_or_else(|| command.in_words());
        let (change, effects, latest) = if asks_peers {
            let ticket =
                self.proposals.propose(&subject, note, now).map_err(|Refused(why)| CommandError::Refused(why))?;
            (Change::Proposed(ticket), self.settle(now), proposals::LIMIT)
        } else {
            // What is so already is no event.
            let line = said(&subject, &note);
            self.operator.set(&subject, note);
            let (change, effects) = self.obeyed((!unchanged).then_some(line), now);
            (change, effects, Duration::ZERO)
        };
        let cached_until = away.then(|| since + latest.as_millis() as u64 + u64::from(ttl) * 1000);
        Ok(Accepted { done: Done { done, generation: self.generation(), cached_until, unchanged }, change, effects })
    }

    /// Refuses what would be refused once the peers have been asked, as some of them are silent.
    fn foresee(&self, subject: &str, now: Now) -> Result<(), CommandError> {
        let peers = self.peer_names();
        let Rivals { taken, .. } = self.proposals.rivals(subject, now);
        let rivals = Rivals { taken, silent: self.proposals.silent(&peers, now) };
        self.judge(subject, &rivals, now).map_err(|Refused(why)| CommandError::Refused(why))
    }

    /// What would come of an operator's word, said before it is given.
    fn outlook(&self, pool: &str, member: &str, state: OperatorState, now: Now) -> String {
        let config = &self.document.config.pools[pool];
        let members = self.members(pool, config, now);
        if state == OperatorState::Ready {
            let is_up = config.members[member].addresses.iter().any(|address| members.verdict(*address) == Verdict::Up);
            return match is_up {
                true => format!("answers have {member} again"),
                false => format!("answers have {member} again once its checks find it up"),
            };
        }
        let others =
            config.members.iter().filter(|(name, config)| *name != member && pool::usable(name, config, &members));
        let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        let left =
            if others.is_empty() { "no other member that is up and ready".to_owned() } else { others.join(", ") };
        format!("no answer has {member}, and resolvers keep an old one for {} s at most; left: {left}", config.ttl)
    }

    pub(super) fn peer_names(&self) -> Vec<String> {
        let config = &self.document.config;
        let members = config.peers.iter().flat_map(|peers| peers.members.keys());
        members.filter(|name| **name != config.name).cloned().collect()
    }

    /// Whether enough is left without this member.
    fn judge(&self, subject: &str, rivals: &Rivals<'_>, now: Now) -> Result<(), Refused> {
        let named = subject.split_once('/');
        let config = named.and_then(|(pool, member)| Some((pool, self.document.config.pools.get(pool)?, member)));
        let Some((pool, config, member)) = config else { return Ok(()) };
        let members = self.members(pool, config, now).without(rivals);
        let Some(why) = pool::last_one(config, member, &members, rivals.silent.len()) else { return Ok(()) };
        Err(Refused(match rivals.silent.is_empty() {
            true => format!(
                "{why} in pool {pool}: without it the pool may have no answer; repeat the command with --force to do it anyway"
            ),
            false => format!(
                "few members of pool {pool} would be left without {member}, and {}: have it answer first, or bring another member up; --force does it \
                 anyway, and then the pool may have no answer",
                rivals.silence()
            ),
        }))
    }

    /// Puts in force what the peers have been asked about, or refuses it.
    pub(super) fn decide_proposals(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let peers = self.peer_names();
        while let Some((ticket, decided)) =
            self.proposals.next(&peers, now, |subject, rivals| self.judge(subject, rivals, now))
        {
            let outcome = decided.and_then(|proposal| {
                let Proposal { subject, note, .. } = proposal;
                self.operator.admits(&subject, &note)?;
                effects.extend(
                    self.operator.is_news(&subject, &note, now.unix_ms).then(|| Effect::Log(said(&subject, &note))),
                );
                self.operator.set(&subject, note);
                Ok(self.operator_file.changed())
            });
            self.proposals.decide(ticket, outcome);
        }
        effects
    }

    /// Forgets the operator state of a member: it becomes ready here and, since that is the newest state, at every peer.
    ///
    /// # Errors
    ///
    /// It is out of bounds, or the member has no operator state.
    pub fn forget(&mut self, command: &ForgetCommand, now: Now) -> Result<Accepted, CommandError> {
        bounds::who_and_why(&command.who, &command.why).map_err(CommandError::OutOfBounds)?;
        let ForgetTarget::Subject(subject) = &command.what else {
            return Err(CommandError::Unknown("a nameserver has no latches".into()));
        };
        match self.subject(subject) {
            Ok((pool, member)) => {
                let (subject, own) = (format!("{pool}/{member}"), &self.document.config.name);
                self.operator.forget(&subject, command, own, &self.proposals, now.unix_ms);
            }
            // The document no longer has it: it is not sent to peers, and so no peer can send it back.
            Err(unknown) => drop(self.operator.0.remove(subject).ok_or(unknown)?),
        }
        let done = format!("the operator state of {subject} is forgotten");
        let line = LogLine::info(Kind::Operator, format!("{done}, by {}", command.who)).about(subject);
        let (change, effects) = self.obeyed(Some(line), now);
        Ok(Accepted {
            done: Done { done, generation: self.generation(), cached_until: None, unchanged: false },
            change,
            effects,
        })
    }

    /// What follows from a command.
    fn obeyed(&mut self, line: Option<LogLine>, now: Now) -> (Change, Vec<Effect>) {
        let change = Change::Written(self.operator_file.changed());
        let mut effects: Vec<Effect> = line.into_iter().map(Effect::Log).collect();
        effects.extend(self.settle(now));
        (change, effects)
    }

    /// Splits `POOL/MEMBER`; pools are named in whatever case and with or without the final dot.
    fn subject(&self, subject: &str) -> Result<(String, String), CommandError> {
        let Some((pool, member)) = subject.split_once('/') else {
            return Err(CommandError::Unknown(format!("\"{subject}\" is not POOL/MEMBER")));
        };
        let pool = pool.strip_suffix('.').unwrap_or(pool).to_ascii_lowercase();
        let Some(config) = self.document.config.pools.get(&pool) else {
            let pools: Vec<&str> = self.document.config.pools.keys().map(String::as_str).collect();
            let words = format!("there is no pool {pool}; there are: {}", pools.join(", "));
            return Err(CommandError::Unknown(words));
        };
        if !config.members.contains_key(member) {
            let members: Vec<&str> = config.members.keys().map(String::as_str).collect();
            let words = format!("pool {pool} has no member {member}; it has: {}", members.join(", "));
            return Err(CommandError::Unknown(words));
        }
        Ok((pool, member.to_owned()))
    }
}
