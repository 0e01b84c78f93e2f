//! Whether two documents say the same of one thing, told by a number.

use std::fmt;

/// Of all that stands under one key of a document ([`Value::fingerprint`](super::reader::Value::fingerprint)), for whoever compares what
/// several machines have. Two things that come to the same are equal however they are written: it has no part in that.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fingerprint(pub u64);

impl PartialEq for Fingerprint {
    fn eq(&self, _: &Fingerprint) -> bool {
        true
    }
}

impl Eq for Fingerprint {}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
