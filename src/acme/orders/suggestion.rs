//! When a certificate is to be renewed, as the CA has it (plain data).

use crate::acme::schedule::Window;

/// What the CA said of a certificate's renewal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suggestion {
    /// [`number`](crate::acme::material::Issued::number).
    pub(super) number: u32,
    pub(super) window: Option<Window>,
    /// When it is asked again.
    pub(super) next: u64,
    pub(super) is_asked: bool,
}
