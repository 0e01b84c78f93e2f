//! `operator.json` and `health.json` in the state directory, written in the background.
//!
//! Must never: make the control thread wait for a disk (a failing one would stop the checks), or run two writes of a file
//! at a time: the newest content is written last.

use std::cell::RefCell;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::super::operator::OperatorStates;
use super::super::state_file::{StateFile, Stored};

/// The longest that anything waits for the disk.
const LIMIT: Duration = Duration::from_secs(2);

/// The two files.
pub struct StateFiles {
    operator: File,
    health: File,
    health_writes: Rc<RefCell<HealthWrites>>,
    /// How many writes are under way or wait for their turn.
    under_way: watch::Sender<usize>,
}

struct File {
    file: StateFile,
    /// Locked during a write.
    turn: Arc<Mutex<()>>,
}

/// The outcome of the writes of `health.json`.
#[derive(Debug, Clone, Default)]
pub struct HealthWrites {
    /// Why the last write failed.
    pub failure: Option<String>,
    /// Writes that failed since the start.
    pub failures: u64,
}

/// What `operator.json` held at the start.
#[derive(Debug, Clone, Default)]
pub struct StoredOperator {
    /// The operator states.
    pub states: OperatorStates,
    /// The alarm if they could not be read.
    pub lost: Option<String>,
}

impl StateFiles {
    /// The files of a state directory.
    pub fn new(state_dir: &Path) -> StateFiles {
        let file = |name| File { file: StateFile::new(state_dir, name), turn: Arc::default() };
        let (operator, health) = (file("operator"), file("health"));
        StateFiles { operator, health, health_writes: Rc::default(), under_way: watch::Sender::new(0) }
    }

    /// Reads `operator.json`; `parse` reads its form, and `subject` is what its states are about (backend, member).
    pub fn read_operator<E: Display>(
        &self,
        subject: &str,
        parse: impl FnOnce(&Value) -> Result<OperatorStates, E>,
    ) -> StoredOperator {
        let path = self.operator.file.path.display();
        let read = match self.operator.file.read() {
            Stored::Missing => Ok(OperatorStates::default()),
            Stored::Whole(value) => parse(&value).map_err(|why| format!("{path}: {why}")),
            Stored::Broken(why) => Err(why),
        };
        match read {
            Ok(states) => StoredOperator { states, lost: None },
            Err(why) => {
                let lost = format!(
                    "the stored operator states cannot be read ({why}): every {subject} is ready unless a peer sends a newer state; \
                     set drain and maint again where they are needed"
                );
                tracing::error!("{lost}");
                StoredOperator { states: OperatorStates::default(), lost: Some(lost) }
            }
        }
    }

    /// Reads `health.json`. If it cannot be read, that is only logged, since every target is probed anyway.
    pub fn read_health<T: Default, E: Display>(&self, parse: impl FnOnce(&Value) -> Result<T, E>) -> T {
        let read = match self.health.file.read() {
            Stored::Missing => Ok(T::default()),
            Stored::Whole(value) => parse(&value).map_err(|why| why.to_string()),
            Stored::Broken(why) => Err(why),
        };
        read.unwrap_or_else(|why| {
            tracing::warn!("the saved health cannot be used ({why}): every target is probed again");
            T::default()
        })
    }

    /// What `health.json` of a state directory holds, for whoever makes use of it before it is read in earnest; none: nothing that could be used.
    pub fn peek_health(state_dir: &Path) -> Option<Value> {
        match StateFiles::new(state_dir).health.file.read() {
            Stored::Whole(value) => Some(value),
            Stored::Missing | Stored::Broken(_) => None,
        }
    }

    /// Writes `operator.json`, and calls `ended` with the result.
    pub fn write_operator(&self, value: Value, ended: impl FnOnce(io::Result<()>) + 'static) {
        let (write, under_way) = (self.operator.write(value), self.begin_write());
        tokio::task::spawn_local(async move {
            ended(write.await);
            drop(under_way);
        });
    }

    /// Writes `health.json`, after a write that is under way.
    pub fn write_health(&self, value: impl Serialize + Send + 'static) {
        let (write, writes, under_way) = (self.health.write(value), self.health_writes.clone(), self.begin_write());
        tokio::task::spawn_local(async move {
            let failure = write.await.err().map(|error| error.to_string());
            let mut writes = writes.borrow_mut();
            match (&failure, &writes.failure) {
                (None, Some(_)) => tracing::info!("health is written again"),
                (Some(why), None) => {
                    tracing::warn!("health cannot be written: {why}; the write is tried again every 5 s");
                }
                _ => {}
            }
            writes.failures += u64::from(failure.is_some());
            writes.failure = failure;
            drop(under_way);
        });
    }

    /// Whether a write of `health.json` is under way. A disk that does not answer gets no second one: it would wait, and be
    /// done when another process may long be the daemon.
    pub fn is_writing_health(&self) -> bool {
        self.health.turn.try_lock().is_err()
    }

    fn begin_write(&self) -> UnderWay {
        self.under_way.send_modify(|writes| *writes += 1);
        UnderWay(self.under_way.clone())
    }

    /// The outcome of the writes of `health.json`.
    pub fn health_writes(&self) -> HealthWrites {
        self.health_writes.borrow().clone()
    }

    /// Waits until no write is under way, for two seconds at most, so that a disk that does not answer holds up nothing.
    pub fn quiet(&self) -> impl Future<Output = ()> + 'static {
        let mut under_way = self.under_way.subscribe();
        async move {
            let quiet = under_way.wait_for(|writes| *writes == 0);
            drop(timeout(LIMIT, quiet).await);
        }
    }
}

/// A write, until it is dropped.
struct UnderWay(watch::Sender<usize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|writes| *writes -= 1);
    }
}

impl File {
    fn write(&self, value: impl Serialize + Send + 'static) -> impl Future<Output = io::Result<()>> + 'static {
        let (file, turn) = (self.file.clone(), self.turn.clone());
        async move {
            let _turn = turn.lock_owned().await;
            tokio::task::spawn_blocking(move || file.write(&value)).await.unwrap_or_else(|error| Err(error.into()))
        }
    }
}
