//! A Caddyfile: whatever it is, the result is a document that the daemon takes, or an error in words.

use crate::imported;

/// A Caddyfile.
pub fn check(text: &[u8]) {
    imported::check(text, polder::import::caddy::import);
}
