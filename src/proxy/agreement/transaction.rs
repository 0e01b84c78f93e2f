//! What is written to the store, and on which conditions: all of it or nothing.

use super::key::{Key, Kind};

/// Writes that are made together. The store makes them only where every condition holds, and nothing comes between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// What must be so.
    pub conditions: Vec<Condition>,
    /// The keys that are written, and their values.
    pub writes: Vec<(Key, String)>,
    /// The lease with which they go away; none: they stay.
    pub lease: Option<i64>,
}

/// Something that must be so in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The key was written last at this revision; 0: it is not there.
    WrittenAt(Key, i64),
    /// No key of this kind was written after this revision.
    NoneAfter(Kind, i64),
    /// The key is there.
    Exists(Key),
}
