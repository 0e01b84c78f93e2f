//! Paths that begin with others, in whole segments and undecoded (pure).

/// The longest of these prefixes that a path begins with, without a final slash: so `/` is none of it.
pub fn matched<'p>(prefixes: &[String], path: &'p [u8]) -> &'p [u8] {
    let prefixes = prefixes.iter().map(|prefix| prefix.trim_end_matches('/').as_bytes());
    let longest = prefixes.filter(|prefix| begins_with(path, prefix)).map(<[u8]>::len).max();
    &path[..longest.unwrap_or(0)]
}

/// Whether a path is `prefix` or lies below it. `prefix` has no final slash; the root is empty.
pub fn begins_with(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| prefix.is_empty() || matches!(rest.first(), None | Some(b'/' | b'?')))
}

/// Where the proxy itself answers, and no service is asked.
const RESERVED: &[u8] = b"/.polder";

/// Where it says whether it is ready.
pub const READY_PATH: &[u8] = b"/.polder/ready";

/// Whether a path is one at which the proxy itself answers.
pub fn is_reserved(path: &[u8]) -> bool {
    begins_with(path, RESERVED)
}
