//! What a switch does to the units: the decision of NixOS' switch-to-configuration, by the texts of both sides (pure).
//!
//! A unit whose text is the same is left alone. One that changes is reloaded if it says so (`reloadIfChanged`) or only its reload
//! triggers differ, left alone if it says that (`restartIfChanged = false`) or only what systemd reads anyhow differs, and is
//! restarted otherwise. A socket or a path unit that changes is left as it is: a switch starts it anew only with the service that it
//! starts. What is new is taken to be started, unless something else of its name starts it: texts do not say what
//! wants a unit, nor which instances of a template run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The kinds of units that are described.
const KINDS: [&str; 5] = [".service", ".socket", ".timer", ".path", ".mount"];

/// The kinds of units that start the service of the same name.
const STARTERS: [&str; 3] = [".socket", ".timer", ".path"];

/// Keys of `[Unit]` whose change alone is no reason to touch a running unit. Dependencies are one.
const HARMLESS: [&str; 12] = [
    "AllowIsolate",
    "CollectMode",
    "Description",
    "Documentation",
    "IgnoreOnIsolate",
    "OnFailure",
    "OnFailureJobMode",
    "OnSuccess",
    "RefuseManualStart",
    "RefuseManualStop",
    "SourcePath",
    "StopWhenUnneeded",
];

/// What happens to units, by name; services without `.service`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// Units that are reloaded.
    pub reloads: Vec<String>,
    /// Units that are restarted.
    pub restarts: Vec<String>,
    /// New units, which are started.
    pub starts: Vec<String>,
    /// Units that are gone, which are stopped.
    pub stops: Vec<String>,
    /// Sockets and path units that change, and keep their old settings until somebody restarts them.
    #[serde(default)]
    pub stale: Vec<String>,
}

impl Effects {
    /// `reloads polder-proxy, restarts nothing`; `touches no unit`.
    pub fn in_words(&self) -> String {
        if self.stale.is_empty() {
            return self.touched();
        }
        let stale = self.stale.join(" ");
        format!("{}; keeps the old settings of {stale} until `systemctl restart {stale}` there", self.touched())
    }

    fn touched(&self) -> String {
        if *self == (Effects { stale: self.stale.clone(), ..Effects::default() }) {
            return "touches no unit".to_owned();
        }
        let listed = |verb: &str, units: &[String]| (!units.is_empty()).then(|| format!("{verb} {}", units.join(", ")));
        let mut words: Vec<String> =
            [listed("reloads", &self.reloads), listed("starts", &self.starts), listed("stops", &self.stops)]
                .into_iter()
                .flatten()
                .collect();
        words.push(listed("restarts", &self.restarts).unwrap_or_else(|| "restarts nothing".to_owned()));
        words.join(", ")
    }
}

