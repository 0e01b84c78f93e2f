//! How the thread that writes fares, for whoever asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;

/// How it is with the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing is to be sent, or it has not been tried yet.
    #[default]
    Idle,
    /// It takes what is sent.
    Connected,
    /// It is not there, or does not take anything; worded to follow its socket.
    Failed(String),
}

/// Written by the thread that writes, and where that cannot be started by the control thread.
#[derive(Debug, Default)]
pub struct Shown {
    standing: ArcSwap<Standing>,
    sent: AtomicU64,
    lost: AtomicU64,
}

impl Shown {
    /// How it is with the receiver now.
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// Messages that the receiver's socket has taken.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Messages that may have gone with a connection that broke, and those that were left when their receiver was not wanted any more.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    pub(super) fn stands(&self, standing: Standing) {
        self.standing.store(Arc::new(standing));
    }

    pub(super) fn add_sent(&self, frames: u64) {
        self.sent.fetch_add(frames, Relaxed);
    }

    pub(super) fn add_lost(&self, frames: u64) {
        self.lost.fetch_add(frames, Relaxed);
    }
}
