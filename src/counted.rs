//! A number with its noun, as people read it (pure).

/// `1 host`, `2 hosts`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
