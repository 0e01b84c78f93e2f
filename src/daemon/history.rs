//! What happened here: the lines of the daemon's log, kept over restarts, so that the next morning somebody can read the night.
//!
//! Owns the newest [`MOST`] events in memory, and as many as fit in two files of 4 MiB in the state directory. Must never:
//! make whoever logs wait for a disk. Filled by [`Layer`], which sees every line that is logged at level info or above; read by
//! the admin API's `GET /events`.

#![allow(clippy::disallowed_types, reason = "held only to add or find events; no request and no query is one")]

mod file;
mod layer;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::api::events::{self, Event, Events, Query};

pub use layer::Layer;

/// How many events are kept in memory: some 3 MiB of them.
const MOST: usize = 10_000;

/// The longest words of an event, in bytes: what a document's findings take is told by the reload's answer, not by its event.
const LONGEST: usize = 2_000;

/// How many events wait for the disk at most. What is beyond that is in memory alone.
const WAITING: usize = 1_024;

/// The events of one process. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct History {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    /// Events that are not on disk: there were too many at a time.
    unwritten: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    events: VecDeque<Event>,
    /// To the thread that writes; none before there is a state directory.
    writer: Option<SyncSender<Event>>,
}

impl Kept {
    fn push(&mut self, event: Event) {
        if self.events.len() == MOST {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

impl History {
    /// Goes on with what the processes before this one have left in the state directory, and writes there from now on.
    pub fn open(&self, state_dir: &Path) {
        let left = file::read(state_dir, MOST);
        let (writer, events) = sync_channel::<Event>(WAITING);
        let folder = state_dir.to_owned();
        let thread = thread::Builder::new().name("history".to_owned());
        let started = thread.spawn(move || file::write_all(&folder, &events));
        let mut kept = self.kept();
        let since_start = std::mem::take(&mut kept.events);
        left.into_iter().for_each(|event| kept.push(event));
        for event in since_start {
            // The channel holds more than a daemon says before it has read its document.
            let _ = writer.try_send(event.clone());
            kept.push(event);
        }
        kept.writer = started.is_ok().then_some(writer);
        drop(kept);
        if let Err(error) = started {
            tracing::warn!("what happens here is not kept over a restart: its thread cannot be started: {error}");
        }
    }

    /// One more event.
    pub fn add(&self, mut event: Event) {
        event.words.truncate(event.words.floor_char_boundary(LONGEST));
        let mut kept = self.kept();
        if kept.writer.as_ref().is_some_and(|writer| writer.try_send(event.clone()).is_err()) {
            self.shared.unwritten.fetch_add(1, Relaxed);
        }
        kept.push(event);
    }

    /// What is asked for: the newest of it.
    pub fn find(&self, query: &Query) -> Events {
        let kept = self.kept();
        let found: Vec<&Event> = kept.events.iter().filter(|event| query.asks_for(event)).collect();
        let left_out = found.len().saturating_sub(events::MOST);
        Events {
            oldest: kept.events.front().map(|event| event.at),
            left_out,
            events: found[left_out..].iter().map(|event| (*event).clone()).collect(),
        }
    }

    /// How many events are not on disk, because there were too many at a time or the disk did not answer.
    pub fn unwritten(&self) -> u64 {
        self.shared.unwritten.load(Relaxed)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked with the lock held had at worst not pushed its event.
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
