//! The thread that writes the access log, and the one that keeps what went wrong.

#![allow(
    clippy::disallowed_types,
    reason = "held only to put another place for the log, or to look for a request; no worker does"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

use super::kept::Kept;
use super::kept_file::KeptFile;
use super::sink::Sink;
use super::style::Form;

/// What the writer and whoever asks have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Lines dropped since the start.
    pub dropped: AtomicU64,
    /// Why the last lines could not be written.
    pub failure: Mutex<Option<String>>,
    /// Where the writer is to write from now on.
    pub next: Mutex<Option<Sink>>,
    /// What went wrong.
    pub kept: Mutex<Kept>,
    /// Whether what failed is to be on disk, too.
    pub keeps_on_disk: AtomicBool,
}

impl Shared {
    fn note_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// What the lines of a message are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// To be written where the document says.
    Written,
    /// To be kept: what failed, or was slow.
    Failed,
    /// To be kept: what was refused.
    Refused,
}

/// Lines that a worker has gathered.
pub(super) struct Message {
    /// What for.
    pub batch: Batch,
    /// How they are written, if that is what for.
    pub form: Form,
    /// The lines.
    pub text: Vec<u8>,
    /// How many.
    pub count: u64,
    /// Where the buffer goes when it is done with.
    pub back: SyncSender<Vec<u8>>,
}

impl Message {
    /// How many lines of the log are lost with it.
    pub(super) fn lines(&self) -> u64 {
        if self.batch == Batch::Written { self.count } else { 0 }
    }
}

/// Writes each message as it comes where the document says, until nobody has any more.
pub(super) fn write_all(shared: &Shared, mut sink: Sink, messages: &Receiver<Message>) {
    let mut is_failing = false;
    for Message { form, mut text, count, back, .. } in messages {
        if let Some(next) = shared.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
            (sink, is_failing) = (next, false);
            shared.note_failure(None);
        }
        match sink.write(form, &text) {
            Ok(()) if is_failing => {
                is_failing = false;
                shared.note_failure(None);
            }
            Ok(()) => {}
            Err(error) => {
                shared.dropped.fetch_add(count, Ordering::Relaxed);
                if !std::mem::replace(&mut is_failing, true) {
                    let words = format!("access log: cannot write to {sink}: {error}; lines are lost until it can");
                    tracing::error!("{words}");
                    shared.note_failure(Some(words));
                }
            }
        }
        text.clear();
        // Its worker has enough of them, or has ended.
        let _ = back.try_send(text);
    }
}

/// Keeps each message as it comes, until nobody has any more. A thread of its own: where the log is written may hang.
pub(super) fn keep_all(shared: &Shared, file: Option<&KeptFile>, messages: &Receiver<Message>) {
    let mut is_failing = false;
    for Message { batch, mut text, back, .. } in messages {
        let is_failure = batch == Batch::Failed;
        shared.kept.lock().unwrap_or_else(PoisonError::into_inner).add(&text, is_failure);
        // Without an access log nothing of visitors gets to a disk.
        let may_keep = || shared.keeps_on_disk.load(Ordering::SeqCst);
        if let Some(file) = file.filter(|_| is_failure && may_keep()) {
            match file.append(&text) {
                Ok(()) => is_failing = false,
                Err(error) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(
                        "access log: failed requests cannot be kept on disk: {error}; `polder why` finds them until the daemon ends"
                    );
                }
                Err(_) => {}
            }
            // A reload has taken the log away, and with it the file, just before this was written.
            if !may_keep() {
                file.remove();
            }
        }
        text.clear();
        let _ = back.try_send(text);
    }
}
