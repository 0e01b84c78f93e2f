//! Where zones of primaries are stored, and who may store there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use crate::dns::control::prepared::Prepared;
use crate::dns::journal::Journals;
use crate::dns::secondary::stored::Stored;

/// Where things are stored.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) stored: Stored,
    pub(super) journals: Journals,
}

/// Whether what a question brings may be stored.
#[derive(Clone)]
pub(super) struct Leave {
    /// Another process is the daemon, or none.
    pub(super) is_over: Arc<AtomicBool>,
    /// The question was let go.
    pub(super) is_unwanted: Arc<AtomicBool>,
    /// What is stored of the zone, in the hands of one question at a time: a thread that has begun to write cannot be stopped.
    pub(super) store: Arc<Mutex<()>>,
}

impl Places {
    /// Those of this document.
    pub(super) fn of(document: &Prepared) -> Places {
        let state_dir = &document.config.state_dir;
        Places { stored: Stored::new(state_dir), journals: Journals::new(state_dir) }
    }
}

impl Leave {
    /// Nothing may be stored.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.is_unwanted.load(Ordering::Relaxed)
    }
}
