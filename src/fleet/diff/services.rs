//! Services: which appear and go, and of those that stay, which backends.

use serde_json::Value;

use super::members::{names, take};
use super::rest;
use crate::config::defaults::WEIGHT;

/// Describes the changes of all services, and removes the services from both sides.
pub(super) fn compare(old: &mut Value, new: &mut Value, sentences: &mut Vec<String>) {
    let (mut old, mut new) = (take(old, "services"), take(new, "services"));
    for name in names(&old, &new) {
        match (take(&mut old, &name), take(&mut new, &name)) {
            (Value::Null, service) => sentences.push(format!("service {name} appears: {}", in_words(&service))),
            (_, Value::Null) => sentences.push(format!("service {name} goes")),
            (mut old, mut new) => {
                let (before, after) = (target(&old), target(&new));
                if before != after {
                    sentences.push(format!("service {name}: is answered by {after} now, and no longer by {before}"));
                }
                backends(&name, &take(&mut old, "backends"), &take(&mut new, "backends"), sentences);
                rest::compare(&format!("service {name}"), &old, &new, sentences);
            }
        }
    }
}

fn in_words(service: &Value) -> String {
    let hosts: Vec<&str> = list(service, "hosts").iter().filter_map(Value::as_str).collect();
    match target(service) {
        "backends" => {
            let backends: Vec<&str> = list(service, "backends").iter().map(name).collect();
            format!("{} on {}", hosts.join(", "), backends.join(", "))
        }
        own => format!("{}: {own} {}", hosts.join(", "), rest::shown(&service[own])),
    }
}

/// The key of what answers.
fn target(service: &Value) -> &'static str {
    ["redirect", "answer", "files"].into_iter().find(|key| service.get(key).is_some()).unwrap_or("backends")
}

fn backends(service: &str, old: &Value, new: &Value, sentences: &mut Vec<String>) {
    let all = |side: &Value| side.as_array().cloned().unwrap_or_default();
    let (old, new) = (all(old), all(new));
    let find = |side: &[Value], wanted: &str| side.iter().find(|backend| name(backend) == wanted).cloned();
    let about = format!("service {service}");
    for backend in old.iter().filter(|backend| find(&new, name(backend)).is_none()) {
        sentences.push(format!("{about}: {} leaves", name(backend)));
    }
    for backend in &new {
        match find(&old, name(backend)) {
            None => sentences.push(format!("{about}: {} joins ({})", name(backend), role(backend))),
            Some(before) => changed(&about, &before, backend, sentences),
        }
    }
    let order = |side: &[Value], other: &[Value]| -> Vec<String> {
        side.iter().map(name).filter(|this| find(other, this).is_some()).map(str::to_owned).collect()
    };
    if order(&old, &new) != order(&new, &old) {
        sentences.push(format!("{about}: its backends are in another order: {}", order(&new, &old).join(", ")));
    }
}

fn changed(about: &str, old: &Value, new: &Value, sentences: &mut Vec<String>) {
    let (mut old, mut new) = (old.clone(), new.clone());
    let backend = name(&new).to_owned();
    let weight = |side: &mut Value| take(side, "weight").as_u64().unwrap_or(WEIGHT.into());
    let (before, after) = (weight(&mut old), weight(&mut new));
    if before != after {
        sentences.push(format!("{about}: {backend} weight {before} -> {after}"));
    }
    let backup = |side: &mut Value| take(side, "backup").as_bool().unwrap_or(false);
    match (backup(&mut old), backup(&mut new)) {
        (false, true) => sentences.push(format!("{about}: {backend} becomes a backup")),
        (true, false) => sentences.push(format!("{about}: {backend} becomes a primary")),
        _ => {}
    }
    rest::compare(&format!("{about}: {backend}"), &old, &new, sentences);
}

fn role(backend: &Value) -> String {
    match backend.get("backup").and_then(Value::as_bool) {
        Some(true) => "backup".to_owned(),
        _ => format!("weight {}", backend.get("weight").and_then(Value::as_u64).unwrap_or(WEIGHT.into())),
    }
}

fn name(backend: &Value) -> &str {
    backend.get("name").and_then(Value::as_str).unwrap_or("(unnamed)")
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
