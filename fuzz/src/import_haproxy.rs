//! A configuration of HAProxy: whatever it is, the result is a document that the daemon takes, or an error in words.

use crate::imported;

/// A configuration.
pub fn check(text: &[u8]) {
    imported::check(text, polder::import::haproxy::import);
}
