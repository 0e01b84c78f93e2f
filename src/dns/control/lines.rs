//! What control says in the log, and so in the history (pure).

use super::choices::Choices;
use crate::dns::pool::By;
use crate::log_line::{Kind, LogLine};

/// A pool is answered with other addresses than before, or for another reason.
pub(super) fn pool_answers(pool: &str, addresses: &str, chosen: &Choices) -> LogLine {
    let line = format!("pool {pool} answers {addresses}");
    let line = match chosen.all_down() {
        Some(policy) => {
            LogLine::warn(Kind::Pool, format!("{line}: no member is both up and ready, when_all_down {policy}"))
        }
        None if chosen.kept_until().is_some() => LogLine::warn(
            Kind::Pool,
            format!(
                "{line}: no member is up by the checks of this nameserver and no peer is heard, so that the answer from before is kept"
            ),
        ),
        None if chosen.is_decided(By::Peers) => LogLine::warn(
            Kind::Pool,
            format!("{line}: no member is up by the checks of this nameserver, and its peers see these up"),
        ),
        None => LogLine::info(Kind::Pool, line),
    };
    line.about(pool)
}

/// This nameserver alone finds every member of a pool down.
pub(super) fn isolated(pool: &str, words: &str) -> LogLine {
    let words = format!("pool {pool}: this nameserver is isolated from {words}; it answers what its peers see up");
    LogLine::warn(Kind::Pool, words).about(pool)
}

/// That has ended.
pub(super) fn isolated_no_more(pool: &str) -> LogLine {
    LogLine::info(Kind::Pool, format!("pool {pool}: this nameserver is isolated no more")).about(pool)
}

/// Whether this machine has IPv6 of its own, which is not as it was.
pub(super) fn own_ipv6(is_there: bool) -> &'static str {
    match is_there {
        true => "this machine has IPv6 of its own: checks of AAAA count",
        false => {
            "this machine has no IPv6 of its own: where no check finds an AAAA up, peers decide, or the A of the same member"
        }
    }
}

/// What a peer has done that it should not.
pub(super) fn wrong_of_peer(peer: &str, words: String) -> LogLine {
    LogLine::warn(Kind::Peer, words).about(peer)
}

/// Something of what the process before this one knew cannot be used.
pub(super) fn not_taken_over(why: &str) -> LogLine {
    LogLine::warn(Kind::Certificate, format!("not taken of what was handed over: {why}"))
}
