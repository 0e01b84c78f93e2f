//! What happened here: the lines of the daemon's log, kept over restarts, so that the next morning somebody can read the night.
//!
//! Owns the newest [`MOST`] events in memory, and two files of 4 MiB in the state directory, which a process of a takeover shares with
//! the other one: each reads what the other has written. Must never: make whoever logs wait for a disk. Filled by [`Layer`], which
//! sees every line that is logged at level info or above; read by the admin API's `GET /events`.

#![allow(clippy::disallowed_types, reason = "held only to add or find events; no request and no query is one")]

mod file;
mod layer;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::api::events::{self, Event, Events, Query};
use crate::random;
use crate::unix_time::unix_ms;
use file::EventFile;

pub use layer::Layer;

/// How many events are kept in memory: some 3 MiB of them as a rule, and 20 MiB where each is as long as may be.
const MOST: usize = 10_000;

/// The longest words of an event, in bytes: what a document's findings take is told by the reload's answer, not by its event.
const LONGEST: usize = 2_000;

/// How many events wait for the disk at most. What is beyond that is in memory alone.
const WAITING: usize = 1_024;

/// How often the files are looked at for what another process has written.
const PAUSE: Duration = Duration::from_secs(1);

/// The events of one process. Clones are the same one.
#[derive(Debug, Clone)]
pub struct History {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    /// Oldest first, but for what another process has told later.
    events: VecDeque<Event>,
    /// Told apart from the history of another process.
    life: u64,
    /// How many events there have been.
    count: u64,
    /// To the thread that writes; none before there is a state directory.
    writer: Option<SyncSender<Event>>,
    /// Ends when that thread has written all.
    written: Option<Receiver<()>>,
    disk: Disk,
}

/// How it stands with the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// Why the last write failed, if it did.
    pub failure: Option<String>,
    /// Events that are not on disk, and will not be.
    pub lost: u64,
}

impl Default for History {
    fn default() -> History {
        let kept = Kept {
            events: VecDeque::new(),
            life: new_life(),
            count: 0,
            writer: None,
            written: None,
            disk: Disk::default(),
        };
        History { kept: Arc::new(Mutex::new(kept)) }
    }
}

/// A number that no other history has.
fn new_life() -> u64 {
    let mut bytes = [0; 8];
    // Where there is no randomness there is a clock.
    random::fill(&mut bytes).map_or_else(|_| unix_ms(), |()| u64::from_le_bytes(bytes))
}

impl Kept {
    fn push(&mut self, event: Event) {
        if self.events.len() == MOST {
            self.events.pop_front();
        }
        self.events.push_back(event);
        self.count += 1;
    }

    fn write(&mut self, event: Event) {
        if self.writer.as_ref().is_some_and(|writer| writer.try_send(event).is_err()) {
            self.disk.lost += 1;
        }
    }
}

impl History {
    /// Goes on with what the processes before this one have left in the state directory, and writes there from now on. To be called
    /// by whoever may: the daemon that has the directory's lock.
    pub fn open(&self, state_dir: &Path) {
        let (writer, events) = sync_channel::<Event>(WAITING);
        let (end, written) = sync_channel::<()>(0);
        let (mut file, left) = EventFile::open(state_dir);
        let mut kept = self.kept();
        let since_start = std::mem::take(&mut kept.events);
        left.into_iter().for_each(|event| kept.push(event));
        (kept.writer, kept.written) = (Some(writer), Some(written));
        for event in since_start {
            kept.write(event.clone());
            kept.push(event);
        }
        drop(kept);
        let history = self.clone();
        let thread = thread::Builder::new().name("history".to_owned());
        let started = thread.spawn(move || {
            let _end = end;
            history.write_all(&events, &mut file);
        });
        if let Err(error) = started {
            self.kept().writer = None;
            self.note_written(Err(error));
        }
    }

    /// Writes each event as it comes, and takes in those of another process, until nobody has any more.
    fn write_all(&self, events: &Receiver<Event>, file: &mut EventFile) {
        loop {
            match events.recv_timeout(PAUSE) {
                Ok(event) => self.turn(Some(&event), file),
                Err(RecvTimeoutError::Timeout) => self.turn(None, file),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes in what another process has written, and writes this event.
    fn turn(&self, event: Option<&Event>, file: &mut EventFile) {
        let turned = file.turn(event).map(|others| {
            let mut kept = self.kept();
            others.into_iter().for_each(|event| kept.push(event));
        });
        // A file that was only looked at has lost nothing, and does not show that it can be written.
        if event.is_some() {
            self.note_written(turned);
        }
    }

    fn note_written(&self, written: io::Result<()>) {
        let failure = written.err().map(|error| error.to_string());
        let mut kept = self.kept();
        kept.disk.lost += u64::from(failure.is_some());
        let is_news = failure.is_some() && kept.disk.failure.is_none();
        kept.disk.failure = failure.clone();
        drop(kept);
        if let (Some(why), true) = (failure, is_news) {
            tracing::warn!("events cannot be written: {why}; they are kept until the daemon ends");
        }
    }

    /// One more event.
    pub fn add(&self, mut event: Event) {
        event.words.truncate(event.words.floor_char_boundary(LONGEST));
        let mut kept = self.kept();
        kept.write(event.clone());
        kept.push(event);
    }

    /// What is asked for: the newest of it.
    pub fn find(&self, query: &Query) -> Events {
        let kept = self.kept();
        // Those that whoever asks again has not had: its number counts from the first event of this life.
        let passed = kept.count - kept.events.len() as u64;
        let had = query.after.filter(|after| after.life == kept.life);
        let skipped = had.map_or(0, |after| after.count.saturating_sub(passed) as usize);
        let new = kept.events.iter().skip(skipped);
        let mut found: Vec<&Event> = new.filter(|event| query.asks_for(event, had.is_some())).collect();
        found.sort_by_key(|event| event.at);
        let left_out = found.len().saturating_sub(events::MOST);
        Events {
            now: unix_ms(),
            read: events::Read { life: kept.life, count: kept.count },
            oldest: kept.events.front().map(|event| event.at),
            left_out,
            events: found[left_out..].iter().map(|event| (*event).clone()).collect(),
        }
    }

    /// The newest of them, newest first.
    pub fn newest(&self, most: usize) -> Vec<Event> {
        self.kept().events.iter().rev().take(most).cloned().collect()
    }

    /// How it stands with the files.
    pub fn disk(&self) -> Disk {
        self.kept().disk.clone()
    }

    /// Waits until all is written, for `limit` at most. What is told after that is not kept.
    pub fn close(&self, limit: Duration) {
        let mut kept = self.kept();
        kept.writer = None;
        let written = kept.written.take();
        drop(kept);
        // Nothing is ever sent: it ends with the thread, or at the limit.
        let _ = written.map(|written| written.recv_timeout(limit));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked with the lock held had at worst not pushed its event.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
