//! How far an attempt has come.

use std::cell::Cell;

use tokio::time::Instant;

/// Written by one direction of an attempt; read by the other one, and to judge how the attempt ended.
#[derive(Default)]
pub struct Progress {
    /// A byte was written to the backend: from here on only a replayable request may be sent again.
    pub touched: Cell<bool>,
    /// Bytes of the request's body were taken from the client: it cannot be sent again.
    pub body_taken: Cell<bool>,
    /// Since when the backend owes a response.
    pub owed_since: Cell<Option<Instant>>,
    /// All of the request was sent.
    pub sent: Cell<bool>,
    /// The client waits for `100 Continue` before it sends the body.
    pub awaits_continue: Cell<bool>,
    /// The backend asks for credentials of the connection, or has accepted them.
    pub authenticated: Cell<bool>,
    /// A byte of a response was read.
    pub answered: Cell<bool>,
    /// The final response's head is on its way to the visitor.
    pub begun: Cell<bool>,
}

impl Progress {
    /// Nothing of the request was used up: it is whole for another attempt.
    pub fn is_unsent(&self) -> bool {
        !self.touched.get() && !self.body_taken.get()
    }

    /// The backend owes a response from now on.
    pub fn begin_to_owe(&self) {
        self.owed_since.set(Some(Instant::now()));
    }
}
