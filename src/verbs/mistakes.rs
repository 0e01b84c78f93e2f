//! What is said of a command line that is not understood: the word that was meant, never one that does harm (pure, over clap).

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::near_miss::nearest;

/// Words that other programs have for what a verb does.
const MEANT: [(&str, &[&str]); 11] = [
    ("ready", &["undrain", "enable", "up", "resume", "unmaint", "restore"]),
    ("maint", &["disable", "down", "maintenance", "offline"]),
    ("failover", &["switchover", "promote", "rollover"]),
    ("push", &["deploy", "apply", "switch"]),
    ("check", &["validate", "lint", "configtest"]),
    ("plan", &["diff", "dry-run", "preview"]),
    ("events", &["history", "journal", "logs"]),
    ("status", &["health", "state", "show", "list", "ps"]),
    ("explain", &["route", "resolve"]),
    ("top", &["stats", "stat", "htop", "load", "traffic"]),
    ("why", &["request", "trace", "incident"]),
];

/// What may be done to a name without harm is suggested for a slip of the finger; this is not.
const NEVER_SUGGESTED: [&str; 1] = ["--force"];

/// The same error, with the suggestion that helps.
pub fn with_better_words(mut error: clap::Error, verbs: &[&str]) -> clap::Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let said = match error.get(ContextKind::InvalidSubcommand) {
                Some(ContextValue::String(said)) => said.to_lowercase(),
                _ => return error,
            };
            error.remove(ContextKind::SuggestedSubcommand);
            if let Some(verb) = meant(&said, verbs) {
                error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![verb.to_owned()]));
            }
        }
        ErrorKind::UnknownArgument => {
            let harms = matches!(error.get(ContextKind::SuggestedArg), Some(ContextValue::String(argument))
                if NEVER_SUGGESTED.contains(&argument.as_str()));
            if harms {
                error.remove(ContextKind::SuggestedArg);
            }
        }
        _ => {}
    }
    error
}

/// The verb that a word means.
fn meant<'a>(said: &str, verbs: &[&'a str]) -> Option<&'a str> {
    let other_word = MEANT.iter().find(|(_, words)| words.contains(&said)).map(|(verb, _)| *verb);
    let known = other_word.and_then(|verb| verbs.iter().find(|known| **known == verb)).copied();
    known.or_else(|| nearest(said, verbs.iter().copied()))
}

#[cfg(test)]
mod tests;
