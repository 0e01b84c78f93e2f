//! What control says in the log, and so in the history (pure).

use std::fmt::Display;

use crate::log_line::{Kind, LogLine};
use crate::proxy::latch::latches::LatchMove;

/// What a latch does.
pub(super) fn of_latch(service: &str, words: String) -> LogLine {
    LogLine::info(Kind::Latch, words).about(service)
}

/// A latch has moved.
pub(super) fn moved(moved: &LatchMove) -> LogLine {
    let LatchMove { service, before, now } = moved;
    let from = before.as_ref().map_or("undecided", |latch| &latch.active);
    let step = if *from == *now.active { format!("still {from}") } else { format!("{from} -> {}", now.active) };
    // Nobody has moved the latch of a first start.
    let by = if now.by.is_empty() { String::new() } else { format!(", by {}", now.by) };
    let words = format!("{service}: {step} (epoch {}{by}): {}", now.epoch, now.reason);
    of_latch(service, words).about(format!("{service}/{}", now.active))
}

/// What an operator has said.
pub(super) fn said_of(subject: &str, words: String) -> LogLine {
    LogLine::info(Kind::Operator, words).about(subject)
}

/// This proxy alone cannot reach what a service needs.
pub(super) fn isolated(service: &str, words: &str) -> LogLine {
    LogLine::warn(Kind::Check, format!("{service}: this proxy is isolated from {words}; nothing is moved for that"))
        .about(service)
}

/// That has ended.
pub(super) fn isolated_no_more(service: &str) -> LogLine {
    LogLine::info(Kind::Check, format!("{service}: this proxy is isolated no more")).about(service)
}

/// The proxies cannot agree any more.
pub(super) fn agreement_lost(why: &str) -> LogLine {
    LogLine::warn(Kind::Latch, format!("agreement: no word from etcd any more ({why}): no stateful service moves"))
}

/// They can again.
pub(super) fn agreement_back() -> LogLine {
    LogLine::info(Kind::Latch, "agreement: etcd is heard")
}

/// What a peer has done that it should not: `sent values that are refused`, and which.
pub(super) fn wrong_of_peer(peer: &str, what: &str, why: &dyn Display) -> LogLine {
    LogLine::warn(Kind::Peer, format!("peer {peer} {what}: {why}")).about(peer)
}

/// What of the state of the process before this one is not gone on with.
pub(super) fn not_taken_over(what: &str, why: &dyn Display) -> LogLine {
    LogLine::warn(Kind::Daemon, format!("{what}: {why}"))
}

#[cfg(test)]
mod tests;
