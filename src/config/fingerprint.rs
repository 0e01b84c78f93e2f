//! Whether two documents say the same of one thing, told by a number.

use std::collections::BTreeMap;
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

/// The fingerprints of those top-level keys of a document that a fleet's daemons of one kind have alike, by key; 0 for one that is not
/// there.
pub type Settings = BTreeMap<&'static str, Fingerprint>;

/// The same for a status.
pub fn in_text(settings: &Settings) -> BTreeMap<String, String> {
    settings.iter().map(|(key, fingerprint)| ((*key).to_owned(), fingerprint.to_string())).collect()
}
