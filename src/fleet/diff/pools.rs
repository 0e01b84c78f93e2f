//! Pools: which appear and go, and of those that stay, which members.

use serde_json::Value;

use super::members::{names, take};
use super::rest;

/// Describes the changes of all pools, and removes the pools from both sides.
pub(super) fn compare(old: &mut Value, new: &mut Value, sentences: &mut Vec<String>) {
    let (mut old, mut new) = (take(old, "pools"), take(new, "pools"));
    for name in names(&old, &new) {
        let about = format!("pool {name}");
        match (take(&mut old, &name), take(&mut new, &name)) {
            (Value::Null, pool) => {
                let members = names(&pool["members"], &Value::Null);
                sentences.push(format!("{about} appears: {}", members.join(", ")));
            }
            (_, Value::Null) => sentences.push(format!("{about} goes")),
            (mut old, mut new) => {
                members(&about, take(&mut old, "members"), take(&mut new, "members"), sentences);
                rest::compare(&about, &old, &new, sentences);
            }
        }
    }
}

fn members(about: &str, mut old: Value, mut new: Value, sentences: &mut Vec<String>) {
    for member in names(&old, &new) {
        match (take(&mut old, &member), take(&mut new, &member)) {
            (Value::Null, _) => sentences.push(format!("{about}: {member} joins")),
            (_, Value::Null) => sentences.push(format!("{about}: {member} leaves")),
            (old, new) => rest::compare(&format!("{about}: {member}"), &old, &new, sentences),
        }
    }
}
