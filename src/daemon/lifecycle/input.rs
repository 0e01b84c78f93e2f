//! What reaches the control loop from tasks of its own.

use std::sync::Arc;

use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::super::admin::{AdminReply, AdminRequest};
use super::super::reload::HandOverError;
use super::super::takeover::{Offered, TakeoverError};
use super::error::DocumentError;
use crate::health::Target;

/// One thing for the loop: `P` is the daemon's kind of document, `E` what happens to its state.
pub enum Input<P, E> {
    /// For the state. While a takeover is decided it is held back.
    Event(E),
    /// An event from the daemon that took over from this process; for the state.
    Followed(E),
    /// A request of the operator, and where its answer goes.
    Admin(AdminRequest, oneshot::Sender<AdminReply>),
    /// Live traffic had an error with this target.
    LiveError(Arc<Target>),
    /// A reload's document has been read, or cannot be.
    Read(Result<P, DocumentError>),
    /// A new process asks to take over.
    Takeover(UnixStream),
    /// It is ready, or gone.
    Offered(Result<Offered, TakeoverError>),
    /// It is ready, and nothing is being written here any more.
    Quiet(Offered),
    /// It is the daemon now, or gone.
    Finished(Result<(), TakeoverError>),
    /// The successor that a reload started has taken over (its process id), or not.
    Succeeded(Result<u32, HandOverError>),
}

/// The way into the loop. Inputs sent after the loop has ended are dropped.
pub struct Inputs<P, E> {
    sender: mpsc::UnboundedSender<Input<P, E>>,
}

impl<P, E> Clone for Inputs<P, E> {
    fn clone(&self) -> Self {
        Inputs { sender: self.sender.clone() }
    }
}

impl<P, E> Inputs<P, E> {
    /// Both ends.
    pub fn open() -> (Inputs<P, E>, mpsc::UnboundedReceiver<Input<P, E>>) {
        let (sender, incoming) = mpsc::unbounded_channel();
        (Inputs { sender }, incoming)
    }

    /// Sends an input; false if the loop has ended.
    pub fn send(&self, input: Input<P, E>) -> bool {
        self.sender.send(input).is_ok()
    }
}
