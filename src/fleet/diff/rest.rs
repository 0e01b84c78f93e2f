//! Every difference that is not described elsewhere, with its path.

use serde_json::Value;

/// The longest text of a value, in characters; a longer one is cut to where the two differ.
const LONGEST: usize = 60;
/// How many characters that both have in common are shown before the difference.
const BEFORE: usize = 15;

/// Describes all differences of two values; `subject` comes before each path.
pub(super) fn compare(subject: &str, old: &Value, new: &Value, sentences: &mut Vec<String>) {
    walk(subject, "", old, new, sentences);
}

fn walk(subject: &str, path: &str, old: &Value, new: &Value, sentences: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (Some(from), Some(to)) = (old.as_object(), new.as_object()) else {
        let path = if path.is_empty() { String::new() } else { format!(" {path}") };
        let (old, new) = shortened(&shown(old), &shown(new));
        sentences.push(format!("{subject}:{path} {old} -> {new}"));
        return;
    };
    for key in super::members::names(old, new) {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let side = |object: &serde_json::Map<String, Value>| object.get(&key).cloned().unwrap_or(Value::Null);
        walk(subject, &below, &side(from), &side(to), sentences);
    }
}

/// A value as an operator reads it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unset".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(|value| !value.is_object()) => {
            values.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Cuts both texts around the first position where they differ.
fn shortened(old: &str, new: &str) -> (String, String) {
    let is_long = |text: &str| text.chars().count() > LONGEST;
    let common = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let from = if is_long(old) || is_long(new) { common.saturating_sub(BEFORE) } else { 0 };
    (cut(old, from), cut(new, from))
}

/// At most [`LONGEST`] characters from the one at `from`, with dots where others were left out.
fn cut(text: &str, from: usize) -> String {
    let middle: String = text.chars().skip(from).take(LONGEST).collect();
    let (before, after) = (from > 0, from + LONGEST < text.chars().count());
    format!("{}{middle}{}", if before { "…" } else { "" }, if after { "…" } else { "" })
}
