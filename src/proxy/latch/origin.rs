//! Whose word a step is (pure).

use super::Latch;

/// Where a step comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was decided here, and may still be withdrawn.
    Here,
    /// A peer has made it, and it counts already, unless something later is here.
    Peer,
    /// The proxies have agreed on it: of two of one epoch it is the one.
    Agreed,
}

impl Origin {
    /// Whether a step that comes from there has come too late, where this latch is in force.
    pub(super) fn is_late(self, next: &Latch, in_force: &Latch) -> bool {
        match self {
            Origin::Here => in_force.epoch >= next.epoch,
            Origin::Peer => in_force >= next,
            Origin::Agreed => in_force.epoch > next.epoch || in_force.is_same_move(next),
        }
    }
}
