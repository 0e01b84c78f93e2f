//! Rules over which a rule of another front decides, at some hosts and paths: each is told once, for all of these places. Pure.

use std::collections::BTreeMap;

use super::front::Front;
use crate::config::HostPattern;
use crate::import::note::Notes;

/// By front and rule, and the line that decides in its place: the hosts and paths.
#[derive(Debug, Default)]
pub struct Elsewhere(BTreeMap<((usize, usize), u32), Vec<String>>);

impl Elsewhere {
    /// A rule that does not decide there.
    pub fn add(&mut self, rule: (usize, usize), winner: u32, host: &HostPattern, path: &str) {
        self.0.entry((rule, winner)).or_default().push(format!("the host {host} with the path {path}"));
    }

    /// Tells of all of them: the first place by its name, the others by their number.
    pub fn tell(self, fronts: &[Front], notes: &mut Notes) {
        for (((front, rule), winner), mut places) in self.0 {
            let rule = &fronts[front].rules[rule];
            // Each place is looked at in clear text and over TLS, one after the other.
            places.dedup();
            let more = match places.len() {
                ..=1 => String::new(),
                2 => " (and one other place)".to_owned(),
                more => format!(" (and {} other places)", more - 1),
            };
            let danger = if rule.effect.refuses() { "; what it refuses is served here" } else { "" };
            let why = format!(
                "line {winner} sends {}{more} elsewhere, and polder has one answer for both, whatever the listener; give one of them \
                 another host or path{danger}",
                places[0]
            );
            notes.left_out(rule.line, &rule.statement, why);
        }
    }
}
