//! Bounds that both documents share.

use super::reader::{Read, Value};

/// The most threads of one daemon: more than any machine in use has cores.
pub(super) const MOST_WORKERS: usize = 256;

/// Backends of all services, or members of all pools: each may have an operator's state, and all of these must fit
/// into what peers take of each other.
pub const MOST_SUBJECTS: usize = 20 * 1024;

/// Notes a finding if there are more than [`MOST_SUBJECTS`].
pub(super) fn most_subjects(value: &Value<'_>, what: &str, number: usize) -> Read<()> {
    match number {
        0..=MOST_SUBJECTS => Ok(()),
        more => Err(value.fault(format!("{more} {what} in all: expected at most {MOST_SUBJECTS}"))),
    }
}
