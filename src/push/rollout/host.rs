//! The steps of one host: rehearse, activate, prove, confirm.

use std::time::{Duration, Instant};

use super::deliver::contents;
use super::pause::pause;
use super::prove::{Asker, Proof, probes};
use super::session::Session;
use super::step::{Stage, Step};
use crate::push::error::Error;
use crate::push::ledger::{Entry, Event, Kind, Outcome};
use crate::push::protocol::{Answer, Instruction, Origin, Question, Target};
use crate::push::remote::gates::Gates;
use crate::push::remote::no_answer::{NoAnswer, unexpected};
use crate::push::supervisor::activation::{Activation, Phase};

/// How long the gate of a busy host may take to check a system and start its supervisor.
const BEGINNING: Duration = Duration::from_secs(180);
/// How long a rehearsal may take: the start of the daemons, and a round of every check.
const REHEARSAL: Duration = Duration::from_secs(150);
/// How long a switch, or going back, may take: some services are slow to stop.
const SWITCH: Duration = Duration::from_secs(900);
/// The pause before a host is asked again that does not answer while it switches, ...
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// ... and how long after the end of its trial: it may have to boot.
const COMES_BACK: Duration = Duration::from_secs(120);
/// How long a host that restarts may be silent: the firmware of some servers takes minutes.
const RESTARTS: Duration = Duration::from_secs(900);
/// How long the lock of a host that restarts is held, in seconds: there is no renewal in between.
const LOCKED: u64 = 1800;

/// One host's part of a rollout.
pub(super) struct HostRollout<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) step: &'a Step,
}

