//! What outlives a process: in the state directory, and in a takeover.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Control;
use crate::api::operator::OperatorNote;
use crate::daemon::operator::OperatorStates;
use crate::health::{HealthView, saved};

/// The version written, and the only one read.
const VERSION: u64 = 1;

/// What an earlier process knew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Saved {
    /// Health that is still fresh.
    pub health: HealthView,
    /// The operator's words.
    pub operator: OperatorStates,
    /// What `when_all_down: last` means, by pool.
    pub last_up: BTreeMap<String, Vec<IpAddr>>,
    /// The number of the last snapshot.
    pub generation: u64,
}

/// `operator.json` in the state directory, and what peers tell each other.
#[derive(Serialize, Deserialize)]
struct OperatorFile {
    version: u64,
    operator: OperatorStates,
}

/// `health.json` in the state directory.
#[derive(Serialize, Deserialize)]
struct HealthFile {
    version: u64,
    health: Value,
    last_up: BTreeMap<String, Vec<IpAddr>>,
    generation: u64,
}

/// What a takeover hands over.
#[derive(Serialize, Deserialize)]
struct HandoverState {
    version: u64,
    health: HealthFile,
    operator: OperatorFile,
}

impl Control {
    /// What peers are told: of what the document names, so that it always fits into a letter.
    pub fn told_value(&self) -> Value {
        let words: BTreeMap<&String, &OperatorNote> =
            self.operator.0.iter().filter(|(subject, _)| self.names(subject)).collect();
        json!({ "version": VERSION, "operator": words })
    }

    /// What `operator.json` holds.
    pub fn operator_value(&self) -> Value {
        json!({ "version": VERSION, "operator": self.operator })
    }

    /// What `health.json` holds.
    pub fn health_value(&self) -> Value {
        json!({
            "version": VERSION,
            "health": saved::to_json(&self.health, SystemTime::now()),
            "last_up": self.last_up,
            "generation": self.generation(),
        })
    }

    /// What a successor gets.
    pub fn handover_value(&self) -> Value {
        json!({ "version": VERSION, "health": self.health_value(), "operator": self.operator_value() })
    }
}

impl Saved {
    /// Adds what an `operator.json` or a peer says. An error tells why it cannot be read; then nothing is added.
    pub fn read_operator(&mut self, value: Value) -> Result<(), String> {
        let file: OperatorFile = read(value)?;
        self.operator.merge(&file.operator);
        Ok(())
    }

    /// Adds what a `health.json` says; health that is too old is left out.
    pub fn read_health(&mut self, value: Value) -> Result<(), String> {
        let file: HealthFile = read(value)?;
        self.health = saved::from_json(&file.health, SystemTime::now())?;
        self.last_up = file.last_up;
        self.generation = file.generation;
        Ok(())
    }

    /// Adds what a predecessor hands over.
    pub fn read_handover(&mut self, value: Value) -> Result<(), String> {
        let state: HandoverState = read(value)?;
        self.operator.merge(&state.operator.operator);
        self.health = saved::from_json(&state.health.health, SystemTime::now())?;
        self.last_up = state.health.last_up;
        self.generation = state.health.generation;
        Ok(())
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => serde_json::from_value(value).map_err(|error| error.to_string()),
        Some(other) => Err(format!("it has version {other}, expected {VERSION}")),
        None => Err("it has no version".into()),
    }
}
