//! `compression` (configuration manual, 4.2). Pure.

use super::super::condition::Condition;
use super::super::note::Notes;
use super::super::routes::{Effect, Rule};
use super::super::tree::Table;
use super::super::vet::vet;
use super::sections::Statement;

/// The `compression` of the services of a section, from all its statements.
pub fn read(statements: &[Statement], notes: &mut Notes) -> Option<Rule> {
    let words = |kinds: &[&str]| -> Vec<String> {
        let of_kind =
            statements.iter().filter(|statement| statement.argument(0).is_some_and(|kind| kinds.contains(&kind)));
        of_kind.flat_map(|statement| statement.words.iter().skip(2).cloned()).collect()
    };
    let first = statements.first()?;
    let algorithms = words(&["algo", "algo-res"]);
    for statement in statements {
        match statement.argument(0) {
            Some("algo" | "algo-res" | "type" | "type-res" | "minsize-res") => {}
            Some("offload") => {
                let why =
                    "backends get Accept-Encoding as the visitor has sent it, and what they compress goes on as it is";
                notes.changed(statement.line, &statement.text(), why);
            }
            _ => notes.left_out(statement.line, &statement.text(), "polder compresses responses alone"),
        }
    }
    if algorithms.is_empty() || algorithms == ["identity"] {
        return None;
    }
    if algorithms.iter().any(|algorithm| algorithm != "gzip") {
        notes.changed(first.line, &first.text(), "polder compresses with gzip, brotli and zstd; gzip is taken");
    }
    let mut compression = Table::new().with("algorithms", vec!["gzip"]);
    let mut types = words(&["type", "type-res"]);
    types.dedup();
    if !types.is_empty() {
        compression.set("types", types);
    }
    let settings = Table::new().with("compression", compression);
    match vet(&settings) {
        Ok(()) => Some(Rule {
            line: first.line,
            statement: first.text(),
            condition: Condition::Always,
            effect: Effect::Set(settings),
        }),
        Err(why) => {
            notes.left_out(first.line, &first.text(), why);
            None
        }
    }
}