/// What a switch from one set of units to another does.
pub fn effects(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Effects {
    let mut effects = Effects::default();
    for (unit, text) in new {
        let Some(name) = spoken(unit) else { continue };
        match old.get(unit) {
            None if is_started(unit, &parsed(text), new) => effects.starts.push(name),
            None => {}
            Some(before) => match decide(unit, &parsed(before), &parsed(text)) {
                Decision::Nothing => {}
                Decision::Reload => effects.reloads.push(name),
                Decision::Restart => effects.restarts.push(name),
                Decision::Keep if is_started_anew(unit, old, new) => {}
                Decision::Keep => effects.stale.push(name),
            },
        }
    }
    let gone = old.iter().filter(|(unit, _)| !new.contains_key(*unit));
    let stopped = gone.filter(|(_, text)| flag(&parsed(text), "X-StopOnRemoval", true));
    effects.stops = stopped.filter_map(|(unit, _)| spoken(unit)).collect();
    effects
}

/// A unit's name in sentences, if it is of a kind that is described; a template has no instance of its own.
fn spoken(unit: &str) -> Option<String> {
    let is_spoken = KINDS.iter().any(|kind| unit.ends_with(kind)) && !unit.contains("@.");
    is_spoken.then(|| unit.strip_suffix(".service").unwrap_or(unit).to_owned())
}

/// Whether a new unit is started, and not only by a person or by another unit of its name.
fn is_started(unit: &str, parsed: &Unit<'_>, units: &BTreeMap<String, String>) -> bool {
    let name = unit.strip_suffix(".service");
    let has_starter = name.is_some_and(|name| STARTERS.iter().any(|kind| units.contains_key(&format!("{name}{kind}"))));
    !has_starter && !flag(parsed, "X-OnlyManualStart", false) && !flag(parsed, "RefuseManualStart", false)
}

/// Whether a socket is stopped and started with the service that it starts, which is restarted by stopping and starting it.
fn is_started_anew(unit: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> bool {
    let Some(service) = unit.strip_suffix(".socket").map(|name| format!("{name}.service")) else { return false };
    let (Some(before), Some(after)) = (old.get(&service), new.get(&service)) else { return false };
    let after = parsed(after);
    decide(&service, &parsed(before), &after) == Decision::Restart && flag(&after, "X-StopIfChanged", true)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It does not change, or systemd reads what does.
    Nothing,
    /// It changes, and is left as it is.
    Keep,
    Reload,
    Restart,
}

/// Sections, their keys, and all values of each: what a line ending in a backslash goes on with is a value more.
type Unit<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a str>>>;

fn parsed(text: &str) -> Unit<'_> {
    let mut unit = Unit::new();
    let mut section = "";
    let mut goes_on = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(key) = goes_on {
            unit.entry(section).or_default().entry(key).or_default().push(line);
            goes_on = line.ends_with('\\').then_some(key);
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once('=') {
            unit.entry(section).or_default().entry(key.trim()).or_default().push(value.trim());
            goes_on = line.ends_with('\\').then(|| key.trim());
        }
    }
    unit
}

fn decide(unit: &str, old: &Unit<'_>, new: &Unit<'_>) -> Decision {
    match compare(old, new) {
        Decision::Restart if matches!(unit, "-.mount" | "nix.mount") => Decision::Reload,
        Decision::Restart if unit.ends_with(".mount") => Decision::Restart,
        Decision::Restart if unit.ends_with(".socket") || unit.ends_with(".path") => Decision::Keep,
        Decision::Restart if flag(new, "X-ReloadIfChanged", false) => Decision::Reload,
        Decision::Restart if is_left_alone(unit, new) => Decision::Nothing,
        decided => decided,
    }
}

fn is_left_alone(unit: &str, new: &Unit<'_>) -> bool {
    matches!(unit, "dbus.service" | "dbus-broker.service")
        || !flag(new, "X-RestartIfChanged", true)
        || flag(new, "RefuseManualStop", false)
        || flag(new, "X-OnlyManualStart", false)
}

/// What switch-to-configuration does for the difference alone.
fn compare(old: &Unit<'_>, new: &Unit<'_>) -> Decision {
    let mut decision = Decision::Nothing;
    let sections: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let empty = BTreeMap::new();
    for section in sections {
        let (before, after) = (old.get(section).unwrap_or(&empty), new.get(section).unwrap_or(&empty));
        let keys: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for key in keys.into_iter().filter(|key| before.get(key) != after.get(key)) {
            match (section, key) {
                ("Install", _) => {}
                ("Unit", "X-Reload-Triggers") | ("Mount", "Options") => decision = Decision::Reload,
                ("Unit", key) if HARMLESS.contains(&key) => {}
                _ => return Decision::Restart,
            }
        }
    }
    decision
}

fn flag(unit: &Unit<'_>, key: &str, default: bool) -> bool {
    let value = unit.values().find_map(|section| section.get(key)?.last().copied());
    value.map_or(default, |value| ["true", "yes", "1", "on"].contains(&value))
}
