//! Members of JSON objects, taken out one by one and named.

use serde_json::Value;

/// Removes a member from an object and returns it; null if there is none.
pub(super) fn take(object: &mut Value, key: &str) -> Value {
    object.as_object_mut().and_then(|object| object.remove(key)).unwrap_or(Value::Null)
}

/// The names of the members on either side, sorted.
pub(super) fn names(old: &Value, new: &Value) -> Vec<String> {
    let keys = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
    let (old, new): (Vec<String>, Vec<String>) = (keys(old), keys(new));
    let mut names: Vec<String> = old.into_iter().chain(new).collect();
    names.sort();
    names.dedup();
    names
}
