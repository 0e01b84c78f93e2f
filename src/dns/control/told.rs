//! What a CA is to find, as proxies tell it and nameservers order it: from a message to the answers (pure).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Effect, State};
use crate::daemon::challenges::{Answer, Name, Telling, Value};
use crate::daemon::clock::Now;
use crate::dns::challenges::{Changed, HeldName};
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
    pub(super) fn refresh_challenges(&mut self, now: Now) {
        let (signing, before) = ((&self.document.signers, self.signed_for()), self.challenge_answers.as_deref());
        let answers = self.challenges.answers(&self.orders.records(now), &self.zones, signing, before);
        if self.challenge_answers.as_deref() != answers.as_ref() {
            self.challenge_answers = answers.map(Arc::new);
        }
    }

    /// Every name at which a CA finds what it is to find: told by proxies, or ordered by nameservers.
    pub fn challenges_held(&self, now: Now) -> impl Iterator<Item = HeldName> {
        let ordered = self.orders.records_by_nameserver(now).flat_map(|(nameserver, records, left)| {
            let held = |(name, values): (Name, BTreeSet<Value>)| HeldName {
                name: name.to_string(),
                proxy: nameserver.to_owned(),
                values: values.len(),
                left,
            };
            records.into_iter().map(held).collect::<Vec<_>>()
        });
        self.challenges.held(now.running).chain(ordered)
    }

    /// Whether the snapshot has the challenges that are to be answered.
    pub(super) fn is_answered_as_told(&self) -> bool {
        match (&self.snapshot.challenges, &self.challenge_answers) {
            (Some(present), Some(next)) => Arc::ptr_eq(present, next),
            (present, next) => present.is_none() && next.is_none(),
        }
    }
}
