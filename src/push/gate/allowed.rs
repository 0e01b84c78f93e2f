//! Which requests the relay passes on to a daemon's admin API: what the operator's verbs need, and nothing else.
//!
//! Not among them are `POST /takeover`, which hands over a daemon's sockets, and `/sockets`.

/// Paths that tell something: whoever has a deploy key may ask.
const LOOK: [&str; 2] = ["/status", "/explain"];

/// Paths by which an operator says something: they travel in a signed manifest.
const TELL: [&str; 5] = ["/operator", "/failover", "/failback", "/forget", "/reload"];

/// The longest path with its query, in bytes.
const LONGEST: usize = 4096;

/// Whether a daemon may be asked for this path and query.
pub fn may_look(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    LOOK.contains(&path) && is_plain(target)
}

/// Whether a daemon may be told something at this path.
pub fn may_tell(target: &str) -> bool {
    TELL.contains(&target)
}

/// One word of visible ASCII: nothing that could end a request line.
fn is_plain(target: &str) -> bool {
    target.len() <= LONGEST && target.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
