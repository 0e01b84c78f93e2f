//! What every thread that answers has: what is answered, and whom it tells what other nameservers say.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::dnstap::Taps;
use super::secondary::bell::Bell;
use super::snapshot::Snapshot;

/// Shared by all of them.
#[derive(Clone, Default)]
pub struct Answering {
    /// Where the present snapshot is found.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// Tells the control thread that a primary has something new.
    pub bell: Arc<Bell>,
    /// Whether queries and responses are recorded.
    pub taps: Taps,
}
