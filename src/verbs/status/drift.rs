//! Compares what runs on a host with what was pushed there (pure).

use std::path::Path;

use serde::Serialize;

use crate::push::ledger::{Activated, Outcome, Record};
use crate::push::protocol::Report;

/// How what runs on a host compares with what was pushed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "words", rename_all = "kebab-case")]
pub enum Drift {
    /// What runs is what was pushed last.
    AsPushed,
    /// Nothing was pushed there yet.
    NeverPushed,
    /// A push is under way there, and where it is.
    Waits(String),
    /// Somebody switched it to another system than was pushed.
    ChangedByHand,
    /// What runs is not what the machine would boot.
    ProfileDiffers,
    /// It went back, and why.
    Reverted(String),
    /// It could neither be confirmed nor go back.
    Stuck(String),
    /// The last push left it out.
    LeftOut(String),
    /// The last push did not get to it.
    Behind(String),
}

impl Drift {
    /// As text.
    pub fn in_words(&self) -> String {
        match self {
            Drift::AsPushed => "as pushed".to_owned(),
            Drift::NeverPushed => "never pushed".to_owned(),
            Drift::Waits(words) => words.clone(),
            Drift::ChangedByHand => "changed by hand since".to_owned(),
            Drift::ProfileDiffers => "profile differs from what runs: a reboot would change it".to_owned(),
            Drift::Reverted(why) => format!("reverted: {why}"),
            Drift::Stuck(why) => format!("stuck, somebody has to look: {why}"),
            Drift::LeftOut(push) => format!("left out of push {push}"),
            Drift::Behind(push) => format!("push {push} did not get to it"),
        }
    }

    /// Whether nobody needs to look.
    pub fn is_well(&self) -> bool {
        matches!(self, Drift::AsPushed | Drift::NeverPushed | Drift::Waits(_))
    }
}

/// What the last push of the fleet means for one host.
#[derive(Debug, Clone, Copy)]
pub struct LastPush<'a> {
    /// Its name.
    pub push: &'a str,
    /// The host was left out on purpose.
    pub left_out: bool,
    /// The system that the host should run, where that is known here.
    pub wanted: Option<&'a Path>,
}

/// Compares a host's report with the last activation in its ledger and the last push.
pub fn judge(report: &Report, last: Option<Activated<'_>>, push: Option<LastPush<'_>>) -> Drift {
    if let Some(activation) = &report.activation {
        let Record { push, who, .. } = &activation.record;
        return Drift::Waits(format!("push {push} by {who}: {}", activation.phase.in_words()));
    }
    if let Some(stuck) = last.filter(|last| last.outcome == Outcome::Stuck) {
        return Drift::Stuck(stuck.words.to_owned());
    }
    if report.system != report.profile {
        return Drift::ProfileDiffers;
    }
    if push.and_then(|push| push.wanted).is_some_and(|wanted| wanted == report.system) {
        return Drift::AsPushed;
    }
    let Some(last) = last else { return Drift::NeverPushed };
    let expected = match last.outcome {
        Outcome::Reverted => last.before,
        Outcome::Confirmed | Outcome::Stuck => last.system,
    };
    match push {
        _ if report.system != expected => Drift::ChangedByHand,
        _ if last.outcome == Outcome::Reverted => Drift::Reverted(last.words.to_owned()),
        Some(push) if push.left_out => Drift::LeftOut(push.push.to_owned()),
        Some(push) if push.wanted.is_some() => Drift::Behind(push.push.to_owned()),
        _ => Drift::AsPushed,
    }
}

#[cfg(test)]
mod tests;
