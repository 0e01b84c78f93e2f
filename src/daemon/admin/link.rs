//! What ties connections to their server.

use std::convert::Infallible;

use tokio::sync::{mpsc, watch};

/// Whether the server accepts connections. Once the sender of this is dropped, the server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepting {
    Running,
    Paused,
}

/// What ties a connection to its server: the connection sees the server stop, and the server sees the connection end.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) accepting: watch::Receiver<Accepting>,
    pub(super) _alive: mpsc::Sender<Infallible>,
}
