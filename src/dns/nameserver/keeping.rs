//! The state directory: operator states at each word, health every few seconds.
//!
//! What cannot be written is kept in memory, raises an alarm, and is tried again. Must never: make the control thread wait
//! for a disk (a dying one would stop the checks), or write once another process may be the daemon.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Nameserver;
use crate::daemon::state_file::{StateFile, Stored};
use crate::dns::control::{Alarms, HEALTH_UNWRITTEN, OPERATOR_UNWRITTEN, Saved};

/// How often health is saved, and a failed write is tried again.
const INTERVAL: Duration = Duration::from_secs(5);

/// The longest that anything waits for the disk.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// The files, and what is still to be written.
pub struct Keeping {
    operator: Kept,
    health: Kept,
    /// None before the first: a state directory that cannot be written is told at once.
    last_try: Cell<Option<Instant>>,
}

/// One file.
struct Kept {
    file: StateFile,
    /// The name of the alarm when it cannot be written.
    alarm: &'static str,
    /// What is in memory is not in the file.
    due: Cell<bool>,
    /// Held by whoever writes: one at a time, so that what is last is written last.
    turn: Mutex<()>,
}

impl Keeping {
    /// The files of a state directory.
    pub fn new(state_dir: &Path) -> Keeping {
        let kept = |name, alarm| Kept {
            file: StateFile::new(state_dir, name),
            alarm,
            due: Cell::new(false),
            turn: Mutex::default(),
        };
        Keeping {
            operator: kept("operator", OPERATOR_UNWRITTEN),
            health: kept("health", HEALTH_UNWRITTEN),
            last_try: Cell::new(None),
        }
    }

    /// What an earlier process saved, and an alarm for each file that cannot be believed.
    pub fn read(&self) -> (Saved, Alarms) {
        let mut saved = Saved::default();
        let mut alarms = Alarms::new();
        if let Err(why) = self.operator.read(|value| saved.read_operator(value)) {
            let path = self.operator.file.path.display();
            let alarm = format!(
                "{path} cannot be read: {why}; every member counts as ready: say drain and maint again where they are meant"
            );
            tracing::error!("{alarm}");
            alarms.insert("operator-file", alarm);
        }
        if let Err(why) = self.health.read(|value| saved.read_health(value)) {
            // Health is probed anew anyway: worth a line in the log, and no alarm that somebody would have to clear.
            tracing::warn!("{} cannot be read: {why}; every member is probed anew", self.health.file.path.display());
        }
        (saved, alarms)
    }
}

impl Kept {
    fn read(&self, parse: impl FnOnce(Value) -> Result<(), String>) -> Result<(), String> {
        match self.file.read() {
            Stored::Missing => Ok(()),
            Stored::Whole(value) => parse(value),
            Stored::Broken(why) => Err(why),
        }
    }
}

impl Nameserver {
    /// Writes the operator's words now. When it returns they outlive a crash, or there is an alarm.
    pub(super) async fn keep_operator(self: &Rc<Self>) {
        self.keeping.operator.due.set(true);
        let nameserver = Rc::clone(self);
        // A task of its own: whoever waits here may go away.
        let written = tokio::task::spawn_local(async move { nameserver.write_operator().await });
        if timeout(WRITE_LIMIT, written).await.is_err() {
            self.cannot_write(&self.keeping.operator, &format!("the disk has not answered for {WRITE_LIMIT:?}"));
        }
    }

    /// Writes what is due, beside everything else.
    pub(super) fn save_what_is_due(self: &Rc<Self>) {
        if self.keeping.last_try.get().is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.keeping.last_try.set(Some(Instant::now()));
            let nameserver = Rc::clone(self);
            tokio::task::spawn_local(async move { nameserver.save_all().await });
        }
    }

    /// Writes all that there is, at the end.
    pub(super) async fn save_last(&self) {
        // A disk that does not answer has its alarm, and holds up no end.
        let _ = timeout(WRITE_LIMIT, self.save_all()).await;
    }

    /// Waits until no file is being written.
    pub(super) async fn finish_writing(&self) {
        for kept in [&self.keeping.operator, &self.keeping.health] {
            let _ = timeout(WRITE_LIMIT, kept.turn.lock()).await;
        }
    }

    async fn save_all(&self) {
        self.write_operator().await;
        // Health is probed every few seconds, and its age counts: it is always another one.
        self.keeping.health.due.set(true);
        self.write(&self.keeping.health, || self.control.borrow().health_value()).await;
    }

    async fn write_operator(&self) {
        if self.write(&self.keeping.operator, || self.control.borrow().operator_value()).await {
            self.control.borrow_mut().alarms.remove("operator-file");
        }
    }

    /// Writes a file if it is due, with the value there is when its turn has come. True if it was written.
    async fn write(&self, kept: &Kept, value: impl FnOnce() -> Value) -> bool {
        let _turn = kept.turn.lock().await;
        if !self.is_daemon() || !kept.due.replace(false) {
            return false;
        }
        let (file, value) = (kept.file.clone(), value());
        let written = tokio::task::spawn_blocking(move || file.write(&value)).await;
        let failure = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        match &failure {
            None => {
                if self.control.borrow_mut().alarms.remove(kept.alarm).is_some() {
                    tracing::info!("{} is written again", kept.file.path.display());
                }
            }
            Some(why) => {
                kept.due.set(true);
                self.cannot_write(kept, why);
            }
        }
        failure.is_none()
    }

    fn cannot_write(&self, kept: &Kept, why: &str) {
        let message = format!("{} cannot be written: {why}; it is tried again", kept.file.path.display());
        let mut control = self.control.borrow_mut();
        control.state_write_failures += 1;
        if control.alarms.insert(kept.alarm, message.clone()).is_none() {
            tracing::error!("{message}");
        }
    }
}
