//! No difference is silent: whatever value of a document changes or goes, a sentence tells.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::fleet::diff::*;

/// A whole document with every key that there is.
fn whole(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("tests/data/config/{file}")).unwrap()).unwrap()
}

/// The paths of all values in it, those with others inside too.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if !path.is_empty() {
        found.push(path.to_owned());
    }
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| paths(value, &format!("{path}/{}", key.replace('/', "~1")), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, value)| paths(value, &format!("{path}/{n}"), found));
        }
        _ => {}
    }
}

fn another(value: &Value) -> Value {
    match value {
        Value::Bool(is) => json!(!is),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::String(text) => json!(format!("{text}x")),
        other => other.clone(),
    }
}

fn remove(document: &mut Value, path: &str) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.remove(&key.replace("~1", "/"))),
        Value::Array(list) => drop(list.remove(key.parse().unwrap())),
        other => panic!("{other}"),
    }
}

fn said(file: &str, old: &Value, new: &Value) -> Vec<String> {
    let side = |document: &Value| Running {
        documents: [(file.to_owned(), document.to_string())].into(),
        ..Running::default()
    };
    sentences(&side(old), &side(new))
}

#[test]
fn every_value_that_changes_or_goes_is_told() {
    for file in ["proxy.json", "dns.json"] {
        let old = whole(file);
        let mut all = Vec::new();
        paths(&old, "", &mut all);
        // Where a zone's file is in the store is no difference: what stands in it is compared.
        all.retain(|path| !path.starts_with("/zones"));
        assert!(all.len() > 30, "{all:?}");
        for path in all {
            let mut new = old.clone();
            let value = new.pointer_mut(&path).unwrap();
            *value = another(value);
            assert!(new == old || !said(file, &old, &new).is_empty(), "{file}: {path} changes, and nothing is said");
            let mut new = old.clone();
            remove(&mut new, &path);
            let is_default = path.ends_with("/weight") && old.pointer(&path) == Some(&json!(100));
            assert!(is_default || !said(file, &old, &new).is_empty(), "{file}: {path} goes, and nothing is said");
        }
    }
}
