//! What control and all workers share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot, watch};

use super::access_log::AccessLog;
use super::admission::{Admission, Slot};
use super::counters::WorkerCounters;
use crate::health::Target;
use crate::proxy::snapshot::Snapshot;

/// One a daemon.
pub struct Shared {
    /// What requests are answered from.
    pub snapshot: ArcSwap<Snapshot>,
    /// The generation of `snapshot`, sent after each swap: wakes the worker, which moves or aborts requests on backends
    /// that went down or were failed away from, and lets waiting ones choose again.
    pub changed: watch::Sender<u64>,
    /// Sent to by a worker when it answers from another snapshot, whose generation is among its counts.
    pub adopted: watch::Sender<()>,
    /// What workers report to control.
    pub reports: mpsc::UnboundedSender<Report>,
    /// Clients' connections now, over all workers.
    pub admission: Arc<Admission>,
    /// Accept no more; finish what runs with `Connection: close`.
    pub stopping: AtomicBool,
    /// Where requests are logged.
    pub access_log: AccessLog,
    /// The workers as they see each other, by index; empty until a worker is spawned.
    pub siblings: Box<[OnceLock<Sibling>]>,
}

/// A worker as the others see it.
pub struct Sibling {
    /// Takes their requests for a slot.
    pub slot_requests: mpsc::UnboundedSender<SlotRequest>,
    /// Its counts.
    pub counters: Arc<WorkerCounters>,
}

/// A worker without a connection that it could evict asks another one for a slot.
pub struct SlotRequest {
    /// Dropped without a slot: there is none.
    pub reply: oneshot::Sender<Slot>,
}

/// What a worker reports to control; at most once a second and target.
#[derive(Debug)]
pub enum Report {
    /// A live request had an error on this target, or has to wait for a probe of it: bring its next one forward.
    LiveError(Arc<Target>),
}

impl Shared {
    /// For so many workers.
    pub fn new(
        snapshot: Snapshot,
        reports: mpsc::UnboundedSender<Report>,
        access_log: AccessLog,
        workers: usize,
    ) -> Shared {
        Shared {
            changed: watch::channel(snapshot.generation).0,
            snapshot: ArcSwap::from_pointee(snapshot),
            adopted: watch::channel(()).0,
            reports,
            admission: Arc::default(),
            stopping: AtomicBool::new(false),
            access_log,
            siblings: (0..workers).map(|_| OnceLock::new()).collect(),
        }
    }
}