impl HostRollout<'_> {
    /// Takes the host to its system. Returns the stage in which it ended.
    pub(super) fn run(&self) -> Stage {
        self.try_to_run().unwrap_or_else(|end| end)
    }

    fn try_to_run(&self) -> Result<Stage, Stage> {
        self.reached(Stage::Rehearse);
        let target = self.target().map_err(Stage::Refused)?;
        self.rehearse(&target).map_err(Stage::Refused)?;
        if self.session.is_interrupted() {
            return Err(Stage::NotReached);
        }
        let asker = Asker::new(self.session.remotes);
        let proof = Proof::begin(&asker, probes(self.session.fleet, self.host()));
        self.reached(Stage::Activate);
        self.activate(target).map_err(Stage::Refused)?;
        self.wait_for_switch()?;
        self.unless_interrupted()?;
        self.reached(Stage::Prove);
        let worse = proof.conclude(self.session.prove_within);
        if !worse.is_empty() {
            return Err(self.revert(&worse.join("; ")));
        }
        self.unless_interrupted()?;
        Ok(self.confirm())
    }

    fn host(&self) -> &str {
        &self.step.host
    }

    fn reached(&self, stage: Stage) {
        self.session.reached(self.host(), stage);
    }

    fn unless_interrupted(&self) -> Result<(), Stage> {
        match self.session.is_interrupted() {
            true => Err(self.revert("the pusher was interrupted")),
            false => Ok(()),
        }
    }

    /// The system with what is signed about it: its contents, or that it ran on the host before.
    fn target(&self) -> Result<Target, Error> {
        let origin = match self.session.record.kind {
            Kind::Push => Origin::Copied(contents(self.session, self.step)?.digest()),
            Kind::Rollback => Origin::RanBefore { old_keys: self.session.old_keys },
        };
        Ok(Target { system: self.step.system.clone(), origin })
    }

    fn rehearse(&self, target: &Target) -> Result<(), Error> {
        let instruction = Instruction::Rehearse { token: self.session.token.to_owned(), target: target.clone() };
        match self.session.remotes.instruct(self.host(), &instruction, REHEARSAL) {
            Ok(Answer::Rehearsed(rehearsed)) if rehearsed.worse.is_empty() => {
                rehearsed.notes.iter().for_each(|note| self.session.observer.note(self.host(), note));
                Ok(())
            }
            Ok(Answer::Rehearsed(rehearsed)) => {
                Err(Error::new(format!("worse in the rehearsal: {}", rehearsed.worse.join("; "))))
            }
            other => Err(unexpected(other)),
        }
    }

    fn activate(&self, target: Target) -> Result<(), Error> {
        if self.step.reboots() {
            let renew = Instruction::Renew { token: self.session.token.to_owned(), seconds: LOCKED };
            match self.session.remotes.instruct(self.host(), &renew, BEGINNING) {
                Ok(Answer::Done) => {}
                other => return Err(unexpected(other)),
            }
        }
        let instruction = Instruction::Activate {
            token: self.session.token.to_owned(),
            target,
            expected: self.step.before.clone(),
            confirm_within: self.session.confirm_within,
            reboot: self.step.reboots(),
            record: self.session.record.clone(),
        };
        match self.session.remotes.instruct(self.host(), &instruction, BEGINNING) {
            Ok(Answer::Done) => Ok(()),
            // It may have begun all the same, which the next question finds out.
            Err(NoAnswer::Unreachable(_)) => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Waits until the system is on trial. Otherwise returns the stage in which the host ended.
    fn wait_for_switch(&self) -> Result<(), Stage> {
        let longest = if self.step.reboots() { SWITCH + RESTARTS } else { SWITCH };
        match self.settled(Instant::now() + longest) {
            Some(State::Trial) => Ok(()),
            Some(State::Ended(outcome, words)) => Err(stage_of(outcome, words)),
            Some(State::Unknown) => Err(Stage::Refused(
                Error::new("the switch did not begin").remedy("`polder log` shows what happened there"),
            )),
            None => Err(self.lost()),
        }
    }

    /// The state of the activation once it is not in transition. The host is asked until it answers; `None` if it does not for too long.
    fn settled(&self, deadline: Instant) -> Option<State> {
        let silence = if self.step.reboots() { RESTARTS } else { COMES_BACK };
        let patience = Duration::from_secs(self.session.confirm_within) + silence;
        let mut last_answer = Instant::now();
        while Instant::now() < deadline && last_answer.elapsed() < patience {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.session.remotes.ask(self.host(), &Question::Activation, left);
            if let Ok(Answer::Activation { activation, last }) = answer {
                last_answer = Instant::now();
                let state = self.state(activation.map(|one| *one), last.map(|last| *last));
                if state.is_some() {
                    return state;
                }
            }
            // There is no event to wait for: an unreachable host has to be asked again.
            pause(ASK_AGAIN);
        }
        None
    }

    /// The state of the activation; `None` while it is in transition.
    fn state(&self, activation: Option<Activation>, last: Option<Entry>) -> Option<State> {
        let is_this_push = |push: &str| push == self.session.record.push;
        match (activation, last.map(|entry| entry.event)) {
            (Some(on_trial), _) if is_this_push(&on_trial.record.push) => {
                (on_trial.phase == Phase::Trial).then_some(State::Trial)
            }
            (Some(_), _) => Some(State::Unknown),
            (None, Some(Event::Activation { record, system, outcome, words, .. }))
                if is_this_push(&record.push) && system == self.step.system =>
            {
                Some(State::Ended(outcome, words))
            }
            (None, _) => Some(State::Unknown),
        }
    }

    /// Confirms over a new connection, to prove that later pushes can connect. Tries again while the host is on trial.
    fn confirm(&self) -> Stage {
        let (token, push) = (self.session.token.to_owned(), self.session.record.push.clone());
        let confirm = Instruction::Confirm { token, push };
        let deadline = self.end_of_trial();
        loop {
            let answer = self.session.remotes.instruct_afresh(self.host(), &confirm, SWITCH);
            if let Ok(Answer::Done) = answer {
                return Stage::Confirmed;
            }
            let why = format!("it could not be confirmed over a fresh connection: {}", unexpected(answer));
            match self.settled(deadline) {
                Some(State::Trial) => pause(ASK_AGAIN),
                state => return self.end_of(state, &why),
            }
        }
    }

    fn revert(&self, why: &str) -> Stage {
        let (token, push, reason) = (self.session.token.to_owned(), self.session.record.push.clone(), why.to_owned());
        let revert = Instruction::Revert { token, push, why: reason };
        let answer = self.session.remotes.instruct(self.host(), &revert, SWITCH);
        match answer {
            Ok(Answer::Done) => Stage::Reverted(why.to_owned()),
            _ => self.outcome_after(why.to_owned()),
        }
    }

    /// Waits until the host has ended the trial by itself.
    fn outcome_after(&self, why: String) -> Stage {
        let deadline = self.end_of_trial();
        loop {
            match self.settled(deadline) {
                Some(State::Trial) => pause(ASK_AGAIN),
                state => return self.end_of(state, &why),
            }
        }
    }

    /// The final stage of a host that is no longer on trial.
    fn end_of(&self, state: Option<State>, why: &str) -> Stage {
        match state {
            Some(State::Ended(Outcome::Confirmed, _)) => Stage::Confirmed,
            Some(State::Ended(outcome, words)) => stage_of(outcome, format!("{why}; {words}")),
            Some(State::Trial | State::Unknown) => Stage::Stuck(format!("{why}; the host has no record of it")),
            None => self.lost(),
        }
    }

    fn end_of_trial(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.session.confirm_within) + SWITCH
    }

    fn lost(&self) -> Stage {
        let within = self.session.confirm_within;
        Stage::Stuck(format!(
            "it no longer answers; without a confirmation it goes back {within} s after its switch: check `polder status` \
             then"
        ))
    }
}

/// The state of an activation.
enum State {
    Trial,
    Ended(Outcome, String),
    /// The host has no activation of this push.
    Unknown,
}

fn stage_of(outcome: Outcome, words: String) -> Stage {
    match outcome {
        Outcome::Confirmed => Stage::Confirmed,
        Outcome::Reverted => Stage::Reverted(words),
        Outcome::Stuck => Stage::Stuck(words),
    }
}
