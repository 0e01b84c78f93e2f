//! What came of an attempt, and what follows from it for the request and for the client's connection (pure).
//!
//! Owns the rule of when a request may be sent again: a byte of it that a backend may have seen is sent twice only if the
//! request is replayable (RFC 9110, 9.2.2), and never once a response has begun.

use super::inflight::Order;
use super::progress::Progress;
use super::relay::RelayError;
use super::sending::SendError;
use super::termination::End;
use super::transport::Transport;
use crate::config::proxy::{RetryConfig, RetryOn};

/// What came of an attempt.
#[derive(Debug)]
pub enum Outcome {
    /// The response was passed on, whole or not.
    Finished {
        /// What becomes of the client's connection.
        then: AfterResponse,
        /// For the access log.
        end: End,
    },
    /// The backend has switched protocols and the client knows: what follows is a tunnel.
    Switched(Transport),
    /// Nothing reached the visitor, and nothing speaks against another backend.
    TryAnother(Failure),
    /// The idle connection was closed under us; the backend may be well.
    Stale,
    /// A new snapshot says that the backend may not get the request any more.
    Moved,
    /// Nothing reached the visitor, and the request may not be sent again.
    Failed(Failure),
}

/// Why a request has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What the visitor is answered; `None`: it has gone.
    pub status: Option<u16>,
    /// For the access log.
    pub end: End,
}

impl Failure {
    /// A failure that the visitor is answered with.
    pub const fn new(status: u16, end: End) -> Failure {
        Failure { status: Some(status), end }
    }

    /// No connection to the backend could be opened.
    pub fn is_of_connecting(self) -> bool {
        matches!(self.end, End::NoBackend | End::ConnectTimeout)
    }

    /// The visitor has gone.
    pub const fn of_gone_client(end: End) -> Failure {
        Failure { status: None, end }
    }
}

/// What becomes of the client's connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterResponse {
    /// It is kept for the next request.
    Keep,
    /// It is closed: all was sent and read.
    Close,
    /// The client may still be sending: what it sends is read for a moment, so that it can read the response.
    Linger,
    /// It is reset: the client must not take what it got for whole.
    Reset,
}

impl Outcome {
    fn finished(then: AfterResponse, end: End) -> Outcome {
        Outcome::Finished { then, end }
    }

    /// After a response that was passed on whole.
    pub fn of_response(client_keeps: bool, progress: &Progress) -> Outcome {
        let then = match (progress.sent.get(), client_keeps) {
            (true, true) => AfterResponse::Keep,
            (true, false) => AfterResponse::Close,
            (false, _) => AfterResponse::Linger,
        };
        Outcome::finished(then, End::Done)
    }

    /// After an error on the way back. `is_reused`: the connection to the backend had been idle.
    pub fn of_relay_error(
        error: RelayError,
        progress: &Progress,
        is_replayable: bool,
        is_reused: bool,
        retry: RetryConfig,
    ) -> Outcome {
        let again = |is_said: bool, failure| match is_said && is_replayable && !progress.begun.get() {
            true => Outcome::TryAnother(failure),
            false => Outcome::Failed(failure),
        };
        let failure = match error {
            RelayError::NoResponse
                if !is_reused && !progress.is_unsent() && !retry.on.contains(RetryOn::EMPTY_RESPONSE) =>
            {
                return Outcome::Failed(Failure::new(502, End::BackendInHead));
            }
            RelayError::NoResponse => Failure::new(502, End::BackendInHead),
            // It was asked before whether there is another one.
            RelayError::Status(status) => return Outcome::TryAnother(Failure::new(status, End::RetriedStatus)),
            RelayError::NotProcessed if progress.body_taken.get() => {
                return Outcome::Failed(Failure::new(502, End::BackendInHead));
            }
            RelayError::NotProcessed if is_reused => return Outcome::Stale,
            // As if there had been no connection.
            RelayError::NotProcessed => return Outcome::TryAnother(Failure::new(503, End::NoBackend)),
            RelayError::TimedOut => {
                return again(retry.on.contains(RetryOn::RESPONSE_TIMEOUT), Failure::new(504, End::ResponseTimeout));
            }
            RelayError::TryTimedOut => {
                return again(retry.on.contains(RetryOn::RESPONSE_TIMEOUT), Failure::new(504, End::TryTimeout));
            }
            RelayError::Malformed => {
                return again(retry.on.contains(RetryOn::JUNK_RESPONSE), Failure::new(502, End::MalformedResponse));
            }
            RelayError::Client(end) => return Outcome::finished(AfterResponse::Close, end),
            RelayError::Body { end, is_delimited: true } => return Outcome::finished(AfterResponse::Close, end),
            RelayError::Body { end, is_delimited: false } => return Outcome::finished(AfterResponse::Reset, end),
        };
        match !progress.answered.get() && (progress.is_unsent() || is_replayable) {
            true if is_reused => Outcome::Stale,
            true => Outcome::TryAnother(failure),
            false => Outcome::Failed(failure),
        }
    }

    /// After an error on the request's way.
    pub fn of_send_error(error: SendError, progress: &Progress) -> Outcome {
        let failure = match error {
            SendError::ClientClosed if progress.sent.get() && !progress.begun.get() => {
                Failure::of_gone_client(End::ClientInWait)
            }
            SendError::ClientClosed | SendError::BackendClosed => Failure::of_gone_client(End::ClientInData),
            SendError::ClientTimedOut => Failure::new(408, End::ClientBodyTimeout),
            SendError::BackendTimedOut => Failure::new(504, End::BackendBodyTimeout),
            SendError::Malformed => Failure::new(400, End::MalformedBody),
            SendError::TooLong => Failure::new(413, End::BodyTooLong),
        };
        match progress.begun.get() {
            true => Outcome::finished(AfterResponse::Reset, failure.end),
            false => Outcome::Failed(failure),
        }
    }

    /// After an order to leave the backend.
    pub fn of_order(order: Order, progress: &Progress, is_replayable: bool) -> Outcome {
        let is_kill = order == Order::Kill;
        if progress.begun.get() {
            let end = if is_kill { End::DrainTimeout } else { End::FailedOverInData };
            return Outcome::finished(AfterResponse::Reset, end);
        }
        let is_bound = !progress.is_unsent() && !is_replayable;
        match order {
            Order::Kill => Outcome::Failed(Failure::new(503, End::DrainTimeout)),
            Order::Abort => Outcome::Failed(Failure::new(502, End::FailedOverInWait)),
            Order::Move | Order::ChooseAgain | Order::Close if is_bound => {
                Outcome::Failed(Failure::new(502, End::FailedOverInWait))
            }
            Order::Move | Order::ChooseAgain | Order::Close | Order::Evict => Outcome::Moved,
        }
    }
}

#[cfg(test)]
mod tests;
