//! What control says in the log, and so in the history (pure).

use std::fmt::Display;

use crate::log_line::{Kind, LogLine};

/// A pool is answered with other addresses than before; `all_down`: by which policy.
pub(super) fn pool_answers(pool: &str, addresses: &str, all_down: Option<impl Display>) -> LogLine {
    let line = format!("pool {pool} answers {addresses}");
    let line = match all_down {
        None => LogLine::info(Kind::Pool, line),
        Some(policy) => {
            LogLine::warn(Kind::Pool, format!("{line}: no member is both up and ready, when_all_down {policy}"))
        }
    };
    line.about(pool)
}

/// A peer knew what an operator has said.
pub(super) fn newer_states(peer: &str) -> LogLine {
    LogLine::info(Kind::Operator, format!("took over newer operator states from peer {peer}")).about(peer)
}

/// What a peer has done that it should not.
pub(super) fn wrong_of_peer(peer: &str, words: String) -> LogLine {
    LogLine::warn(Kind::Peer, words).about(peer)
}
