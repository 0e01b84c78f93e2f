//! Rules over which a rule of another front decides, at some hosts and paths: each is told once, for all of these places. Pure.

use std::collections::BTreeMap;

use super::front::{Effect, Front, Rule};
use crate::config::HostPattern;
use crate::import::note::Notes;

/// By front and rule: where others decide.
#[derive(Debug, Default)]
pub struct Elsewhere(BTreeMap<(usize, usize), Vec<Place>>);

#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The line that decides.
    winner: u32,
    /// It sends requests to https.
    to_https: bool,
    /// Host and path, as they are told.
    place: String,
}

impl Elsewhere {
    /// A rule that does not decide there, and the one that does.
    pub fn add(&mut self, rule: (usize, usize), winner: &Rule, host: &HostPattern, path: &str) {
        let place = Place {
            winner: winner.line,
            to_https: winner.effect == Effect::ToHttps,
            place: format!("the host {host} with the path {path}"),
        };
        self.0.entry(rule).or_default().push(place);
    }

    /// Tells of all of them: the first place by its name, the others by their number.
    pub fn tell(self, fronts: &[Front], notes: &mut Notes) {
        for ((front, rule), mut places) in self.0 {
            let rule = &fronts[front].rules[rule];
            // Each place is looked at over TLS and in clear text, one after the other.
            places.dedup();
            let Place { winner, to_https, place } = &places[0];
            let others = if places.iter().any(|other| other.winner != *winner) { ", by other lines" } else { "" };
            let more = match places.len() {
                ..=1 => String::new(),
                2 => format!(" (and one other place{others})"),
                more => format!(" (and {} other places{others})", more - 1),
            };
            let danger = match rule.effect {
                Effect::ToHttps => "; what it sends to https is served in clear text here",
                _ if rule.effect.refuses() => "; what it refuses is served here",
                _ => "",
            };
            let to = if *to_https { "to https" } else { "elsewhere" };
            let why = format!(
                "line {winner} sends {place}{more} {to}, and polder has one answer for both, whatever the listener; give one of them \
                 another host or path{danger}"
            );
            notes.left_out(rule.line, &rule.statement, why);
        }
    }
}
