//! Which requests the relay passes on to a daemon's admin API: what the operator's verbs need, and nothing else.
//!
//! `POST /takeover`, which hands over a daemon's sockets, and `/sockets` are not among them.

/// Paths that only read: a deploy key is enough.
const LOOK: [&str; 5] = ["/status", "/counters", "/explain", "/events", "/why"];

/// Paths that change something: they need a signed manifest.
const TELL: [&str; 6] = ["/operator", "/failover", "/failback", "/forget", "/reload", "/dnstap"];

/// The longest path with its query, in bytes.
const LONGEST: usize = 4096;

/// Whether a daemon may be asked for this path and query.
pub fn may_look(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    LOOK.contains(&path) && is_plain(target)
}

/// Whether an operator's command may be relayed to this path.
pub fn may_tell(target: &str) -> bool {
    TELL.contains(&target)
}

/// Visible ASCII only, so nothing in it can end the request line.
fn is_plain(target: &str) -> bool {
    target.len() <= LONGEST && target.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
