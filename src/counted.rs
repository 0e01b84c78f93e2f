//! A number with its noun, as people read it (pure).

use std::fmt::Display;

/// `1 host`, `2 hosts`, `2 queries`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    if count == N::from(1) {
        return format!("{count} {what}");
    }
    format!("{count} {}", plural(what))
}

/// `hosts`, `queries`.
pub fn plural(what: &str) -> String {
    match what.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None => format!("{what}s"),
    }
}

#[cfg(test)]
mod tests;
