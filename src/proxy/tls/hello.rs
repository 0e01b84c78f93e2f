//! The handshake that this thread is working on.
//!
//! rustls tells those whom it asks (for a certificate, for a ticket, for what is thought of a visitor's certificate) nothing of the
//! others' answers. So each finds here what is known so far. Whoever works on a handshake lays its own here before, and takes it
//! back behind; no two are worked on at once.

use std::cell::RefCell;
use std::sync::Arc;

use super::client_authority::ClientAuthority;
use crate::tls::certificate::Certificate;

/// What the client of a handshake asked for, and what it gets.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The host that it named.
    pub server_name: Option<Box<str>>,
    /// There is a certificate for that host, or a default.
    pub is_known: bool,
    /// The certificate that it gets; none: it has no use for any.
    pub certificate: Option<Arc<Certificate>>,
    /// The host that it named, if any, is one that the certificate is for.
    pub is_covered: bool,
    /// By whose certificates it is asked to say who it is; none: it is not asked.
    pub authority: Option<Arc<ClientAuthority>>,
    /// The number of what the certificate that it has shown is good by.
    pub good_by: Option<u64>,
}

impl Hello {
    /// Sessions may be resumed. Never where visitors show certificates: each handshake verifies them anew.
    pub fn may_resume(&self) -> bool {
        self.is_covered && self.authority.is_none()
    }
}

thread_local! {
    static PRESENT: RefCell<Option<Hello>> = const { RefCell::new(None) };
}

/// Lays what is known of a handshake here; nothing, before its first message.
pub fn enter(hello: Option<Hello>) {
    PRESENT.set(hello);
}

/// Takes it back, with what has been learnt.
pub fn leave() -> Option<Hello> {
    PRESENT.take()
}

/// What is known of the handshake that this thread is working on.
pub(super) fn with<T>(look: impl FnOnce(Option<&Hello>) -> T) -> T {
    PRESENT.with_borrow(|hello| look(hello.as_ref()))
}

/// Notes by what the visitor's certificate is good.
pub(super) fn note_good(number: u64) {
    PRESENT.with_borrow_mut(|hello| {
        if let Some(hello) = hello {
            hello.good_by = Some(number);
        }
    });
}
