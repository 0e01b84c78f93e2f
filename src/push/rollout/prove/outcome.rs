//! How the questions of a proof were answered.

use std::collections::BTreeMap;

use super::probes::Probe;

/// How a question was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As the documents have it.
    Passed,
    /// By one who knows of no such zone, name or site, in these words: it may be new.
    Unknown(String),
    /// Not at all, or with an error: why.
    Failed(String),
}

/// Of each probe.
pub type Outcomes = BTreeMap<Probe, Outcome>;
