//! The steps of one host: rehearse, activate, prove, confirm.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Move, Rollout, Stage};
use crate::push::ledger::{Entry, Event, Kind, Outcome};
use crate::push::protocol::{Answer, Instruction, Origin, Question, Target};
use crate::push::remote::Silence;
use crate::push::supervisor::activation::{Activation, Phase};

/// How long the gate may take to look at a system's signature and start its supervisor, on a busy host.
const BEGINNING: Duration = Duration::from_secs(180);
/// How long for a rehearsal: a round of every check, and the daemons' start.
const REHEARSAL: Duration = Duration::from_secs(150);
/// How long a switch, or the way back, may take: services of the operator's own may be slow to stop.
const SWITCH: Duration = Duration::from_secs(900);
/// A host that vanishes while it switches may come back: it is asked again so often, ...
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// ... for so long after the end of its trial: it may have to boot.
const COMES_BACK: Duration = Duration::from_secs(120);

impl Rollout<'_> {
    /// Takes one host to its system, and says where it ended.
    pub(super) fn host(&self, one: &Move) -> Stage {
        self.told(&one.host, Stage::Rehearse);
        let target = match self.target(one) {
            Ok(target) => target,
            Err(why) => return Stage::Refused(why),
        };
        if let Err(why) = self.rehearse(one, &target) {
            return Stage::Refused(why);
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return Stage::NotReached;
        }
        let prove = self.prove.look(&one.host);
        self.told(&one.host, Stage::Activate);
        if let Err(why) = self.begin(one, target) {
            return Stage::Refused(why);
        }
        let deadline = Instant::now() + SWITCH;
        if let Err(end) = self.switched(one, deadline) {
            return end;
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return self.revert(one, "the pusher was interrupted");
        }
        self.told(&one.host, Stage::Prove);
        let worse = prove();
        if !worse.is_empty() {
            return self.revert(one, &worse.join("; "));
        }
        if self.interrupted.load(Ordering::Relaxed) {
            return self.revert(one, "the pusher was interrupted");
        }
        self.confirm(one)
    }

    /// What is signed of the system: its contents, or that the host had it before.
    fn target(&self, one: &Move) -> Result<Target, String> {
        let origin = match self.record.kind {
            Kind::Push => Origin::Copied(self.contents(one)?.digest()),
            Kind::Rollback => Origin::RanBefore { old_keys: self.old_keys },
        };
        Ok(Target { system: one.system.clone(), origin })
    }

    fn rehearse(&self, one: &Move, target: &Target) -> Result<(), String> {
        let instruction = Instruction::Rehearse { token: self.token.to_owned(), target: target.clone() };
        match self.remotes.instruct(&one.host, &instruction, REHEARSAL) {
            Ok(Answer::Rehearsed(rehearsed)) if rehearsed.worse.is_empty() => {
                rehearsed.notes.iter().for_each(|note| self.watch.note(&one.host, note));
                Ok(())
            }
            Ok(Answer::Rehearsed(rehearsed)) => Err(format!("the rehearsal got worse: {}", rehearsed.worse.join("; "))),
            other => Err(in_words(other)),
        }
    }

    fn begin(&self, one: &Move, target: Target) -> Result<(), String> {
        let instruction = Instruction::Activate {
            token: self.token.to_owned(),
            target,
            expected: one.before.clone(),
            confirm_within: self.confirm_within,
            record: self.record.clone(),
        };
        match self.remotes.instruct(&one.host, &instruction, BEGINNING) {
            Ok(Answer::Done) => Ok(()),
            // It may have begun all the same: what follows finds out.
            Err(Silence::Unreachable(_)) => Ok(()),
            other => Err(in_words(other)),
        }
    }

    /// Waits until the switch is over and the system on trial; the stage where it ended otherwise.
    fn switched(&self, one: &Move, deadline: Instant) -> Result<(), Stage> {
        match self.settled(one, deadline) {
            Some(Standing::Trial) => Ok(()),
            Some(Standing::Ended(outcome, words)) => Err(ended(outcome, words)),
            Some(Standing::Elsewhere) => {
                Err(Stage::Refused("the switch did not begin; `polder log` tells what happened there".to_owned()))
            }
            None => Err(self.lost()),
        }
    }

    /// How the activation stands once nothing is moving: asked until the host answers, or has been silent for too long.
    fn settled(&self, one: &Move, deadline: Instant) -> Option<Standing> {
        let patience = Duration::from_secs(self.confirm_within) + COMES_BACK;
        let mut heard = Instant::now();
        while Instant::now() < deadline && heard.elapsed() < patience {
            let answer = self.remotes.ask(&one.host, &Question::Activation, left(deadline));
            if let Ok(Answer::Activation { activation, last }) = answer {
                heard = Instant::now();
                let standing = self.standing(one, activation.map(|one| *one), last.map(|last| *last));
                if standing.is_some() {
                    return standing;
                }
            }
            pause(ASK_AGAIN);
        }
        None
    }

    /// `None` while something moves.
    fn standing(&self, one: &Move, activation: Option<Activation>, last: Option<Entry>) -> Option<Standing> {
        let ours = |push: &str| push == self.record.push;
        match (activation, last.map(|entry| entry.event)) {
            (Some(on_trial), _) if ours(&on_trial.record.push) => {
                (on_trial.phase == Phase::Trial).then_some(Standing::Trial)
            }
            (Some(_), _) => Some(Standing::Elsewhere),
            (None, Some(Event::Activation { record, system, outcome, words, .. }))
                if ours(&record.push) && system == one.system =>
            {
                Some(Standing::Ended(outcome, words))
            }
            (None, _) => Some(Standing::Elsewhere),
        }
    }

    /// Over a fresh connection: whoever comes next has to get in too. While the host is on trial, it is tried again.
    fn confirm(&self, one: &Move) -> Stage {
        let (token, push) = (self.token.to_owned(), self.record.push.clone());
        let confirm = Instruction::Confirm { token, push };
        let deadline = Instant::now() + Duration::from_secs(self.confirm_within) + SWITCH;
        loop {
            let answer = self.remotes.instruct_afresh(&one.host, &confirm, SWITCH);
            if let Ok(Answer::Done) = answer {
                return Stage::Confirmed;
            }
            let why = format!("it could not be confirmed over a fresh connection: {}", in_words(answer));
            match self.settled(one, deadline) {
                Some(Standing::Trial) => pause(ASK_AGAIN),
                standing => return self.stage_of(standing, &why),
            }
        }
    }

    fn revert(&self, one: &Move, why: &str) -> Stage {
        let (token, push, reason) = (self.token.to_owned(), self.record.push.clone(), why.to_owned());
        let revert = Instruction::Revert { token, push, why: reason };
        let answer = self.remotes.instruct(&one.host, &revert, SWITCH);
        match answer {
            Ok(Answer::Done) => Stage::Reverted(why.to_owned()),
            _ => self.outcome_after(one, why.to_owned()),
        }
    }

    /// The host decides by itself when the trial ends: waits for that, and tells what it says.
    fn outcome_after(&self, one: &Move, why: String) -> Stage {
        let deadline = Instant::now() + Duration::from_secs(self.confirm_within) + SWITCH;
        loop {
            match self.settled(one, deadline) {
                Some(Standing::Trial) => pause(ASK_AGAIN),
                standing => return self.stage_of(standing, &why),
            }
        }
    }

    /// Where a host that is on trial no more has ended.
    fn stage_of(&self, standing: Option<Standing>, why: &str) -> Stage {
        match standing {
            Some(Standing::Ended(Outcome::Confirmed, _)) => Stage::Confirmed,
            Some(Standing::Ended(outcome, words)) => ended(outcome, format!("{why}; {words}")),
            Some(Standing::Trial | Standing::Elsewhere) => {
                Stage::Stuck(format!("{why}; the host knows nothing of it any more"))
            }
            None => self.lost(),
        }
    }

    fn lost(&self) -> Stage {
        let within = self.confirm_within;
        Stage::Stuck(format!(
            "it does not answer any more; without a confirmation it goes back {within} s after its switch: look at \
             `polder status` then"
        ))
    }
}

/// How an activation stands.
enum Standing {
    Trial,
    Ended(Outcome, String),
    /// There is none of ours.
    Elsewhere,
}

fn ended(outcome: Outcome, words: String) -> Stage {
    match outcome {
        Outcome::Confirmed => Stage::Confirmed,
        Outcome::Reverted => Stage::Reverted(words),
        Outcome::Stuck => Stage::Stuck(words),
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// There is no event to wait for: a host that cannot be reached tells nobody when it can be again.
fn pause(time: Duration) {
    std::thread::park_timeout(time);
}

/// An answer that was not the one hoped for.
pub(super) fn in_words(answer: Result<Answer, Silence>) -> String {
    match answer {
        Ok(Answer::Refused { why }) => why,
        Ok(Answer::Locked { holder }) => format!("the lock is {}'s now", holder.in_words()),
        Ok(_) => "the gate answered something else than was asked: it is of another release".to_owned(),
        Err(silence) => silence.in_words().to_owned(),
    }
}
