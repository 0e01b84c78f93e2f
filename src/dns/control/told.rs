//! What proxies tell: from a message to the answers (pure).

use std::sync::Arc;

use super::{Effect, State};
use crate::daemon::challenges::{Answer, Telling};
use crate::daemon::clock::Now;
use crate::dns::challenges::Changed;
use crate::log_line::{Kind, LogLine};

impl State {
    /// Takes in what a proxy tells, and answers it when queries are answered accordingly.
    pub(super) fn on_told(&mut self, telling: Telling, now: Now) -> Vec<Effect> {
        let Telling { proxy, told, answer } = telling;
        let (changed, refused) = self.challenges.tell(&proxy, told, self.document.challenges_and_zones(), now.running);
        let line = |Changed { line, is_warning }| {
            let level = if is_warning { LogLine::warn } else { LogLine::info };
            Effect::Log(level(Kind::Certificate, line).about(&proxy))
        };
        let mut effects: Vec<Effect> = changed.map(line).into_iter().collect();
        effects.extend(self.settle(now));
        effects.push(Effect::AnswerProxy(answer, Answer::Answered { refused }));
        effects
    }

    /// Another set of answers wherever something of them has changed.
    pub(super) fn refresh_challenges(&mut self) {
        let answers = self.challenges.answers(&self.zones);
        if self.challenge_answers.as_deref() != answers.as_ref() {
            self.challenge_answers = answers.map(Arc::new);
        }
    }

    /// Whether the snapshot has the challenges that are to be answered.
    pub(super) fn is_answered_as_told(&self) -> bool {
        match (&self.snapshot.challenges, &self.challenge_answers) {
            (Some(present), Some(next)) => Arc::ptr_eq(present, next),
            (present, next) => present.is_none() && next.is_none(),
        }
    }
}
