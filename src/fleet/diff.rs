//! What changes on a host, in behaviour (pure).
//!
//! The two sides are documents as text. [`services`], [`pools`] and [`zones`] describe changes in operators' terms, and remove from both
//! sides what they have described; [`rest`] lists every difference that is left, so that none is hidden. [`units`] says what a
//! switch does to the units, [`risks`](mod@risks) what is at stake. Called by the plan.

mod members;
mod pools;
mod redundancy;
mod rest;
mod risks;
mod services;
#[cfg(test)]
mod tests;
mod units;
mod zones;

pub use risks::risks;
pub use units::{Effects, effects};

use serde_json::Value;

use super::running::Running;
use crate::api::daemon::Daemon;

/// The changes in what a host serves, a sentence each.
pub fn sentences(old: &Running, new: &Running) -> Vec<String> {
    let mut sentences = Vec::new();
    for (file, daemon) in [Daemon::Nameserver, Daemon::Proxy].map(|daemon| (daemon.document(), daemon.program())) {
        match (old.documents.get(file), new.documents.get(file)) {
            (None, None) => {}
            (None, Some(_)) => sentences.push(format!("{daemon} is new here")),
            (Some(_), None) => sentences.push(format!("{daemon} goes")),
            (Some(before), Some(after)) => {
                let has_zone_file = |apex: &str| old.zones.contains_key(apex) || new.zones.contains_key(apex);
                document(file, [before, after], has_zone_file, &mut sentences);
            }
        }
    }
    zones::compare(old, new, &mut sentences);
    sentences
}

fn document(file: &str, [old, new]: [&str; 2], has_zone_file: impl Fn(&str) -> bool, sentences: &mut Vec<String>) {
    let (Ok(mut old), Ok(mut new)) = (serde_json::from_str::<Value>(old), serde_json::from_str::<Value>(new)) else {
        if old != new {
            sentences.push(format!("{file} changes, and one side of it is no JSON"));
        }
        return;
    };
    services::compare(&mut old, &mut new, sentences);
    pools::compare(&mut old, &mut new, sentences);
    zones::forget_files(&mut old, &mut new, has_zone_file);
    rest::compare(file, &old, &new, sentences);
}
