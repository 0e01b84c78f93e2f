//! One event that several daemons tell, as one (pure).

use std::borrow::Cow;

use serde::Serialize;

use crate::api::events::{Event, Level};
use crate::log_line::Kind;
use crate::verbs::output::{Tone, printable};
use crate::verbs::times::moment;

/// How far apart daemons may see the same thing, in milliseconds: they probe in a rhythm of their own each.
const APART: u64 = 5_000;

/// What happened, and who tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::verbs) struct Told {
    /// When the first one saw it, in milliseconds since the epoch.
    at: u64,
    daemons: Vec<String>,
    level: Level,
    kind: Kind,
    subjects: Vec<String>,
    words: String,
}

impl Told {
    /// `2026-11-29 04:08:05Z  px-1 px-2  check of shop/shop2: up -> down: connection refused`.
    pub(super) fn line(&self) -> String {
        let tone = match self.level {
            Level::Info => Tone::Plain,
            Level::Warning => Tone::Notable,
            Level::Error => Tone::Bad,
        };
        let daemons = printable(&self.daemons.join(" "));
        format!("{}  {daemons}  {}", Tone::Faint.paint(&moment(self.at)), tone.paint(&self.words))
    }
}

/// In order of time; what several daemons tell in the same words, within moments, once.
pub(super) fn merged(mut events: Vec<(String, Event)>) -> Vec<Told> {
    events.sort_by(|(one, before), (other, after)| (before.at, one).cmp(&(after.at, other)));
    let mut told: Vec<Told> = Vec::new();
    for (daemon, Event { at, level, kind, subjects, words }) in events {
        // What a daemon tells stands behind what it has told before.
        let mut since_its_last = told.iter_mut().rev().take_while(|before| !before.daemons.contains(&daemon));
        let same = since_its_last.find(|before| {
            at - before.at <= APART
                && (before.kind, alike(&before.words), &before.subjects) == (kind, alike(&words), &subjects)
        });
        match same {
            Some(before) => {
                if untimed(&before.words) != untimed(&words) {
                    // Each says that it was itself.
                    before.words = alike(&before.words).into_owned();
                }
                before.daemons.push(daemon);
            }
            None => told.push(Told { at, daemons: vec![daemon], level, kind, subjects, words }),
        }
    }
    told
}

/// The words without what differs where daemons see the same thing: how long the probe took, which of them moved the latch.
fn alike(words: &str) -> Cow<'_, str> {
    let words = untimed(words);
    let moved_by = words.split_once(", by ").and_then(|(step, rest)| Some((step, rest.split_once(')')?.1)));
    match moved_by.filter(|(step, _)| step.contains(" (epoch ")) {
        Some((step, reason)) => format!("{step}){reason}").into(),
        None => words.into(),
    }
}

/// The words without how long the probe took that they end with: `200 in 3 ms`.
fn untimed(words: &str) -> &str {
    let without = words.strip_suffix(" ms").and_then(|words| words.rsplit_once(" in "));
    without.filter(|(_, time)| time.bytes().all(|byte| byte.is_ascii_digit())).map_or(words, |(untimed, _)| untimed)
}

#[cfg(test)]
mod tests;
