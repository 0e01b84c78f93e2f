//! The state that outlives a process, in the state directory or by a takeover (pure).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::choices::Outages;
use super::peer_state::VERSION;
use crate::acme::message::AcmeMessage;
use crate::api::dns::DnstapNote;
use crate::daemon::clock::{Now, boot_id};
use crate::daemon::operator::OperatorStates;
use crate::dns::challenges::HandedOver;
use crate::health::HealthView;
use crate::health::saved::{self, MoreToSave, ToSave};

/// The state of an earlier process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Saved {
    /// What `health.json` holds.
    pub health: SavedHealth,
    /// The operator states.
    pub operator: OperatorStates,
    /// The alarm if they are lost.
    pub operator_lost: Option<String>,
    /// What proxies have told a predecessor; on no disk.
    pub challenges: BTreeMap<String, HandedOver>,
    /// What an operator had said of dnstap; on no disk.
    pub dnstap: Option<DnstapNote>,
    /// What a predecessor knew of certificates and their orders; on the disk in files of its own.
    pub acme: AcmeMessage,
}

/// What `health.json` holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedHealth {
    /// Health that is still fresh.
    pub health: HealthView,
    /// The addresses that `when_all_down: last` answers with, by pool.
    pub last_up: BTreeMap<String, Vec<IpAddr>>,
    /// Of pools that nobody saw a member of up: how long their answer is kept goes on from there.
    pub outages: BTreeMap<String, Outages>,
    /// The number of the last snapshot.
    pub generation: u64,
}

/// `operator.json` in the state directory.
#[derive(Serialize, Deserialize)]
struct OperatorFile {
    version: u64,
    operator: OperatorStates,
}

/// `health.json` in the state directory.
#[derive(Serialize, Deserialize)]
pub struct HealthFile<Health = Value, More = Value> {
    version: u64,
    health: Health,
    /// What else is known of it; earlier builds know nothing of this, nor of the boot.
    #[serde(default)]
    health_more: More,
    #[serde(default)]
    boot: String,
    last_up: BTreeMap<String, Vec<IpAddr>>,
    /// Earlier builds know none.
    #[serde(default)]
    outages: BTreeMap<String, Outages>,
    generation: u64,
}

/// What a takeover hands over.
#[derive(Serialize, Deserialize)]
struct HandoverState {
    version: u64,
    health: HealthFile,
    operator: OperatorFile,
    /// Earlier builds know none.
    #[serde(default)]
    challenges: BTreeMap<String, HandedOver>,
    /// The same.
    #[serde(default)]
    dnstap: Option<DnstapNote>,
    /// Earlier builds know none.
    #[serde(default)]
    acme: AcmeMessage,
}

impl State {
    /// What `operator.json` holds.
    pub fn operator_to_save(&self) -> Value {
        json!({ "version": VERSION, "operator": self.operator })
    }

    /// What `health.json` holds.
    pub fn health_to_save(&self, now: Now) -> HealthFile<ToSave, MoreToSave> {
        HealthFile {
            version: VERSION,
            health: ToSave { view: (*self.health).clone(), now: now.system_time() },
            health_more: MoreToSave((*self.health).clone()),
            boot: boot_id().to_owned(),
            last_up: self.last_up.clone(),
            outages: self.outages.clone(),
            generation: self.generation(),
        }
    }

    /// What a successor gets.
    pub fn to_hand_over(&self, now: Now) -> Value {
        json!({
            "version": VERSION,
            "health": self.health_to_save(now),
            "operator": self.operator_to_save(),
            "challenges": self.challenges.to_hand_over(now.running),
            "dnstap": self.dnstap,
            // An order that is under way ends with this process; its successor, or a peer, begins anew.
            "acme": self.orders.message(self.ready),
        })
    }
}

/// Reads an `operator.json`.
pub fn read_operator(value: Value) -> Result<OperatorStates, SavedError> {
    read::<OperatorFile>(&value).map(|file| file.operator)
}

impl SavedHealth {
    /// Reads a `health.json`; health that is too old at `now`, or of an earlier boot, is left out.
    pub fn read(value: Value, now: SystemTime) -> Result<SavedHealth, SavedError> {
        let file: HealthFile = read(&value)?;
        let boot = file.boot.clone();
        let mut saved = SavedHealth::of(file, now)?;
        saved.health.values_mut().for_each(|health| health.hearsay = true);
        if boot != boot_id() {
            saved.health = HealthView::new();
        }
        Ok(saved)
    }

    fn of(file: HealthFile, now: SystemTime) -> Result<SavedHealth, SavedError> {
        let health = saved::from_json(&file.health, &file.health_more, now).map_err(SavedError::Health)?;
        Ok(SavedHealth { health, last_up: file.last_up, outages: file.outages, generation: file.generation })
    }
}

impl Saved {
    /// Reads what a predecessor hands over.
    pub fn read_handover(value: Value, now: SystemTime) -> Result<Saved, SavedError> {
        let HandoverState { health, operator, challenges, acme, dnstap, .. } =
            read(&value).map_err(SavedError::without_words)?;
        let health = SavedHealth::of(health, now)?;
        Ok(Saved { health, operator: operator.operator, operator_lost: None, challenges, acme, dnstap })
    }
}

/// Why what an earlier process, or a peer, wrote cannot be read.
#[derive(Debug)]
pub enum SavedError {
    /// It has no version.
    NoVersion,
    /// It has this version.
    OtherVersion(u64),
    /// It has another form.
    Form(serde_json::Error),
    /// It has another form, and more is not said: the words of the error hold what stands there, which may be a certificate's key.
    SomeForm,
    /// Its health cannot be read.
    Health(saved::SavedError),
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SavedError::NoVersion => f.write_str("it has no version"),
            SavedError::OtherVersion(other) => write!(f, "it has version {other}, expected {VERSION}"),
            SavedError::Form(error) => error.fmt(f),
            SavedError::SomeForm => f.write_str("it has another form than this program reads"),
            SavedError::Health(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SavedError {}

impl SavedError {
    /// The same without what stands in what could not be read.
    pub(super) fn without_words(self) -> SavedError {
        if matches!(self, SavedError::Form(_)) { SavedError::SomeForm } else { self }
    }
}

/// Reads what is of the one version that this program reads.
pub(super) fn read<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T, SavedError> {
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => T::deserialize(value).map_err(SavedError::Form),
        Some(other) => Err(SavedError::OtherVersion(other)),
        None => Err(SavedError::NoVersion),
    }
}
