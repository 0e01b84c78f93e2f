//! The state directory: operator states at each word, health every few seconds.
//!
//! What cannot be written is kept in memory, raises an alarm, and is tried again.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::state_file::{StateFile, Stored};
use crate::dns::control::{Alarms, Control, HEALTH_UNWRITTEN, OPERATOR_UNWRITTEN, Saved};

/// How often health is saved, and a failed write is tried again.
const INTERVAL: Duration = Duration::from_secs(5);

/// The files, and what is still to be written.
pub struct Keeping {
    operator: StateFile,
    health: StateFile,
    operator_due: bool,
    /// None before the first: a state directory that cannot be written is told at once.
    last_try: Option<Instant>,
}

impl Keeping {
    /// The files of a state directory.
    pub fn new(state_dir: &Path) -> Keeping {
        let operator = StateFile::new(state_dir, "operator");
        let health = StateFile::new(state_dir, "health");
        Keeping { operator, health, operator_due: false, last_try: None }
    }

    /// What an earlier process saved, and an alarm for each file that cannot be believed.
    pub fn read(&self) -> (Saved, Alarms) {
        let mut saved = Saved::default();
        let mut alarms = Alarms::new();
        if let Err(why) = read(&self.operator, |value| saved.read_operator(value)) {
            let path = self.operator.path.display();
            let alarm = format!(
                "{path} cannot be read: {why}; every member counts as ready: say drain and maint again where they are meant"
            );
            tracing::error!("{alarm}");
            alarms.insert("operator-file", alarm);
        }
        if let Err(why) = read(&self.health, |value| saved.read_health(value)) {
            // Health is probed anew anyway: worth a line in the log, and no alarm that somebody would have to clear.
            tracing::warn!("{} cannot be read: {why}; every member is probed anew", self.health.path.display());
        }
        (saved, alarms)
    }

    /// Writes the operator's words now: a word that was answered outlives a crash.
    pub fn operator_changed(&mut self, control: &mut Control) {
        self.operator_due = true;
        self.save_operator(control);
    }

    /// Writes what is due.
    pub fn save_what_is_due(&mut self, control: &mut Control) {
        if self.last_try.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.save_all(control);
        }
    }

    /// Writes all that has changed.
    pub fn save_all(&mut self, control: &mut Control) {
        self.last_try = Some(Instant::now());
        if self.operator_due {
            self.save_operator(control);
        }
        // Health is probed every few seconds, and its age counts: it is always another one.
        let value = control.health_value();
        write(&self.health, &value, HEALTH_UNWRITTEN, control);
    }

    fn save_operator(&mut self, control: &mut Control) {
        let value = control.operator_value();
        if write(&self.operator, &value, OPERATOR_UNWRITTEN, control) {
            self.operator_due = false;
            control.alarms.remove("operator-file");
        }
    }
}

fn read(file: &StateFile, parse: impl FnOnce(Value) -> Result<(), String>) -> Result<(), String> {
    match file.read() {
        Stored::Missing => Ok(()),
        Stored::Whole(value) => parse(value),
        Stored::Broken(why) => Err(why),
    }
}

fn write(file: &StateFile, value: &Value, alarm: &'static str, control: &mut Control) -> bool {
    match file.write(value) {
        Ok(()) => {
            if control.alarms.remove(alarm).is_some() {
                tracing::info!("{} is written again", file.path.display());
            }
            true
        }
        Err(error) => {
            let message = format!("{} cannot be written: {error}; it is tried again", file.path.display());
            if control.alarms.insert(alarm, message.clone()).is_none() {
                tracing::error!("{message}");
            }
            control.state_write_failures += 1;
            false
        }
    }
}
