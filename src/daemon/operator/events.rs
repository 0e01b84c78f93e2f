//! What operators' words come to, for the log and so for the history (pure): each is told by every daemon that it is in force in, in the same
//! words, whoever was told first.

use super::OperatorStates;
use crate::api::operator::{OperatorNote, OperatorState};
use crate::log_line::{Kind, LogLine};
use crate::unix_time::moment;

/// A note that comes from a peer so long after it was given, in milliseconds, is told with its time.
const LATE: u64 = 60_000;

/// An operator has said so here.
pub fn said(subject: &str, note: &OperatorNote) -> LogLine {
    LogLine::info(Kind::Operator, note.in_words(subject)).about(subject)
}

/// A peer has told what an operator has said there.
pub fn learned(subject: &str, note: &OperatorNote, now: u64) -> LogLine {
    let said = note.in_words(subject);
    let words = match now.saturating_sub(note.began()) {
        ..LATE => said,
        _ => format!("{said} (at {})", moment(note.began())),
    };
    LogLine::info(Kind::Operator, words).about(subject)
}

/// Tells when the time is over for which something was said.
#[derive(Debug, Default)]
pub struct Ends {
    /// Until when it has been told, in milliseconds since the epoch; none: nobody has looked.
    looked: Option<u64>,
}

impl Ends {
    /// What has ended since the last look.
    pub fn look(&mut self, states: &OperatorStates, now: u64) -> Vec<LogLine> {
        let Some(looked) = self.looked.replace(now) else { return Vec::new() };
        let has_ended = |note: &OperatorNote| note.until.is_some_and(|until| looked < until && until <= now);
        let ended = states.0.iter().filter(|(_, note)| note.state != OperatorState::Ready && has_ended(note));
        let line = |(subject, note): (&String, &OperatorNote)| {
            let words =
                format!("{subject} is ready again: the time for which {} set it to {} is over", note.who, note.state);
            LogLine::info(Kind::Operator, words).about(subject)
        };
        ended.map(line).collect()
    }
}

#[cfg(test)]
mod tests;
